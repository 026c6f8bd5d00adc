"""The reverb: its decay, its lines, and what it does to two sides."""

from __future__ import annotations

from itertools import combinations
from math import gcd

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt
from tonerig.realtime.processors.reverb import Reverb, line_lengths

from tests.realtime.run import BLOCKS, RATE, Signal, noise, prepared, run

WET = {"mix": 100.0, "predelay_ms": 0.0}


def impulse_response(
    values: dict[str, float], seconds: float, channels: int = 1, rate: float = RATE
) -> Signal:
    """What a one in the first sample of all channels gives, shape (channels, frames)."""
    impulse = np.zeros((channels, round(seconds * rate)))
    impulse[:, 0] = 1.0
    return run(prepared(Reverb({**WET, **values}), channels, rate), impulse, 2048, rate=rate)


def t60(response: NDArray[np.floating], centre_hz: float, rate: float = RATE) -> float:
    """Reverberation time of an octave band by Schroeder's backward integration, -5 to -35 dB (ISO 3382)."""
    band = butter(4, [centre_hz / 2**0.5, centre_hz * 2**0.5], "bandpass", fs=rate, output="sos")
    energy = np.cumsum(sosfilt(band, response.astype(np.float64))[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0])
    inside = (level < -5) & (level > -35)
    slope = np.polyfit(np.flatnonzero(inside) / rate, level[inside], 1)[0]
    return float(-60 / slope)


@pytest.mark.parametrize(
    ("decay_s", "size", "rate"),
    [(0.4, 30.0, 48000.0), (1.5, 70.0, 44100.0), (3.0, 150.0, 48000.0), (6.0, 25.0, 96000.0)],
)
def test_decay_is_t60(decay_s: float, size: float, rate: float) -> None:
    """The octaves at 250 and 500 Hz fall by 60 dB in decay_s, within 10 %, at any size and rate."""
    values = {"decay_s": decay_s, "size": size, "damping_hz": 8000.0}
    response = impulse_response(values, 1.2 * decay_s, rate=rate)[0]
    for centre_hz in (250.0, 500.0):
        assert t60(response, centre_hz, rate) == pytest.approx(decay_s, rel=0.1)


@pytest.mark.parametrize("damping_hz", [1000.0, 4000.0])
def test_damping_is_where_decay_is_twice_as_fast(damping_hz: float) -> None:
    """A narrow band around damping_hz has half the T60, within 10 %."""
    response = impulse_response({"decay_s": 3.0, "damping_hz": damping_hz}, 3.0)[0]
    time = np.arange(response.size) / RATE
    shifted = response * np.exp(-2j * np.pi * damping_hz * time)
    narrow = sosfilt(butter(4, 100.0, fs=RATE, output="sos"), shifted)
    energy = np.cumsum(np.abs(narrow[::-1]) ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0])
    inside = (level < -5) & (level > -35)
    assert -60 / np.polyfit(time[inside], level[inside], 1)[0] == pytest.approx(1.5, rel=0.1)


@pytest.mark.parametrize("rate", [44100.0, 48000.0, 192000.0])
def test_lines_are_mutually_prime_and_scale(rate: float) -> None:
    """No two lengths share a divisor, and each lasts as long at any rate as at 48 kHz within 1 %."""
    lengths = line_lengths(rate, 100.0)
    assert all(gcd(a, b) == 1 for a, b in combinations(lengths, 2))
    np.testing.assert_allclose(np.array(lengths) / rate, np.array(line_lengths(48000.0, 100.0)) / 48000, 0.01)


def test_two_sides_come_out_decorrelated() -> None:
    """The same impulse on both sides gives tails correlated by less than 0.2, with powers within 2 dB."""
    left, right = impulse_response({"decay_s": 2.0, "damping_hz": 20000.0}, 2.0, channels=2)
    powers = [float(side @ side) for side in (left, right)]
    assert abs(left @ right) / np.sqrt(powers[0] * powers[1]) < 0.2
    assert abs(10 * np.log10(powers[0] / powers[1])) < 2.0


def test_one_side_is_heard_on_both() -> None:
    """An impulse on the left alone reaches the right at a power within 6 dB of the left's."""
    impulse = np.zeros((2, 96000))
    impulse[0, 0] = 1.0
    left, right = run(prepared(Reverb(WET), 2), impulse, 2048)
    assert abs(10 * np.log10((left @ left) / (right @ right))) < 6.0


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("decay_s", [0.5, 4.0])
def test_noise_keeps_its_power(channels: int, decay_s: float) -> None:
    """Below 2 kHz, noise comes out wet with the power it went in with, within 1 dB, whatever the decay."""
    values, lows = {**WET, "decay_s": decay_s, "damping_hz": 20000.0}, butter(4, 2000, fs=RATE, output="sos")
    signal = noise(8.0, channels, level=0.1)
    output = run(prepared(Reverb(values), channels), signal, 2048)
    powers = [np.mean(sosfilt(lows, x.astype(np.float64))[:, -150000:] ** 2) for x in (output, signal)]
    assert abs(10 * np.log10(powers[0] / powers[1])) < 1.0


def test_mix_and_predelay() -> None:
    """At 0 % the input passes bit for bit; predelay shifts the wet sound by its samples exactly."""
    signal = noise(0.3, 2)
    assert np.array_equal(run(prepared(Reverb({"mix": 0.0}), 2), signal), signal)
    plain = run(prepared(Reverb(WET), 2), signal)
    late = run(prepared(Reverb({**WET, "predelay_ms": 100.0}), 2), signal)
    assert not late[:, :4800].any()
    assert np.array_equal(late[:, 4800:], plain[:, :-4800])


def test_turned_knobs_make_no_steps() -> None:
    """Under a 100 Hz sine, turned knobs add no energy above 5 kHz beyond -60 dB of full scale."""
    signal = 0.5 * np.sin(2 * np.pi * 100 * np.arange(96000) / RATE)
    changes = {
        30000: {"decay_s": 8.0, "damping_hz": 600.0},
        50000: {"decay_s": 0.5, "predelay_ms": 60.0},
        70000: {"mix": 0.0},
    }
    output = run(prepared(Reverb({"mix": 100.0})), signal, changes=changes)[0].astype(np.float64)
    highs = sosfilt(butter(6, 5000, "highpass", fs=RATE, output="sos"), output)[5000:]
    assert np.abs(highs).max() < 1e-3


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks_do_not_matter(block: int) -> None:
    """The same bits in any block size, with all knobs on the move."""
    signal = noise(0.3, 2)
    changes = {3333: {"decay_s": 5.0, "damping_hz": 900.0, "mix": 60.0, "predelay_ms": 3.0}}
    expected = run(prepared(Reverb(), 2), signal, 37, changes=changes)
    assert np.array_equal(run(prepared(Reverb(), 2), signal, block, changes=changes), expected)


def test_the_tail_ends_in_silence_and_loud_input_stays_finite() -> None:
    """Noise of a million stays finite, zeros come out once its tail is over, and a reset starts anew."""
    reverb = prepared(Reverb({"decay_s": 0.3, "mix": 100.0}), 2)
    loud = run(reverb, noise(0.3, 2, level=1e6))
    assert np.isfinite(loud).all()
    assert not run(reverb, np.zeros((2, 5 * 48000)), 2048)[:, -1000:].any()
    reverb.reset()
    assert np.array_equal(run(reverb, noise(0.3, 2, level=1e6)), loud)
