"""The engine's memory, laid out and filled by the control side before the first callback."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..compiler.layout import State
from ..midi.events import EVENT
from .layout import CHANNELS, COMMAND, ENGINE, FADE_S, HEARD, POSITIONS, REPORT
from .program import Program

COMMANDS, REPORTS, MIDI = 1024, 8192, 4096
PORT_EVENTS = 2048
"""Most events that a device brings with one buffer."""


def engine_state(
    program: Program,
    outputs: int,
    *,
    route: Sequence[int] = (0, 1),
    tap_s: float = 0.0,
) -> State:
    """An engine that plays ``program``.

    Parameters
    ----------
    outputs : channels of the device's output, 1 or 2
    route : which channel of the device each of the program's inputs is; -1: silence
    tap_s : seconds of sound that the tap holds for the recorder; 0: no tap
    """
    frames = 1 << math.ceil(math.log2(max(2.0, tap_s * program.rate)))
    stride = program.max_block
    state = State(
        ENGINE,
        commands=(COMMAND, COMMANDS),
        midi=(EVENT, MIDI),
        reports=(REPORT, REPORTS),
        tap=(np.float32, (frames, 4)),
        clean=(np.float32, (2, stride)),
        mixed=(np.float32, (2, stride)),
        old=(np.float32, (2, stride)),
        events=(EVENT, MIDI + PORT_EVENTS),
        heard=(HEARD, (CHANNELS, POSITIONS)),
    )
    record = state.record
    record["command_capacity"], record["report_capacity"], record["tap_capacity"] = COMMANDS, REPORTS, frames
    record["midi_capacity"], record["event_capacity"] = MIDI, MIDI + PORT_EVENTS
    record["rate"], record["max_block"] = program.rate, program.max_block
    record["inputs"], record["outputs"] = program.inputs, outputs
    record["route"][: program.inputs] = list(route)[: program.inputs]
    record["fade_frames"] = round(FADE_S * program.rate)
    record["program"], record["generation"] = program.address, program.generation
    record["master_goal"] = record["master"] = 1.0
    hear_knobs(state, program, 0)
    return state


def hear_knobs(state: State, program: Program, since: int) -> None:
    """Let an engine hear the controllers of a program that is about to play on it.

    Parameters
    ----------
    since : the last turn that the program's values already stand at
    """
    program.stand_at(since)
    bound = state.arrays["heard"]["bound"]
    for knob in program.knobs:
        bound[slice(None) if knob.channel is None else knob.channel - 1, knob.controller] = 1
