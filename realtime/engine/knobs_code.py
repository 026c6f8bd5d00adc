"""Knobs that MIDI controllers turn, compiled. Imports numba.

What a controller says at a sample is a knob's goal from the next point of the grid on, which counts from the
stream's start: the first multiple of `GRID` after it. Pieces end there, so that the bits do not depend
on the device's blocks, and a flood of messages costs no more than pieces of `GRID` samples.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from ..compiler.memory import float32_at, record_at, store_release
from ..processors.smoothing import GRID
from .events_code import EVENT_BYTES, event_at
from .layout import ANY_CHANNEL, CHANNELS, ENGINE, HEARD, KNOB, POSITIONS, PROGRAM

knob_at, heard_at, program_at = record_at(KNOB), record_at(HEARD), record_at(PROGRAM)
KNOB_BYTES, HEARD_BYTES = KNOB.itemsize, HEARD.itemsize
CONTROL_CHANGE = 0xB0
NOT_HEARD = -1


def _field(name: str) -> int:
    assert ENGINE.fields is not None
    return int(ENGINE.fields[name][1])


TURNED = _field("turned")


@njit(error_model="numpy", nogil=True)
def heard_from(engine: Any, channel: Any, controller: Any) -> Any:
    """What the engine heard from a controller."""
    return heard_at(engine.heard + HEARD_BYTES * (POSITIONS * channel + controller))


@njit(error_model="numpy", nogil=True)
def turns_knob(engine: Any, event: Any) -> Any:
    """Whether an event is of a controller that any knob hears."""
    if event.status & 0xF0 != CONTROL_CHANGE:
        return False
    return heard_from(engine, event.status & 0x0F, event.data1 & 0x7F).bound != 0


@njit(error_model="numpy", nogil=True)
def hear(engine: Any, events: Any, count: Any) -> None:
    """Keep what the controllers of ``count`` events say until the next point of the grid."""
    for k in range(count):
        event = event_at(events + EVENT_BYTES * k)
        if turns_knob(engine, event):
            engine.turns += 1
            heard = heard_from(engine, event.status & 0x0F, event.data1 & 0x7F)
            heard.turn, heard.position = engine.turns, event.data2 & 0x7F


@njit(error_model="numpy", nogil=True)
def before_turn(engine: Any, events: Any, left: Any, start: Any, count: Any) -> Any:
    """How many of ``count`` frames from ``start`` on to serve before knobs turn."""
    past = engine.position % GRID
    if engine.turned != engine.turns:
        return min(count, GRID - past)
    for k in range(left):
        event = event_at(events + EVENT_BYTES * k)
        after = event.frame - start
        if after >= count:
            break
        if turns_knob(engine, event):
            return min(count, (past + after) // GRID * GRID + GRID - past)
    return count


@njit(error_model="numpy", nogil=True)
def turn(address: Any, engine: Any) -> None:
    """At a point of the grid: bring the goals of all programs that sound to what was heard."""
    if engine.turned == engine.turns or engine.position % GRID != 0:
        return
    catch_up(engine, engine.program)
    if engine.leaving != 0:
        catch_up(engine, engine.leaving)
    store_release(address + TURNED, engine.turns)


@njit(error_model="numpy", nogil=True)
def catch_up(engine: Any, program_address: Any) -> None:
    """Bring a program's goals to what its controllers said last, where that is news to it."""
    program = program_at(program_address)
    for k in range(program.knob_count):
        knob = knob_at(program.knobs + KNOB_BYTES * k)
        first, last = knob.channel, knob.channel + 1
        if knob.channel == ANY_CHANNEL:
            first, last = 0, CHANNELS
        position = NOT_HEARD
        for channel in range(first, last):
            heard = heard_from(engine, channel, knob.controller)
            if heard.turn > knob.since:
                knob.since, position = heard.turn, heard.position
        if position != NOT_HEARD:
            float32_at(knob.goal)[0] = float32_at(knob.values)[position]
