"""Sounds of the two-oscillator synthesizer for data sets: fast, on all cores.

Each is what the instrument plays for one note: at full velocity, on a channel at full volume, at this rate.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..compiler.layout import aligned
from ..compiler.unit import Unit, load
from ..parameters import ParameterError
from ..processors.smoothing import GRID
from . import wavetables
from .dataset_parts import in_parts
from .layout import LANES, record_of
from .two import ESTIMATED, TwoOscillators
from .two_voice import FIELDS

STANDING = (
    *("pitch", "octaves", "peak", "swing"),
    *(
        "to_filter",
        "to_pitch_1",
        "to_pitch_2",
        "to_width",
        "to_fm",
        "to_rate",
    ),  # what LFO 1 moves, and how far
    *("lfo_2_cycles", "vibrato", "interval", "fm", "up", "cutoff", "reach", "resonance"),
    *("triangle", "just_sine"),  # the second oscillator's: added to its row; 1: its row is the sine's
)
"""Coefficients that stand while a note sounds, beside those of `two_voice`."""
CALM = np.dtype(
    [
        ("rate", "f8"),
        ("order", "i8"),
        ("table", "i8"),
        ("phase", "i8"),
        ("key", "i8"),
        ("pitch", "f4"),  # semitones; 69 is A4
        ("attack", "f4"),  # controllers 73 and 72
        ("release", "f4"),
    ],
    align=True,
)
"""What the instrument's code reads of an instrument and its channel, here at rest."""


def lanes_record() -> np.dtype[Any]:
    """The dtype of sixteen sounds side by side."""
    own = [(name, "i4" if name == "triangle" else "f4") for name in STANDING[3:]]
    return record_of([*FIELDS, *own])


def render_values(
    values: ArrayLike,
    *,
    fixed: Mapping[str, float],
    key: float,
    rate: float,
    frames: int,
    key_up_s: float,
    threads: int | None = None,
) -> NDArray[np.float32]:
    """Sounds for parameter values.

    Parameters
    ----------
    values : shape (sounds, 16), in the parameters' units and the order of `two.ESTIMATED`; what lies beyond
        a range counts as its end
    fixed : values of the synth's other parameters, where they are not the defaults; those of level and
        place do not count
    key : that is pressed, 69 is A4; in between there is room for any pitch
    rate : in Hz
    frames : of each sound
    key_up_s : seconds after which the key is let go
    threads : how many; as many as there are cores by default

    Returns
    -------
    ndarray, shape (sounds, frames)

    Raises
    ------
    ValueError
        when the shape is not (sounds, 16), or a value is NaN or Inf.
    ParameterError
        when a fixed value is none of the synth's others.
    """
    table = _table(values, fixed)
    sounds = len(table)
    output = np.empty((sounds, frames), np.float32)
    word = ctypes.c_int64
    render = load(unit()).function("render", *[word] * 8)
    key_up = round(key_up_s * rate)
    tables = wavetables.tables().ctypes.data

    def part(first: int, count: int) -> None:
        calm = np.zeros(1, CALM)
        calm["rate"], calm["order"], calm["table"] = rate, 1, tables
        calm["key"], calm["pitch"] = round(key), key
        lanes, sums = aligned(_lanes_size()), aligned(4 * 2 * GRID * LANES)
        render(
            calm.ctypes.data,
            lanes.ctypes.data,
            table[first:].ctypes.data,
            count,
            frames,
            key_up,
            sums.ctypes.data,
            output[first:].ctypes.data,
        )

    in_parts(sounds, part, threads)
    return output


def unit() -> Unit:
    """The compiled code."""
    return Unit.of("synths.dataset_two_code")


@cache
def _lanes_size() -> int:
    return lanes_record().itemsize


def _table(values: ArrayLike, fixed: Mapping[str, float]) -> NDArray[np.float32]:
    """Every parameter's value for each sound, shape (sounds, parameters)."""
    estimated = np.asarray(values, np.float64)
    if estimated.ndim != 2 or estimated.shape[1] != len(ESTIMATED):
        raise ValueError(f"expected values of shape (sounds, {len(ESTIMATED)}), found {estimated.shape}")
    if not np.isfinite(estimated).all():
        raise ValueError("expected numbers as values, found NaN or Inf")
    places = {parameter.name: k for k, parameter in enumerate(TwoOscillators.parameters)}
    others = {p.name: p for p in TwoOscillators.parameters[len(ESTIMATED) :]}
    table = np.tile(np.array([p.default for p in TwoOscillators.parameters], np.float32), (len(estimated), 1))
    for k, parameter in enumerate(ESTIMATED):
        column = np.clip(estimated[:, k], parameter.minimum, parameter.maximum)
        table[:, places[parameter.name]] = np.rint(column) if parameter.choices else column
    for name, value in fixed.items():
        if name not in others:
            raise ParameterError(
                f"{name} is no parameter of the synth {TwoOscillators.name} that can be fixed"
            )
        table[:, places[name]] = others[name].check(value)
    return table
