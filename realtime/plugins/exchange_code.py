"""The audio thread's side of the exchange with a worker, compiled. Imports numba.

A block is handed over, and the one handed over a period before is fetched. The audio thread never waits
for it: what is not there yet is bridged from the last sample, and counted. Only offline it waits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from ..compiler.abi import audio_function, channel
from ..compiler.memory import (
    copy_bytes,
    float32_at,
    load_acquire,
    record_at,
    store_release,
)
from .layout import BLOCK, BLOCKS, EXCHANGE, OFFSETS, TURN, TURNS

compiled = njit(error_model="numpy", nogil=True)
block_at, turn_at = record_at(BLOCK), record_at(TURN)
BLOCK_BYTES, TURN_BYTES = BLOCK.itemsize, TURN.itemsize
WAKE, FINISHED = OFFSETS["wake"], OFFSETS["finished"]
SUBMITTED, POSITION, TAKEN = OFFSETS["submitted"], OFFSETS["position"], OFFSETS["taken"]
FIRST, DONE, GONE = OFFSETS["first"], OFFSETS["done"], OFFSETS["gone"]
TURNS_WRITTEN, TURNS_READ = OFFSETS["turns_written"], OFFSETS["turns_read"]
EVENTS_WRITTEN = OFFSETS["events_written"]
LOOKS = 2000
"""Times that a block is looked for before the semaphore is asked, offline."""


@intrinsic
def call(typing_context: Any, function: Any, argument: Any) -> Any:
    """A C function ``int f(void *)`` by its address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, argument = arguments
        kind = ir.FunctionType(ir.IntType(32), [ir.IntType(64)])
        return builder.call(builder.inttoptr(function, kind.as_pointer()), [argument])

    return types.int32(types.int64, types.int64), codegen


@compiled
def send_turns(state: Any) -> None:
    """Put the goals that the worker does not know into its ring; what finds no room goes later."""
    goals, sent = float32_at(state.goals), float32_at(state.sent)
    written = load_acquire(state.header + TURNS_WRITTEN)
    room = TURNS - (written - load_acquire(state.header + TURNS_READ))
    for k in range(state.turn_count):
        if goals[k] != sent[k] and room > 0:
            turn = turn_at(state.turns + TURN_BYTES * (written & (TURNS - 1)))
            turn.index, turn.value = state.turn_origin + k, np.float64(goals[k])
            sent[k] = goals[k]
            written += 1
            room -= 1
    store_release(state.header + TURNS_WRITTEN, written)


@compiled
def put(state: Any, source: Any, stride: Any, position: Any, frames: Any) -> None:
    """The block's samples into the ring of input."""
    place = position & (state.capacity - 1)
    count = min(frames, state.capacity - place)
    for c in range(state.inputs):
        ring, here = state.input + 4 * state.capacity * c, source + 4 * stride * c
        copy_bytes(ring + 4 * place, here, 4 * count)
        copy_bytes(ring, here + 4 * count, 4 * (frames - count))


@compiled
def submit(state: Any, position: Any, frames: Any) -> None:
    """Hand a block over; where the worker has left no room it is not heard."""
    header = state.header
    submitted = load_acquire(header + SUBMITTED)
    if submitted - load_acquire(header + TAKEN) < BLOCKS:
        block = block_at(state.blocks + BLOCK_BYTES * (submitted & (BLOCKS - 1)))
        block.position, block.frames = position, frames
        block.turns_end = load_acquire(header + TURNS_WRITTEN)
        block.events_end = load_acquire(header + EVENTS_WRITTEN)
        store_release(header + SUBMITTED, submitted + 1)
    call(state.post, header + WAKE)


@compiled
def await_room(state: Any) -> None:
    """Wait until the worker can be handed another block."""
    header = state.header
    while (
        load_acquire(header + SUBMITTED) - load_acquire(header + TAKEN) >= BLOCKS
        and load_acquire(header + GONE) == 0
    ):
        call(state.wait, header + FINISHED)


@compiled
def hand_over(state: Any, position: Any, frames: Any) -> None:
    """Hand over what has come together to blocks of the length that the plugins were prepared for.

    The engine cuts a device's block where a fade ends or a knob turns; the pieces are one block again here.
    A live block that would end amid the device's is handed over short, to be in step with it.
    """
    end, pending = position + frames, state.pending
    store_release(state.header + POSITION, end)
    if state.waits == 0:
        if pending > 0 and frames >= state.block:
            submit(state, position - pending, pending)
            pending = 0
        pending += frames
        if pending >= state.block:
            submit(state, end - pending, pending)
            pending = 0
    else:
        pending += frames
        while pending > 0 and pending >= state.block:
            await_room(state)
            count = state.block if state.block > 0 else pending
            submit(state, end - pending, count)
            pending -= count
    state.pending = pending


@compiled
def is_there(state: Any, start: Any, stop: Any) -> Any:
    """Whether the worker's samples from ``start`` to ``stop`` have come out; before 0 there are none."""
    if stop <= 0:
        return True
    header = state.header
    done = load_acquire(header + DONE)
    return load_acquire(header + FIRST) <= max(start, 0) and stop <= done


@compiled
def await_samples(state: Any, start: Any, stop: Any) -> None:
    """Wait until they are there, or nobody is there to make them."""
    looks = 0
    while not is_there(state, start, stop) and load_acquire(state.header + GONE) == 0:
        looks += 1
        if looks > LOOKS:
            call(state.wait, state.header + FINISHED)


@compiled
def fallback(state: Any, c: Any, dry: Any) -> Any:
    """The sample of a channel at place ``dry`` of the stream that is heard where the worker's is not."""
    if dry < 0 or state.silent != 0:
        return np.float32(0.0)
    ring = float32_at(state.input + 4 * state.capacity * min(c, state.inputs - 1))
    return ring[dry & (state.capacity - 1)]


@compiled
def fetch(state: Any, y: Any, c: Any, start: Any, frames: Any, there: Any) -> Any:
    """A channel of the block that is due, a fade back to it or a bridge over its gap; returns the share."""
    ring = float32_at(state.output + 4 * state.capacity * c)
    mask = state.capacity - 1
    share, held, last = state.share, state.held[c], state.last[c]
    if not there and share > 0.0:
        held = last - fallback(state, c, start - state.delay)
        share = np.float32(0.0)
    for t in range(frames):
        other = fallback(state, c, start + t - state.delay)
        value = other
        if there:
            share = min(np.float32(1.0), share + state.fade_step)
            wet = ring[(start + t) & mask] if start + t >= 0 else np.float32(0.0)
            value = wet if share == 1.0 else other + share * (wet - other)
        if held != 0.0:
            value += held
            held *= state.decay
            if abs(held) < np.float32(1e-9):
                held = np.float32(0.0)
        y[t] = value
        last = value
    state.held[c], state.last[c] = held, last
    return share


@compiled
def pass_on(context: Any, source: Any, target: Any, frames: Any) -> None:
    """Be a wire."""
    for c in range(context.channels):
        copy_bytes(target + 4 * context.stride * c, source + 4 * context.stride * c, 4 * frames)


@compiled
def exchange(state: Any, target: Any, stride: Any, frames: Any) -> None:
    """Hand over the block that stands in the rings, and write the one that is due to ``target``."""
    position = load_acquire(state.header + POSITION)
    hand_over(state, position, frames)
    start = position - state.period
    stop = start + frames
    if state.waits != 0:
        await_samples(state, start, stop)
    there = is_there(state, start, stop)
    if state.running == 0:
        state.running, state.share = 1, np.float32(1.0)
    state.blocks_due += 1
    if not there:
        state.blocks_late += 1
    share = state.share
    for c in range(state.outputs):
        share = fetch(state, channel(target, stride, c, frames), c, start, frames, there)
    state.share = share


def process() -> Any:
    """Compile the ``process`` of hosted effects."""

    @audio_function(EXCHANGE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        if state.header != 0:
            send_turns(state)
        if state.member != 0:
            pass_on(context, source, target, frames)
        else:
            put(state, source, context.stride, load_acquire(state.header + POSITION), frames)
            exchange(state, target, context.stride, frames)

    return process
