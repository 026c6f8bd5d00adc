"""Knobs that MIDI controllers turn: which controller turns which parameter, and the memory that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..compiler.layout import State
from ..parameters import Parameter, ParameterError
from ..processors.processor import Processor
from .layout import ANY_CHANNEL, CHANNELS, KNOB, POSITIONS

CONTROLLERS = range(120)
"""MIDI's controllers; the numbers above are messages about a channel's mode."""


@dataclass(frozen=True)
class Knob:
    """A parameter and the MIDI controller that turns it, from one end of its range to the other.

    Parameters
    ----------
    controller : its number, one of `CONTROLLERS`
    processor : of a program's chain, or of a chain inside one of its processors
    parameter : its name
    channel : 1 to 16; None: whichever the controller is moved on

    Raises
    ------
    ParameterError
        when there is no such controller or channel, or the processor has no such parameter, or it is fixed.
    """

    controller: int
    processor: Processor
    parameter: str
    channel: int | None = None

    def __post_init__(self) -> None:
        check_controller(self.controller, self.channel)
        movable(self.processor, self.parameter)


def check_controller(controller: int, channel: int | None) -> None:
    """Refuse numbers that MIDI does not have.

    Raises
    ------
    ParameterError
    """
    if controller not in CONTROLLERS:
        raise ParameterError(f"there is no controller {controller}; they go from 0 to {CONTROLLERS[-1]}")
    if channel is not None and not 1 <= channel <= CHANNELS:
        raise ParameterError(f"there is no channel {channel}; they go from 1 to {CHANNELS}")


def movable(processor: Processor, name: str) -> Parameter:
    """A parameter that moves while its processor plays.

    Raises
    ------
    ParameterError
        when there is none of that name, or it is fixed.
    """
    parameter = processor.parameter(name)
    if name in processor.fixed:
        raise ParameterError(
            f"{processor.name}'s {name} is read before it plays and cannot move meanwhile; "
            "choose its value in the preset or with --set"
        )
    return parameter


def knob_table(knobs: Sequence[Knob]) -> State:
    """The `layout.KNOB` records of prepared processors, in its array ``knobs``, and their values."""
    state = State(
        np.dtype([("knobs", "i8"), ("values", "i8")]),
        knobs=(KNOB, max(1, len(knobs))),
        values=(np.float32, (max(1, len(knobs)), POSITIONS)),
    )
    for record, values, knob in zip(state.arrays["knobs"], state.arrays["values"], knobs, strict=False):
        parameter = movable(knob.processor, knob.parameter)
        values[:] = [parameter.from_turn(k / (POSITIONS - 1)) for k in range(POSITIONS)]
        record["controller"] = knob.controller
        record["channel"] = ANY_CHANNEL if knob.channel is None else knob.channel - 1
        record["goal"] = knob.processor.state.field_address(knob.parameter)
        record["values"] = values.ctypes.data
    return state


def read_back(knob: Knob) -> None:
    """Take the goal that the audio thread last set as the processor's value."""
    goal = knob.processor.state.record[knob.parameter]
    if np.float32(knob.processor.values[knob.parameter]) != goal:
        parameter = knob.processor.parameter(knob.parameter)
        shortest = float(str(goal))  # 0.3 and not 0.30000001192092896
        knob.processor.values[knob.parameter] = min(max(shortest, parameter.minimum), parameter.maximum)
