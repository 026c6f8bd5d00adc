"""Sounds of the four-oscillator synthesizer as the paper's data set renders them: fast, on all cores.

The same voice as the instrument's, with the waves' formulas in place of tables: the paper's rate is
16 384 Hz, and what its carriers fold back there belongs to its sounds.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..compiler.layout import aligned
from ..compiler.unit import Unit, load
from .dataset_parts import in_parts
from .four import ESTIMATED, FourOscillators
from .four_voice import WAVES, Modulation
from .layout import LANES

RATE = 16384.0
FRAMES = 16384
KEY_UP_S = 0.3
CYCLE = 2.0**32


def values_of(levels: ArrayLike) -> NDArray[np.float64]:
    """The values of levels of the grid.

    Parameters
    ----------
    levels : shape (sounds, 23), 0 to 15, in the order of `four.ESTIMATED`
    """
    chosen = np.asarray(levels)
    return np.stack([parameter.decode(chosen[:, k]) for k, parameter in enumerate(ESTIMATED)], axis=1)


def render_values(
    values: ArrayLike,
    *,
    modulation: Modulation = "frequency",
    rate: float = RATE,
    frames: int = FRAMES,
    key_up_s: float = KEY_UP_S,
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Sounds for parameter values.

    Parameters
    ----------
    values : shape (sounds, 23), in the parameters' units and the order of `four.ESTIMATED`
    modulation : what modulators move, see `four_voice`
    rate : in Hz
    frames : of each sound
    key_up_s : seconds after which the key is let go
    threads : how many; as many as there are cores by default

    Returns
    -------
    ndarray, shape (sounds, frames)
        Plain sums of the oscillators: four at full level reach beyond 1.

    Raises
    ------
    ValueError
        when the shape is not (sounds, 23).
    """
    records = lanes_of(values, modulation, rate)
    sounds = len(np.asarray(values))
    output = np.empty((sounds, frames), np.float32)
    word = ctypes.c_int64
    render = load(unit(modulation)).function("render", *[word] * 6)
    key_up = min(frames, round(key_up_s * rate))

    def part(first: int, count: int) -> None:
        scratch = aligned(4 * LANES * LANES)
        record, target = records[first // LANES :], output[first:]
        render(record.ctypes.data, count, frames, key_up, scratch.ctypes.data, target.ctypes.data)

    in_parts(sounds, part, threads)
    return output


def render_levels(
    levels: ArrayLike, *, modulation: Modulation = "frequency", threads: int | None = None
) -> NDArray[np.float32]:
    """The data set's sounds for levels of the grid; see `values_of` and `render_values`."""
    return render_values(values_of(levels), modulation=modulation, threads=threads)


def unit(modulation: Modulation) -> Unit:
    """The compiled code."""
    return Unit.of("synths.dataset_code", modulation=modulation)


def lanes_of(values: ArrayLike, modulation: Modulation, rate: float) -> NDArray[np.void]:
    """Coefficients and first memory of each sound, as records of sixteen side by side.

    A frequency that moves on a sine is summed exactly by its values halfway between samples, times
    sinc(v / rate): a telescoping sum of cosines.
    """
    table = np.asarray(values, np.float64)
    if table.ndim != 2 or table.shape[1] != len(ESTIMATED):
        raise ValueError(f"expected values of shape (sounds, {len(ESTIMATED)}), found {table.shape}")
    fields = _fields({p.name: table[:, k] for k, p in enumerate(ESTIMATED)}, modulation, rate)
    sounds = len(table)
    groups = -(-sounds // LANES)
    dtype = FourOscillators.record
    memory = aligned(max(1, groups) * dtype.itemsize)
    records = np.ndarray((groups,), dtype, memory.data)
    places = np.minimum(np.arange(groups * LANES), sounds - 1)
    for name, column in fields.items():
        records[name] = column[places].reshape(groups, LANES)
    return records


def _fields(p: Mapping[str, NDArray[Any]], modulation: Modulation, rate: float) -> dict[str, NDArray[Any]]:
    fields: dict[str, NDArray[Any]] = {}
    for wave in WAVES:
        v, b = p[f"{wave}_modulation_hz"], p[f"{wave}_depth_hz"]
        modulating = _phase(v / rate)
        fields[f"{wave}_increment"] = _phase(p[f"{wave}_frequency_hz"] / rate)
        fields[f"{wave}_modulation"] = modulating
        fields[f"{wave}_amplitude"] = p[f"{wave}_amplitude"]
        if modulation == "phase":
            fields[f"{wave}_depth"] = b / (2 * np.pi)
        else:
            fields[f"{wave}_depth"] = b / rate * np.sinc(v / rate)
            fields[f"{wave}_modulator"] = modulating >> 1
    attack, sustain = p["attack_s"] * rate, p["sustain"]
    g = np.tan(np.pi * p["cutoff_hz"] / rate)
    a1 = 1 / (1 + g * (g + 1 / p["resonance"]))
    return fields | {
        "attack_rate": 1 / attack,
        "attack_frames": attack,
        "decay_rate": (1 - sustain) / (p["decay_s"] * rate),
        "sustain": sustain,
        "release_rate": 1 / (p["release_s"] * rate),
        "held": np.ones_like(g),
        "a1": a1,
        "a2": g * a1,
        "a3": g * g * a1,
        "gate_increment": _phase(p["gate_hz"] / rate),
        "gate_slope": np.full_like(g, 1e9),
        "gate_amount": np.ones_like(g),
    }


def _phase(cycles: NDArray[np.float64]) -> NDArray[np.int32]:
    """Steps of so many cycles as integers of 2³² to the cycle."""
    return np.rint(cycles * CYCLE).astype(np.int64).astype(np.int32)
