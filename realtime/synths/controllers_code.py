"""MIDI controllers of an instrument's channels, compiled. Imports numba: only where code is compiled.

What a controller changes is a goal of its channel, on its way there a little each grid step. Pedals and
modes, which touch notes, are in `notes_code`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..compiler.memory import int64_at, record_at
from ..processors.smoothing_code import compiled, inline
from .layout import (
    BEND,
    BRIGHTNESS,
    CHANNEL,
    CHANNELS,
    DEFAULT_VOLUME,
    DRUM_BANK,
    DRUM_CHANNEL,
    LEVEL,
    MODULATION,
    NO_PARAMETER,
    PAN,
    PRESSURE,
    PROGRAM_RANGE,
    RESONANCE,
    SMOOTHED,
)

channel_record, range_record = record_at(CHANNEL), record_at(PROGRAM_RANGE)
CHANNEL_BYTES, RANGE_BYTES = CHANNEL.itemsize, PROGRAM_RANGE.itemsize
COUNT = len(SMOOTHED)
MEMBER_BEND, MASTER_BEND = np.float32(48.0), np.float32(2.0)
"""Semitones of a pitch wheel in an MPE zone, as its specification has it until a message says otherwise."""
AS_THE_PATCH = np.float32(-1.0)
BRIGHTNESS_OCTAVES = np.float32(4.0)
"""That controller 74 moves the cutoff, each way."""
PRESSURE_OCTAVES = np.float32(2.0)
CLOSE = np.float32(1e-4)
BEND_RANGE, FINE, COARSE, MPE = 0, 1, 2, 6
"""Registered parameters."""


@inline
def channel_at(state: Any, c: Any) -> Any:
    """Channel ``c``, 0 to 15."""
    return channel_record(state.channels + CHANNEL_BYTES * c)


@inline
def master_of(state: Any, c: Any) -> Any:
    """The channel whose controllers count for channel ``c`` too: an MPE zone's first, or itself."""
    return 0 if c <= state.zone else c


@inline
def pedal(state: Any, c: Any) -> Any:
    """Whether the sustain pedal holds the channel's notes."""
    return channel_at(state, c).sustain != 0 or channel_at(state, master_of(state, c)).sustain != 0


@inline
def centred(value: Any) -> Any:
    """A controller around 64 as -1 to 1."""
    return np.float32(max(-1.0, (value - 64) / 63.0))


@compiled
def set_level(channel: Any) -> None:
    """Volume and expression as one gain: the square of their product, as General MIDI recommends."""
    part = channel.volume * channel.expression
    channel.goals[LEVEL] = part * part


@compiled
def reset_controllers(channel: Any) -> None:
    """What controller 121 resets (RP-015): not volume, pan, program and sound controllers."""
    channel.goals[BEND] = 0.0
    channel.goals[MODULATION] = 0.0
    channel.goals[PRESSURE] = 0.0
    channel.expression = 1.0
    choose_parameter(channel, NO_PARAMETER)
    set_level(channel)


@compiled
def choose_parameter(channel: Any, parameter: Any) -> None:
    """Let data entry set this registered parameter."""
    channel.parameter, channel.data = parameter, -1


@compiled
def make_zone(state: Any, members: Any) -> Any:
    """Make an MPE zone of so many members, or end it with 0; how many channels are concerned, from the first.

    Members leave volume to their master. All controllers of the zone start anew.
    """
    concerned = max(state.zone, members) + 1
    if concerned == 1:
        return 0
    state.zone = members
    for k in range(concerned):
        channel = channel_at(state, k)
        if members == 0 or k > members:
            channel.bend_range = AS_THE_PATCH
        else:
            channel.bend_range = MASTER_BEND if k == 0 else MEMBER_BEND
        if k > 0:
            channel.volume = np.float32(1.0 if k <= members else DEFAULT_VOLUME)
        reset_controllers(channel)
    return concerned


@compiled
def enter_data(state: Any, c: Any) -> None:
    """Set the registered parameter chosen before."""
    channel = channel_at(state, c)
    coarse, fine = channel.data >> 7, channel.data & 127
    if channel.parameter == BEND_RANGE:
        reach = np.float32(min(coarse + fine / 100.0, 96.0))
        channel.bend_range = reach
        if 1 <= c <= state.zone:  # members bend alike
            for k in range(1, state.zone + 1):
                channel_at(state, k).bend_range = reach
    elif channel.parameter == COARSE:
        channel.coarse = np.float32(coarse - 64)
    elif channel.parameter == FINE:
        channel.fine = np.float32((channel.data - 8192) / 8192.0)


@compiled
def change_controller(state: Any, c: Any, number: Any, value: Any) -> Any:
    """Take in a controller that touches no notes.

    Returns how many channels, from the first on, begin anew because it made or ended an MPE zone.
    """
    channel = channel_at(state, c)
    part = np.float32(value / 127.0)
    if number == 0:
        if c != DRUM_CHANNEL - 1:  # many songs that know no other drums set its bank to 0
            channel.bank_high = value
    elif number == 32:
        channel.bank_low = value
    elif number == 1:
        channel.goals[MODULATION] = part
    elif number == 7:
        channel.volume = part
        set_level(channel)
    elif number == 11:
        channel.expression = part
        set_level(channel)
    elif number == 10:
        channel.goals[PAN] = centred(value)
    elif number == 71:
        channel.goals[RESONANCE] = centred(value)
    elif number == 72:
        channel.release = centred(value)
    elif number == 73:
        channel.attack = centred(value)
    elif number == 74:
        channel.goals[BRIGHTNESS] = centred(value)
    elif number == 98 or number == 99:  # an unregistered parameter: none of ours
        choose_parameter(channel, NO_PARAMETER)
    elif number == 100:
        choose_parameter(channel, (channel.parameter >> 7 << 7) + value)
    elif number == 101:
        choose_parameter(channel, (value << 7) + (channel.parameter & 127))
    elif number == 6:
        if channel.parameter == MPE and c == 0:
            return make_zone(state, min(value, CHANNELS - 1))
        channel.data = value << 7
        enter_data(state, c)
    elif number == 38 and channel.data >= 0:
        channel.data = (channel.data >> 7 << 7) + value
        enter_data(state, c)
    return 0


@compiled
def owner_of(state: Any, program: Any) -> Any:
    """The place in the band of the patch that states this program, bank * 128 + number; -1: none."""
    for k in range(state.program_count):
        called = range_record(state.programs + RANGE_BYTES * k)
        if called.first <= program and program <= called.last:
            return called.owner
    return -1


@compiled
def change_program(state: Any, c: Any, program: Any) -> None:
    """Let the channel play the patch that states this program, in its bank or else in bank 0, or stay."""
    channel = channel_at(state, c)
    if channel.follows == 0:
        return
    owner = owner_of(state, ((channel.bank_high << 7) + channel.bank_low << 7) + program)
    if owner < 0 and channel.bank_high != DRUM_BANK >> 7:
        owner = owner_of(state, program)
    if owner >= 0:
        channel.listening = 1 if owner == state.owner else 0


@compiled
def settle_channel(channel: Any) -> None:
    """Bring the smoothed controllers to their goals at once."""
    for k in range(COUNT):
        channel.now[k] = channel.goals[k]


@compiled
def move_controllers(channel: Any, step: Any) -> None:
    """Bring the smoothed controllers a grid step nearer to their goals."""
    for k in range(COUNT):
        away = channel.goals[k] - channel.now[k]
        channel.now[k] = channel.goals[k] if abs(away) < CLOSE else channel.now[k] + step * away


@compiled
def bend_of(channel: Any, patch_range: Any) -> Any:
    """Semitones that the pitch wheel stands off the middle."""
    reach = channel.bend_range if channel.bend_range >= 0.0 else patch_range
    return channel.now[BEND] * reach


@compiled
def derive_channel(state: Any, c: Any, pan: Any, bend_range: Any, vibrato: Any) -> None:
    """Pitch, gains and cutoff of a channel from its controllers and, in an MPE zone, from its master's.

    Parameters
    ----------
    pan : of the patch, -1 to 1
    bend_range : of the patch, in semitones
    vibrato : semitones with the modulation wheel full on, at this moment
    """
    channel = channel_at(state, c)
    now, m = channel.now, master_of(state, c)
    pitch = bend_of(channel, bend_range) + channel.coarse + channel.fine
    level, modulation, pressure = now[LEVEL], now[MODULATION], now[PRESSURE]
    place = pan + now[PAN]
    octaves, peak = BRIGHTNESS_OCTAVES * now[BRIGHTNESS], now[RESONANCE]
    if m != c:
        master = channel_at(state, m)
        above = master.now
        pitch += bend_of(master, bend_range) + master.coarse + master.fine
        modulation, pressure = max(modulation, above[MODULATION]), max(pressure, above[PRESSURE])
        level *= above[LEVEL]
        place += above[PAN]
        octaves += BRIGHTNESS_OCTAVES * above[BRIGHTNESS]
        peak += above[RESONANCE]
    place = min(max(place, np.float32(-1.0)), np.float32(1.0))
    channel.pitch = pitch + vibrato * modulation
    channel.left = level * np.float32(math.sqrt(1.0 - place))
    channel.right = level * np.float32(math.sqrt(1.0 + place))
    channel.octaves = octaves + PRESSURE_OCTAVES * pressure
    channel.peak = min(max(peak, np.float32(-1.0)), np.float32(1.0))


@inline
def key_at(state: Any, c: Any) -> Any:
    """The keys of channel ``c``: for each the order of the note-on that holds it, 0 where it is up."""
    return int64_at(state.keys + 8 * 128 * c)
