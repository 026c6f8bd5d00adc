"""The compiled audio thread. Imports numba: only where code is compiled."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numba import cfunc, njit, types

from ..compiler.abi import channel, context_at
from ..compiler.floating_point import flush_denormals, restore_mode
from ..compiler.memory import (
    bits,
    clock_gettime,
    copy_bytes,
    float32_at,
    int64_at,
    load_acquire,
    record_at,
    store_release,
)
from ..compiler.table import EXPONENT, ROW_BYTES, row_at, walk
from .events_code import EVENT_BYTES, due_before, gather
from .knobs_code import before_turn, catch_up, hear, program_at, turn
from .layout import (
    BYPASS,
    COMMAND,
    ENGINE,
    MASTER,
    MUTE,
    RECORD,
    REPORT,
    SET,
    SWITCH_S,
)

engine_at = record_at(ENGINE)
command_at, report_at = record_at(COMMAND), record_at(REPORT)
COMMAND_BYTES, REPORT_BYTES = COMMAND.itemsize, REPORT.itemsize
TAP_BYTES = 16
MONOTONIC = np.int32(6 if sys.platform == "darwin" else 1)


def _field(name: str) -> int:
    assert ENGINE.fields is not None
    return int(ENGINE.fields[name][1])


NEXT, COMMANDS_WRITTEN, COMMANDS_READ = (
    _field(n) for n in ("next_program", "commands_written", "commands_read")
)
GENERATION, REPORTS_WRITTEN, REPORTS_READ = (
    _field(n) for n in ("generation", "reports_written", "reports_read")
)
TAP_WRITTEN, TAP_READ, CALLBACKS, CLOCK = (
    _field(n) for n in ("tap_written", "tap_read", "callbacks", "clock")
)


@njit(error_model="numpy", nogil=True)
def obey(address: Any, engine: Any) -> None:
    """Carry out the commands that have come."""
    written = load_acquire(address + COMMANDS_WRITTEN)
    read = engine.commands_read
    while read != written:
        command = command_at(engine.commands + COMMAND_BYTES * (read & (engine.command_capacity - 1)))
        value = np.float32(command.value)
        if command.kind == SET:
            current = program_at(engine.program)
            waiting = load_acquire(address + NEXT)
            known = command.generation == current.generation
            if waiting != 0 and command.generation == program_at(waiting).generation:
                known = True
            if known:
                float32_at(command.address)[0] = value
        elif command.kind == MASTER:
            engine.master_goal = value
        elif command.kind == MUTE:
            engine.mute_goal = value
        elif command.kind == BYPASS:
            engine.bypass_goal = value
        elif command.kind == RECORD:
            engine.recording = np.int64(command.value)
        read += 1
    store_release(address + COMMANDS_READ, read)


@njit(error_model="numpy", nogil=True)
def take_next(address: Any, engine: Any) -> None:
    """Begin the fade to a published program, once the last one is over."""
    if engine.leaving != 0:
        return
    published = load_acquire(address + NEXT)
    if published != 0:
        engine.leaving, engine.program, engine.fade = engine.program, published, 0
        engine.swapped_at = engine.position
        catch_up(engine, published)
        store_release(address + NEXT, 0)


@njit(error_model="numpy", nogil=True)
def listen(engine: Any, inputs: Any, start: Any, frames: Any) -> None:
    """Copy the device's input to ``clean``, with zeros for what is not finite; measure it."""
    for c in range(engine.inputs):
        if engine.route[c] < 0:
            continue  # zero since the beginning
        x = float32_at(int64_at(inputs)[engine.route[c]])
        y = channel(engine.clean, engine.max_block, c, frames)
        peak = engine.input_peak[c]
        for t in range(frames):
            value = x[start + t]
            if (bits(value) & EXPONENT) == EXPONENT:
                value = np.float32(0.0)
                engine.cleaned += 1
            y[t] = value
            peak = max(peak, abs(value))
        engine.input_peak[c] = peak


@njit(error_model="numpy", nogil=True)
def play(engine: Any, program_address: Any, frames: Any) -> Any:
    """Run one program over ``clean``; returns the address of its planar output."""
    program = program_at(program_address)
    context = context_at(program.context)
    context.events, context.event_count = engine.due, engine.due_count
    context.event_origin = engine.due_origin
    for c in range(program.inputs):
        origin = engine.clean + 4 * engine.max_block * min(c, engine.inputs - 1)
        copy_bytes(program.first + 4 * context.stride * c, origin, 4 * frames)
    result = walk(program.rows, program.count, program.context, program.first, program.second, frames)
    context.position += frames
    return result


@njit(error_model="numpy", nogil=True)
def copy_output(engine: Any, program_address: Any, result: Any, target: Any, frames: Any) -> None:
    """A program's output as the device's channels: mono is heard on both sides, stereo summed for one."""
    program = program_at(program_address)
    stride = context_at(program.context).stride
    for c in range(engine.outputs):
        y = channel(target, engine.max_block, c, frames)
        x = channel(result, stride, min(c, program.outputs - 1), frames)
        if engine.outputs < program.outputs:
            right = channel(result, stride, c + 1, frames)
            for t in range(frames):
                y[t] = np.float32(0.5) * (x[t] + right[t])
        else:
            for t in range(frames):
                y[t] = x[t]


@njit(error_model="numpy", nogil=True)
def share(n: Any, length: Any) -> Any:
    """The new program's share at sample ``n`` of a fade."""
    return np.float32(n + 1) / np.float32(length)


@njit(error_model="numpy", nogil=True)
def is_alone(engine: Any) -> Any:
    """Whether the two programs of a fade are too heavy to run together."""
    return program_at(engine.program).alone != 0


@njit(error_model="numpy", nogil=True)
def piece(engine: Any, frames: Any) -> Any:
    """How many of ``frames`` to serve at once: no more than fit, and none beyond the end of a fade."""
    count = min(engine.max_block, frames)
    if engine.leaving != 0:
        left = engine.fade_frames - engine.fade
        if left <= 0:
            left += engine.fade_frames
        count = min(count, left)
    return count


@njit(error_model="numpy", nogil=True)
def fade_out(engine: Any, frames: Any) -> None:
    """The leaving program alone, on its way to silence."""
    copy_output(engine, engine.leaving, play(engine, engine.leaving, frames), engine.mixed, frames)
    for c in range(engine.outputs):
        y = channel(engine.mixed, engine.max_block, c, frames)
        for t in range(frames):
            y[t] *= np.float32(1.0) - share(engine.fade + t, engine.fade_frames)


@njit(error_model="numpy", nogil=True)
def fade_in(engine: Any, frames: Any) -> None:
    """The entering program alone, on its way from silence."""
    copy_output(engine, engine.program, play(engine, engine.program, frames), engine.mixed, frames)
    for c in range(engine.outputs):
        y = channel(engine.mixed, engine.max_block, c, frames)
        for t in range(frames):
            y[t] *= share(engine.fade - engine.fade_frames + t, engine.fade_frames)


@njit(error_model="numpy", nogil=True)
def crossfade(engine: Any, frames: Any) -> None:
    """Both programs, the leaving one's share falling as the entering one's rises.

    The entering one goes first: its synths take notes over as they stand before this block.
    """
    copy_output(engine, engine.program, play(engine, engine.program, frames), engine.mixed, frames)
    copy_output(engine, engine.leaving, play(engine, engine.leaving, frames), engine.old, frames)
    for c in range(engine.outputs):
        a = channel(engine.old, engine.max_block, c, frames)
        y = channel(engine.mixed, engine.max_block, c, frames)
        for t in range(frames):
            g = share(engine.fade + t, engine.fade_frames)
            y[t] = (np.float32(1.0) - g) * a[t] + g * y[t]


@njit(error_model="numpy", nogil=True)
def mix_programs(address: Any, engine: Any, frames: Any) -> None:
    """Run the program, and the one it replaces while the fade lasts, into ``mixed``; see `FADE_S`."""
    if engine.leaving == 0:
        copy_output(engine, engine.program, play(engine, engine.program, frames), engine.mixed, frames)
        return
    alone = is_alone(engine)
    if not alone:
        crossfade(engine, frames)
    elif engine.fade < engine.fade_frames:
        fade_out(engine, frames)
    else:
        fade_in(engine, frames)
    engine.fade += frames
    if engine.fade == (2 if alone else 1) * engine.fade_frames:
        engine.leaving = 0
        store_release(address + GENERATION, program_at(engine.program).generation)


@njit(error_model="numpy", nogil=True)
def mix_bypass(engine: Any, frames: Any) -> None:
    """Move ``mixed`` towards the input while bypass is on, on a straight line."""
    if engine.bypass == 0.0 and engine.bypass_goal == 0.0:
        return
    step = np.float32(1.0 / (SWITCH_S * engine.rate))
    bypass = engine.bypass
    for c in range(engine.outputs):
        dry = channel(engine.clean, engine.max_block, min(c, engine.inputs - 1), frames)
        y = channel(engine.mixed, engine.max_block, c, frames)
        bypass = engine.bypass
        for t in range(frames):
            bypass = towards(bypass, engine.bypass_goal, step)
            y[t] = (np.float32(1.0) - bypass) * y[t] + bypass * dry[t]
    engine.bypass = bypass


@njit(error_model="numpy", nogil=True)
def towards(value: Any, goal: Any, step: Any) -> Any:
    """One step nearer to the goal, which is reached exactly."""
    return value + min(max(goal - value, -step), step)


@njit(error_model="numpy", nogil=True)
def speak(engine: Any, outputs: Any, start: Any, frames: Any) -> None:
    """``mixed`` to the device at the master volume; nothing that is not finite leaves."""
    step = np.float32(1.0 / (SWITCH_S * engine.rate))
    goal = engine.master_goal * (np.float32(1.0) - engine.mute_goal)
    master = engine.master
    for c in range(engine.outputs):
        x = channel(engine.mixed, engine.max_block, c, frames)
        y = float32_at(int64_at(outputs)[c])
        master = engine.master
        peak = engine.output_peak[c]
        for t in range(frames):
            master = towards(master, goal, step)
            value = x[t] * master
            if (bits(value) & EXPONENT) == EXPONENT:
                value = np.float32(0.0)
            y[start + t] = value
            peak = max(peak, abs(value))
        engine.output_peak[c] = peak
    engine.master = master


@njit(error_model="numpy", nogil=True)
def tap(address: Any, engine: Any, frames: Any) -> None:
    """Hand dry and wet frames to the recorder and the tuner; mute and master volume come after."""
    if engine.recording == 0:
        return
    read = load_acquire(address + TAP_READ)
    written = engine.tap_written
    dry_right, wet_right = engine.inputs - 1, engine.outputs - 1
    clean, mixed = float32_at(engine.clean), float32_at(engine.mixed)
    for t in range(frames):
        if written - read == engine.tap_capacity:
            engine.tap_lost += frames - t
            break
        frame = float32_at(engine.tap + TAP_BYTES * (written & (engine.tap_capacity - 1)))
        frame[0] = clean[t]
        frame[1] = clean[engine.max_block * dry_right + t]
        frame[2] = mixed[t]
        frame[3] = mixed[engine.max_block * wet_right + t]
        written += 1
    store_release(address + TAP_WRITTEN, written)


@njit(error_model="numpy", nogil=True)
def report(address: Any, engine: Any, started: Any, frames: Any, flags: Any) -> None:
    """Tell the control side what this callback did."""
    written = engine.reports_written
    if written - load_acquire(address + REPORTS_READ) == engine.report_capacity:
        engine.reports_lost += 1
    else:
        entry = report_at(engine.reports + REPORT_BYTES * (written & (engine.report_capacity - 1)))
        entry.started_ns, entry.duration_ns = started, clock_ns(address + CLOCK) - started
        entry.frames, entry.flags = frames, flags
        for c in range(2):
            entry.input_peak[c], entry.output_peak[c] = engine.input_peak[c], engine.output_peak[c]
        entry.generation, entry.swapped_at = engine.generation, engine.swapped_at
        program = program_at(engine.program)
        muted = np.int64(0)
        for k in range(min(program.count, 62)):
            if row_at(program.rows + ROW_BYTES * k).muted != 0:
                muted |= np.int64(1) << np.int64(k)
        entry.muted, entry.cleaned = muted, engine.cleaned
        store_release(address + REPORTS_WRITTEN, written + 1)
    for c in range(2):
        engine.input_peak[c] = engine.output_peak[c] = np.float32(0.0)
    engine.cleaned = 0
    store_release(address + CALLBACKS, engine.callbacks + 1)


@njit(error_model="numpy", nogil=True)
def clock_ns(address: Any) -> Any:
    """The monotonic clock in nanoseconds, read into two words at ``address``."""
    clock_gettime(MONOTONIC, address)
    words = int64_at(address)
    return words[0] * 1_000_000_000 + words[1]


@njit(error_model="numpy", nogil=True)
def run(
    address: Any, inputs: Any, outputs: Any, frames: Any, flags: Any, events: Any, event_count: Any
) -> None:
    """Serve one buffer of the device, with its events in order of their frames, each within the buffer."""
    engine = engine_at(address)
    started = clock_ns(address + CLOCK)
    mode = flush_denormals()
    events, left = gather(address, engine, events, event_count)
    start = 0
    while start < frames:
        obey(address, engine)
        take_next(address, engine)
        turn(address, engine)
        count = before_turn(engine, events, left, start, piece(engine, frames - start))
        due = due_before(events, left, start + count)
        engine.due, engine.due_count, engine.due_origin = events, due, start
        listen(engine, inputs, start, count)
        mix_programs(address, engine, count)
        mix_bypass(engine, count)
        tap(address, engine, count)
        speak(engine, outputs, start, count)
        hear(engine, events, due)
        engine.position += count
        start += count
        events += EVENT_BYTES * due
        left -= due
    restore_mode(mode)
    report(address, engine, started, frames, flags)


def functions() -> dict[str, Any]:
    """Compile the C functions of the audio thread and of the control side's ends of the rings."""
    word = types.int64

    @cfunc(types.void(word, word, word, word, word, word), nopython=True, error_model="numpy")
    def serve(engine: Any, inputs: Any, outputs: Any, frames: Any, events: Any, event_count: Any) -> None:
        run(engine, inputs, outputs, frames, np.int64(0), events, event_count)

    @cfunc(types.intc(word, word, types.uint64, word, types.uint64, word), nopython=True, error_model="numpy")
    def callback(inputs: Any, outputs: Any, frames: Any, time: Any, flags: Any, engine: Any) -> Any:
        run(engine, inputs, outputs, np.int64(frames), np.int64(flags), np.int64(0), np.int64(0))
        return 0

    @cfunc(types.void(word), nopython=True, error_model="numpy")
    def settle(engine: Any) -> None:
        obey(engine, engine_at(engine))

    @cfunc(word(word), nopython=True, error_model="numpy")
    def read_word(address: Any) -> Any:
        return load_acquire(address)

    @cfunc(types.void(word, word), nopython=True, error_model="numpy")
    def write_word(address: Any, value: Any) -> None:
        store_release(address, value)

    return {
        "serve": serve,
        "callback": callback,
        "settle": settle,
        "read_word": read_word,
        "write_word": write_word,
    }
