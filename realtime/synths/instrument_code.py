"""An instrument on the audio thread: events in, notes on a grid of samples, effects, mixed to what comes in.

Compiled; imports numba. What one kind of synth adds is a `kind_code.Kind`.

Voices end, parameters and controllers move at points of a grid that starts with the first note after
silence; events act at their sample. So the bits do not depend on blocks, and silence costs nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..compiler.abi import audio_function, channel
from ..compiler.lanes import row_at as row_of_lanes
from ..compiler.memory import address_of, clear_bytes, copy_bytes, int64_at, record_at
from ..compiler.simd import total
from ..compiler.table import ROW_BYTES, row_at, walk
from ..midi.events import EVENT
from ..processors.smoothing import GRID
from ..processors.smoothing_code import advance, compiled, decibels, goals, step_over
from .controllers_code import CHANNEL_BYTES, channel_at, derive_channel, move_controllers
from .kind_code import ROW_OF_LANES, Kind, lanes_at
from .layout import CHANNELS, GROUPS, LANES
from .notes_code import notes, voice_at

event_at = record_at(EVENT)
EVENT_BYTES = EVENT.itemsize


def instrument(kind: Kind) -> Any:
    """The ``process`` of a kind of synth."""
    index, count, group_bytes = kind.index, len(kind.parameters), kind.record.itemsize
    PAN, BEND_RANGE = index["pan"], index["bend_semitones"]  # noqa: N806
    VOLUME = index["volume_db"]  # noqa: N806
    VIBRATO_HZ, VIBRATO_CENTS = index["vibrato_hz"], index["vibrato_cents"]  # noqa: N806
    lanes_of, state_at = lanes_at(kind.record), record_at(kind.state)
    playing = notes(kind)
    hear, free, aim = playing.hear, playing.free, playing.aim
    derive, render, ended = kind.derive, kind.render, kind.ended
    state_dtype = kind.state
    assert state_dtype.fields is not None
    context_offset = int(state_dtype.fields["context"][1])

    @compiled
    def move_voice(state: Any, v: Any) -> None:
        """A grid step of one voice: its glide, its end, its gains."""
        voice = voice_at(state, v)
        over = voice.leaving == 0 and ended(lanes_of(state, v), v % LANES)
        if voice.leaving == -1 or over:
            free(state, v)
            return
        if voice.pitch != voice.goal:
            away = voice.goal - voice.pitch
            if abs(away) <= abs(voice.glide) or voice.glide == 0.0:
                voice.pitch = voice.goal
            else:
                voice.pitch += voice.glide
        voice.pressure += state.step * (voice.pressure_goal - voice.pressure)
        if voice.leaving > 0:
            voice.leaving -= 1
            if voice.leaving == 0:
                voice.leaving = -1
        aim(state, v, False)

    @compiled
    def move(state: Any) -> None:
        """A grid point: everything that moves goes a step."""
        advance(state, goals(state, count), count, state.rate)
        now = state.now
        state.gain, state.at_grid = decibels(now[VOLUME]), 1
        state.vibrato = (state.vibrato + now[VIBRATO_HZ] * GRID / state.rate) % 1.0
        depth = np.float32(math.sin(2.0 * math.pi * state.vibrato)) * now[VIBRATO_CENTS] * np.float32(0.01)
        for c in range(CHANNELS):
            if channel_at(state, c).voices > 0 or (c == 0 and state.zone > 0):
                move_controllers(channel_at(state, c), state.step)
        for c in range(CHANNELS):
            if channel_at(state, c).voices > 0:
                derive_channel(state, c, now[PAN], now[BEND_RANGE], depth)
        active = int64_at(state.active)
        for g in range(GROUPS):
            if active[g] > 0:
                for v in range(LANES * g, LANES * g + LANES):
                    if voice_at(state, v).active != 0:
                        move_voice(state, v)
                derive(state, state.lanes + group_bytes * g)
        state.at_grid = 0

    @compiled
    def sing(state: Any, left: Any, right: Any, start: Any, frames: Any) -> None:
        """Render up to a stretch of all voices."""
        clear_bytes(state.sums, 2 * GRID * ROW_OF_LANES)
        active = int64_at(state.active)
        for g in range(GROUPS):
            if active[g] > 0:
                render(state, state.lanes + group_bytes * g, state.sums, frames)
        for t in range(frames):
            left[start + t] = total(row_of_lanes(state.sums + ROW_OF_LANES * t))
            right[start + t] = total(row_of_lanes(state.sums + ROW_OF_LANES * (GRID + t)))

    @compiled
    def play(state: Any, context: Any, left: Any, right: Any, frames: Any) -> None:
        """A block of all voices, silence where there are none."""
        k, t = 0, 0
        while t < frames:
            until = frames
            while k < context.event_count:
                event = event_at(context.events + EVENT_BYTES * k)
                due = event.frame - context.event_origin
                if due > t:
                    until = min(frames, due)
                    break
                hear(state, event.status, event.data1, event.data2)
                k += 1
            while t < until:
                if state.sounding == 0:
                    for rest in range(t, until):
                        left[rest] = right[rest] = 0.0
                    t = until
                else:
                    if state.phase == 0:
                        move(state)
                    count_now = min(until - t, GRID - state.phase)
                    sing(state, left, right, t, count_now)
                    step_over(state, count_now)
                    t += count_now

    @compiled
    def first_sound(address: Any, stride: Any, start: Any, frames: Any) -> Any:
        """The first frame from ``start`` on that is not silent; ``frames`` where all are."""
        left, right = channel(address, stride, 0, frames), channel(address, stride, 1, frames)
        t = start
        while t < frames and left[t] == 0.0 and right[t] == 0.0:
            t += 1
        return t

    @compiled
    def trailing_silence(address: Any, stride: Any, frames: Any) -> Any:
        left, right = channel(address, stride, 0, frames), channel(address, stride, 1, frames)
        t = frames
        while t > 0 and left[t - 1] == 0.0 and right[t - 1] == 0.0:
            t -= 1
        return frames - t

    @compiled
    def through_effects(state: Any, inner: Any, inner_address: Any, frames: Any) -> Any:
        """Run the effects over the block; the address of the result.

        They rest from the sample on at which they have put out nothing for long enough, until the next one
        that comes in: at the same samples whatever the blocks.
        """
        first, stride = state.buffers, inner.stride
        second = first + 8 * stride
        if state.row_count == 0:
            return first
        result = first if state.row_count % 2 == 0 else second
        t = np.int64(0)
        while t < frames:
            if state.quiet >= state.patience:
                heard = first_sound(first, stride, t, frames)
                for c in range(2):
                    clear_bytes(result + 4 * (stride * c + t), 4 * (heard - t))
                t = heard
                if t == frames:
                    break
                state.quiet = 0
            count_now = min(frames - t, state.patience - state.quiet)
            inner.channels = 2
            walk(state.rows, state.row_count, inner_address, first + 4 * t, second + 4 * t, count_now)
            silent = trailing_silence(result + 4 * t, stride, count_now)
            state.quiet = state.quiet + silent if silent == count_now else silent
            inner.position += count_now
            t += count_now
        state.muted = 0
        for k in range(state.row_count):
            state.muted += row_at(state.rows + k * ROW_BYTES).muted
        return result

    @compiled
    def inherit(state: Any) -> None:
        """Go on with the notes, controllers and programs of the same patch in the program that leaves."""
        old = state_at(state.inherits)
        state.inherits = 0
        size = state.sums - state.channels if old.sounding > 0 else CHANNELS * CHANNEL_BYTES
        copy_bytes(state.channels, old.channels, size)
        state.sounding, state.order, state.zone = old.sounding, old.order, old.zone
        state.phase, state.vibrato, state.started = old.phase, old.vibrato, 0
        advance(state, goals(state, count), count, state.rate)
        state.gain = decibels(state.now[VOLUME])

    @audio_function(state_dtype)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        inner, inner_address = state.context, address_of(state) + context_offset
        inner.scratch, inner.scratch_bytes = context.scratch, context.scratch_bytes
        if state.inherits != 0:
            inherit(state)
        left = channel(state.buffers, inner.stride, 0, frames)
        right = channel(state.buffers, inner.stride, 1, frames)
        play(state, context, left, right, frames)
        result = through_effects(state, inner, inner_address, frames)
        for c in range(2):
            x = channel(source, context.stride, min(c, context.channels - 1), frames)
            own = channel(result, inner.stride, c, frames)
            y = channel(target, context.stride, c, frames)
            for t in range(frames):
                y[t] = x[t] + own[t]

    return process
