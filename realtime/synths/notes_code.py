"""Notes of an instrument: which voice plays which key, and for how long. Imports numba.

Every note-on gets a voice. Where all are taken, the one released longest ago gives way, or else the
oldest: it fades out in a lane of its own while the new note starts in another. A voice is released
when its key is up and no pedal holds it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from ..compiler.memory import int64_at, record_at
from ..processors.smoothing import GRID
from ..processors.smoothing_code import SHARE, advance, compiled, decibels, goals, inline
from .controllers_code import (
    PRESSURE_OCTAVES,
    change_controller,
    change_program,
    channel_at,
    derive_channel,
    key_at,
    master_of,
    pedal,
    reset_controllers,
    settle_channel,
)
from .kind_code import Kind, lanes_at
from .layout import (
    A4,
    BEND,
    CHANNELS,
    GIVE_WAY,
    KEYS,
    LANES,
    OCTAVE,
    POLYPHONY,
    PRESSURE,
    VOICE,
    VOICES,
)

voice_record = record_at(VOICE)
VOICE_BYTES = VOICE.itemsize
TOP, MONO, LEGATO = np.int64(1) << np.int64(62), 1, 2
CENT = np.float32(0.01)


@inline
def voice_at(state: Any, v: Any) -> Any:
    """Voice ``v``."""
    return voice_record(state.voice_records + VOICE_BYTES * v)


@compiled
def give_way(state: Any, v: Any) -> None:
    """Let a voice fade out in a few milliseconds."""
    voice = voice_at(state, v)
    if voice.active != 0 and voice.leaving == 0:
        voice.leaving = GIVE_WAY
        voice.down = voice.kept = 0
        voice.released = 1


def notes(kind: Kind) -> SimpleNamespace:
    """``hear(state, status, data1, data2)``, ``free(state, v)`` and ``aim(state, v, at_once)`` of a synth."""
    index, count, group_bytes = kind.index, len(kind.parameters), kind.record.itemsize
    lanes_of = lanes_at(kind.record)
    start, release, derive = kind.start, kind.release, kind.derive
    VELOCITY, MODE, GLIDE = index["velocity"], index["voices"], index["glide_s"]  # noqa: N806
    PAN, BEND_RANGE = index["pan"], index["bend_semitones"]  # noqa: N806
    VOLUME, TRACKING = index["volume_db"], index["key_tracking"]  # noqa: N806
    TRANSPOSE, TUNE = index["transpose_semitones"], index["tune_cents"]  # noqa: N806

    @compiled
    def aim(state: Any, v: Any, at_once: Any) -> None:
        """Tell a voice's lane its pitch, cutoff and gains: at once, or the gains by the next grid point."""
        voice, now, lane = voice_at(state, v), state.now, v % LANES
        channel, lanes = channel_at(state, voice.channel), lanes_of(state, v)
        lanes.pitch[lane] = voice.pitch + channel.pitch + now[TRANSPOSE] + CENT * now[TUNE]
        tracked = now[TRACKING] * (voice.pitch - A4) * OCTAVE
        lanes.octaves[lane] = channel.octaves + PRESSURE_OCTAVES * voice.pressure + tracked
        lanes.peak[lane] = channel.peak
        gain = voice.level * state.gain
        if voice.leaving != 0:
            gain *= np.float32(max(voice.leaving, 0)) / np.float32(GIVE_WAY)
        left, right = gain * channel.left, gain * channel.right
        if at_once:
            lanes.left[lane], lanes.right[lane] = left, right
            lanes.left_step[lane] = lanes.right_step[lane] = 0.0
        else:
            lanes.left_step[lane] = (left - lanes.left[lane]) * SHARE
            lanes.right_step[lane] = (right - lanes.right[lane]) * SHARE

    @compiled
    def sound(state: Any, v: Any) -> None:
        """Let a voice that was begun be heard from the present sample on."""
        aim(state, v, True)
        derive(state, state.lanes + group_bytes * (v // LANES))

    @compiled
    def let_go(state: Any, v: Any) -> None:
        """Release a voice unless its key or a pedal holds it."""
        voice = voice_at(state, v)
        if voice.active == 0 or voice.released != 0 or voice.down != 0 or voice.kept != 0:
            return
        if pedal(state, voice.channel):
            return
        state.order += 1
        voice.order, voice.released = state.order, 1
        release(state, lanes_of(state, v), v % LANES, goals(state, count), channel_at(state, voice.channel))

    @compiled
    def free(state: Any, v: Any) -> None:
        """Silence a voice at once: it can be used again."""
        voice = voice_at(state, v)
        if voice.active == 0:
            return
        lanes, lane = lanes_of(state, v), v % LANES
        lanes.left[lane] = lanes.right[lane] = lanes.left_step[lane] = lanes.right_step[lane] = 0.0
        channel = channel_at(state, voice.channel)
        channel.voices -= 1
        if channel.mono_voice == v:
            channel.mono_voice = -1
        voice.active = 0
        int64_at(state.active)[v // LANES] -= 1
        state.sounding -= 1

    @compiled
    def victim(state: Any) -> Any:
        """The voice that gives way next: the one released longest ago, or else the oldest."""
        best, best_rank = 0, TOP
        for v in range(VOICES):
            voice = voice_at(state, v)
            if voice.active != 0 and voice.leaving == 0:
                rank = voice.order - (TOP >> 1) * voice.released
                if rank < best_rank:
                    best, best_rank = v, rank
        return best

    @compiled
    def take(state: Any) -> Any:
        """A voice for a new note."""
        playing, vacant, soonest = 0, -1, 0
        for v in range(VOICES):
            voice = voice_at(state, v)
            if voice.active == 0:
                if vacant < 0:
                    vacant = v
            elif voice.leaving == 0:
                playing += 1
            elif voice_at(state, soonest).leaving == 0 or voice.leaving < voice_at(state, soonest).leaving:
                soonest = v
        if playing >= POLYPHONY:
            give_way(state, victim(state))
        if vacant < 0:
            free(state, soonest)
            vacant = soonest
        return vacant

    @compiled
    def begin(state: Any, c: Any, key: Any, velocity: Any) -> Any:
        """Start a voice; returns it."""
        if state.sounding == 0:
            state.phase = state.started = 0
            state.vibrato = 0.0
            advance(state, goals(state, count), count, state.rate)
            state.gain = decibels(state.now[VOLUME])
            settle_channel(channel_at(state, master_of(state, c)))
        v = take(state)
        voice, channel, values = voice_at(state, v), channel_at(state, c), goals(state, count)
        if channel.voices == 0:
            if c > 0 or state.zone == 0:  # a zone's master moves as long as anything sounds
                settle_channel(channel)
            derive_channel(state, c, values[PAN], values[BEND_RANGE], np.float32(0.0))
        hard = np.float32(velocity / 127.0)
        voice.active, voice.order, voice.channel, voice.key = 1, state.order, c, key
        voice.down, voice.kept, voice.released, voice.leaving = 1, 0, 0, 0
        voice.level = np.float32(1.0) - values[VELOCITY] * (np.float32(1.0) - hard * hard)
        voice.pressure = voice.pressure_goal = voice.glide = 0.0
        voice.pitch = voice.goal = np.float32(key)
        channel.voices += 1
        int64_at(state.active)[v // LANES] += 1
        state.sounding += 1
        start(state, lanes_of(state, v), v % LANES, values, channel, key, hard)
        return v

    @compiled
    def glide_to(state: Any, v: Any, key: Any) -> None:
        """Let a voice's pitch move to another key."""
        voice = voice_at(state, v)
        seconds = goals(state, count)[GLIDE]
        voice.key, voice.goal = key, np.float32(key)
        steps = np.float32(max(1.0, seconds * state.rate / GRID))
        voice.glide = (voice.goal - voice.pitch) / steps
        if seconds <= 0.0:
            voice.pitch = voice.goal

    @compiled
    def mode_of(state: Any, channel: Any) -> Any:
        """0: poly, 1: mono, 2: legato."""
        patch = np.int64(goals(state, count)[MODE])
        if channel.mode == 1:
            return 0
        if channel.mode == 2:
            return max(patch, MONO)
        return patch

    @compiled
    def note_on(state: Any, c: Any, key: Any, velocity: Any) -> None:
        if channel_at(state, master_of(state, c)).listening == 0:
            return
        channel = channel_at(state, c)
        state.order += 1
        key_at(state, c)[key] = state.order
        mode = mode_of(state, channel)
        if mode == 0:
            for v in range(VOICES):
                voice = voice_at(state, v)
                if voice.active != 0 and voice.channel == c and voice.key == key and voice.down != 0:
                    voice.down = 0
                    let_go(state, v)
            sound(state, begin(state, c, key, velocity))
            return
        before = channel.mono_voice
        if before >= 0:
            old = voice_at(state, before)
            if mode == LEGATO and old.down != 0:
                glide_to(state, before, key)
                return
            pitch = old.pitch
            give_way(state, before)
            v = begin(state, c, key, velocity)
            if mode == MONO:
                voice_at(state, v).pitch = pitch
                glide_to(state, v, key)
        else:
            v = begin(state, c, key, velocity)
        channel.mono_voice = v
        sound(state, v)

    @compiled
    def last_key(state: Any, c: Any) -> Any:
        """The key of the channel that was pressed last and is still down; -1: none."""
        keys, best = key_at(state, c), -1
        for key in range(KEYS):
            if keys[key] > 0 and (best < 0 or keys[key] > keys[best]):
                best = key
        return best

    @compiled
    def note_off(state: Any, c: Any, key: Any) -> None:
        channel = channel_at(state, c)
        key_at(state, c)[key] = 0
        mono = channel.mono_voice if mode_of(state, channel) != 0 else -1
        for v in range(VOICES):
            voice = voice_at(state, v)
            if voice.active != 0 and voice.channel == c and voice.key == key and voice.down != 0:
                held = last_key(state, c) if v == mono else -1
                if held >= 0:
                    glide_to(state, v, held)
                else:
                    voice.down = 0
                    let_go(state, v)

    @inline
    def concerns(state: Any, c: Any, k: Any) -> Any:
        """Whether what is said to channel ``c`` goes for channel ``k``: itself, or a member of its zone."""
        return k == c or master_of(state, k) == c

    @compiled
    def lift(state: Any, c: Any) -> None:
        """A pedal of channel ``c`` has gone up: release what nothing else holds."""
        for v in range(VOICES):
            voice = voice_at(state, v)
            if voice.active != 0 and concerns(state, c, voice.channel):
                let_go(state, v)

    @compiled
    def sostenuto(state: Any, c: Any, pressed: Any) -> None:
        """Hold the notes whose keys are down now, or let them go."""
        channel = channel_at(state, c)
        if pressed == channel.sostenuto:
            return
        channel.sostenuto = pressed
        for v in range(VOICES):
            voice = voice_at(state, v)
            if voice.active != 0 and concerns(state, c, voice.channel):
                voice.kept = voice.down if pressed != 0 else 0
        if pressed == 0:
            lift(state, c)

    @compiled
    def all_notes_off(state: Any, c: Any) -> None:
        """As if every key were let go; a pedal goes on holding."""
        for k in range(CHANNELS):
            if concerns(state, c, k):
                for key in range(KEYS):
                    key_at(state, k)[key] = 0
        for v in range(VOICES):
            voice = voice_at(state, v)
            if voice.active != 0 and concerns(state, c, voice.channel):
                voice.down = 0
                let_go(state, v)

    @compiled
    def all_sound_off(state: Any, c: Any) -> None:
        """Silence in a few milliseconds."""
        all_notes_off(state, c)
        for v in range(VOICES):
            voice = voice_at(state, v)
            if voice.active != 0 and concerns(state, c, voice.channel):
                give_way(state, v)

    @compiled
    def begin_anew(state: Any, channels: Any) -> None:
        """Let go of all keys and pedals of so many channels, from the first on."""
        for k in range(channels):
            channel_at(state, k).sustain = channel_at(state, k).sostenuto = 0
            for key in range(KEYS):
                key_at(state, k)[key] = 0
        for v in range(VOICES):
            voice = voice_at(state, v)
            if voice.active != 0 and voice.channel < channels:
                voice.down = voice.kept = 0
                let_go(state, v)

    @compiled
    def reset(state: Any, c: Any) -> None:
        """Pedals up and all controllers back, of a zone's master its members' too."""
        for k in range(CHANNELS):
            if concerns(state, c, k):
                channel_at(state, k).sustain = 0
                sostenuto(state, k, 0)
                reset_controllers(channel_at(state, k))
        for v in range(VOICES):
            if concerns(state, c, voice_at(state, v).channel):
                voice_at(state, v).pressure_goal = 0.0
        lift(state, c)

    @compiled
    def control(state: Any, c: Any, number: Any, value: Any) -> None:
        channel = channel_at(state, c)
        if number == 64:
            channel.sustain = 1 if value >= 64 else 0
            if channel.sustain == 0:
                lift(state, c)
        elif number == 66:
            sostenuto(state, c, 1 if value >= 64 else 0)
        elif number == 120:
            all_sound_off(state, c)
        elif number >= 123:
            all_notes_off(state, c)
            if number == 126:
                channel.mode = 2
            elif number == 127:
                channel.mode = 1
        elif number == 121:
            reset(state, c)
        else:
            begin_anew(state, change_controller(state, c, number, value))

    @compiled
    def key_pressure(state: Any, c: Any, key: Any, value: Any) -> None:
        for v in range(VOICES):
            voice = voice_at(state, v)
            if voice.active != 0 and voice.channel == c and voice.key == key:
                voice.pressure_goal = np.float32(value / 127.0)

    @compiled
    def hear(state: Any, status: Any, data1: Any, data2: Any) -> None:
        """Take in a channel message."""
        c, what = np.int64(status & 0x0F), status & 0xF0
        a, b = np.int64(data1 & 0x7F), np.int64(data2 & 0x7F)
        if what == 0x90 and b > 0:
            note_on(state, c, a, b)
        elif what == 0x80 or what == 0x90:
            note_off(state, c, a)
        elif what == 0xB0:
            control(state, c, a, b)
        elif what == 0xA0:
            key_pressure(state, c, a, b)
        elif what == 0xC0:
            change_program(state, c, a)
        elif what == 0xD0:
            channel_at(state, c).goals[PRESSURE] = np.float32(a / 127.0)
        elif what == 0xE0:
            bend = (b << 7) + a - 8192
            channel_at(state, c).goals[BEND] = np.float32(max(-1.0, bend / 8191.0))

    return SimpleNamespace(hear=hear, free=free, aim=aim)
