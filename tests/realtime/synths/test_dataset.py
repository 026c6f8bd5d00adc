"""The paper's data set, against its equations in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter
from tonerig.realtime.synths.dataset import FRAMES, KEY_UP_S, RATE, render_levels, render_values
from tonerig.realtime.synths.four import ESTIMATED
from tonerig.realtime.synths.four_voice import WAVES

SOUNDS = 40
NAMES = [parameter.name for parameter in ESTIMATED]
Signal = NDArray[np.float64]


def _levels(seed: int = 0) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, 16, (SOUNDS, len(ESTIMATED)))


def _values(levels: NDArray[np.int64]) -> Signal:
    return np.stack([parameter.decode(levels[:, k]) for k, parameter in enumerate(ESTIMATED)], axis=1)


def _cycles(f: float, v: float, b: float, t: Signal, modulation: str) -> Signal:
    """The oscillator's argument in cycles, -1/2 to 1/2: the general family, or equation 1."""
    moved = (
        b / v * (1 - np.cos(2 * np.pi * v * t))
        if modulation == "frequency"
        else b * np.sin(2 * np.pi * v * t)
    )
    cycles = f * t + moved / (2 * np.pi)
    return cycles - np.round(cycles)


def _wave(name: str, x: Signal) -> Signal:
    if name == "sine":
        return np.sin(2 * np.pi * x)
    if name == "saw":
        return 0.5 + x
    if name == "triangle":
        return 0.5 + np.arcsin(np.sin(2 * np.pi * x)) / np.pi
    return np.sign(x)


def _envelope(a: float, d: float, s: float, r: float, n: Signal, key_up: int) -> Signal:
    held = np.minimum(n / (a * RATE), np.maximum(s, 1 - (n - a * RATE) * (1 - s) / (d * RATE)))
    return np.where(n < key_up, held, held[key_up] * np.maximum(0, 1 - (n - key_up) / (r * RATE)))


def _low_pass(x: Signal, cutoff: float, q: float) -> Signal:
    """R. Bristow-Johnson's low-pass, through SciPy."""
    w = 2 * np.pi * cutoff / RATE
    alpha, c = np.sin(w) / 2 / q, np.cos(w)
    return lfilter([(1 - c) / 2, 1 - c, (1 - c) / 2], [1 + alpha, -2 * c, 1 - alpha], x)


def _sound(values: Signal, modulation: str = "frequency", waves: tuple[str, ...] = WAVES) -> Signal:
    """Section 3 in NumPy."""
    n = np.arange(FRAMES, dtype=np.float64)
    p = dict(zip(NAMES, values, strict=True))
    total = np.zeros(FRAMES)
    for wave in waves:
        f, v, b = (p[f"{wave}_{name}"] for name in ("frequency_hz", "modulation_hz", "depth_hz"))
        total += p[f"{wave}_amplitude"] * _wave(wave, _cycles(f, v, b, n / RATE, modulation))
    adsr = (p[name] for name in ("attack_s", "decay_s", "sustain", "release_s"))
    total = _low_pass(total * _envelope(*adsr, n, round(KEY_UP_S * RATE)), p["cutoff_hz"], p["resonance"])
    return total * ((p["gate_hz"] * n / RATE) % 1 < 0.5)


def _esr(sound: NDArray[np.float32], reference: Signal) -> float:
    return float(np.sum((sound - reference) ** 2) / np.sum(reference**2))


@pytest.mark.parametrize("modulation", ["frequency", "phase"])
def test_sounds_follow_the_equations(modulation: str) -> None:
    """Every sound is what NumPy makes of section 3 in double precision, but for jumps a sample off."""
    levels = _levels()
    sounds = render_levels(levels, modulation=modulation)
    errors = [
        _esr(*pair) for pair in zip(sounds, (_sound(v, modulation) for v in _values(levels)), strict=True)
    ]
    assert np.median(errors) < (1e-6 if modulation == "frequency" else 1e-3)
    assert max(errors) < 2e-2


@pytest.mark.parametrize("wave", ["sine", "triangle"])
def test_waves_without_jumps_follow_them_closely(wave: str) -> None:
    """Where no jump can fall on either side of a sample, the error is -60 dB and less, modulation and all."""
    values = _values(_levels(1))
    for other in set(WAVES) - {wave}:
        values[:, NAMES.index(f"{other}_amplitude")] = 0.0
    values[:, NAMES.index(f"{wave}_amplitude")] = 1.0
    values[:, NAMES.index("gate_hz")] = 0.5  # open for the whole second
    sounds = render_values(values)
    for sound, v in zip(sounds, values, strict=True):
        assert _esr(sound, _sound(v, waves=(wave,))) < 1e-6


def test_threads_and_neighbours_change_no_bits() -> None:
    """A sound is the same alone, among others, and on several threads."""
    levels = np.concatenate([_levels(k) for k in range(4)])
    together = render_levels(levels, threads=4)
    assert np.array_equal(together, render_levels(levels, threads=1))
    for k in (0, 17, len(levels) - 1):
        assert np.array_equal(render_levels(levels[k : k + 1])[0], together[k])


def test_a_key_let_go_at_the_end_is_held_throughout() -> None:
    """The key's time is free; a later release changes nothing before it."""
    values = _values(_levels(2))
    early, late = render_values(values), render_values(values, key_up_s=2.0)
    before = round(KEY_UP_S * RATE)
    assert np.array_equal(early[:, :before], late[:, :before])
    assert not np.array_equal(early, late)


def test_a_wrong_shape_is_refused() -> None:
    """The error says which shape is expected."""
    with pytest.raises(ValueError, match=r"shape \(sounds, 23\), found \(3, 5\)"):
        render_values(np.zeros((3, 5)))
