"""Memory that the audio thread and the control side share, and the rings between them.

Every word that both touch is read with acquire and written with release order. A ring has one
producer and one consumer; its capacity is a power of two, its two counters only grow.
"""

from __future__ import annotations

import numpy as np

PROGRAM = np.dtype(
    [
        ("rows", "i8"),  # address of the first ROW
        ("count", "i8"),
        ("context", "i8"),  # address of its CONTEXT
        ("first", "i8"),  # two planar buffers that the processors write in turn
        ("second", "i8"),
        ("inputs", "i8"),  # channels
        ("outputs", "i8"),
        ("generation", "i8"),
        ("alone", "i8"),  # too heavy to run beside another: fade out, then in
        ("knobs", "i8"),  # address of its KNOBs
        ("knob_count", "i8"),
    ],
    align=True,
)
"""What the audio thread knows of a program."""

KNOB = np.dtype(
    [
        ("controller", "i8"),
        ("channel", "i8"),  # 0 to 15, or ANY_CHANNEL
        ("goal", "i8"),  # address of the float32 in the processor's state
        ("values", "i8"),  # address of a float32 for each of the controller's POSITIONS
        ("since", "i8"),  # the turn (see HEARD) that the goal stands at, or a later one
    ],
    align=True,
)
"""A parameter that a MIDI controller turns."""
ANY_CHANNEL = -1
CHANNELS, POSITIONS = 16, 128
"""Of MIDI; there are as many controllers as positions of one."""

HEARD = np.dtype(
    [
        ("turn", "i8"),  # the last one: all that this engine heard are numbered from 1 on
        ("position", "i8"),  # 0 to 127
        ("bound", "i8"),  # whether a knob hears it; the others are left alone
    ],
    align=True,
)
"""What was heard from one controller on one channel."""

COMMAND = np.dtype([("kind", "i8"), ("generation", "i8"), ("address", "i8"), ("value", "f8")], align=True)
"""One order to the audio thread, see ``SET`` and the others."""
SET, MASTER, MUTE, BYPASS, RECORD = 1, 2, 3, 4, 5

REPORT = np.dtype(
    [
        ("started_ns", "i8"),  # monotonic clock
        ("duration_ns", "i8"),
        ("frames", "i8"),
        ("flags", "i8"),  # PortAudio's status flags
        ("input_peak", "f4", (2,)),
        ("output_peak", "f4", (2,)),
        ("generation", "i8"),  # of the program that plays alone; a fade is over when it changes
        ("swapped_at", "i8"),  # position at which the last fade began
        ("muted", "i8"),  # rows of the playing program that put out NaN or Inf, as bits
        ("cleaned", "i8"),  # input samples that were not finite
    ],
    align=True,
)
"""What one callback did."""

ENGINE = np.dtype(
    [
        # control side → audio thread
        ("next_program", "i8"),  # address of a PROGRAM, 0: none; the audio thread clears it
        ("commands", "i8"),
        ("command_capacity", "i8"),
        ("commands_written", "i8"),
        ("commands_read", "i8"),
        ("midi", "i8"),  # EVENTs due at the start of the next buffer
        ("midi_capacity", "i8"),
        ("midi_written", "i8"),
        ("midi_read", "i8"),
        # audio thread → control side
        ("generation", "i8"),  # of the program that plays alone
        ("reports", "i8"),
        ("report_capacity", "i8"),
        ("reports_written", "i8"),
        ("reports_read", "i8"),
        ("reports_lost", "i8"),
        ("tap", "i8"),  # frames of dry left, dry right, wet left, wet right
        ("tap_capacity", "i8"),
        ("tap_written", "i8"),
        ("tap_read", "i8"),
        ("tap_lost", "i8"),
        ("midi_lost", "i8"),  # events of a flood that were dropped; `RELEASES` follow it
        ("callbacks", "i8"),
        ("turned", "i8"),  # turns that knobs have followed
        # fixed before the first call
        ("rate", "f8"),
        ("max_block", "i8"),
        ("inputs", "i8"),  # channels that the chain hears, 1 or 2
        ("outputs", "i8"),
        ("route", "i8", (2,)),  # which channel of the device each of them is; -1: silence
        ("clean", "i8"),  # planar work space: the input made finite
        ("mixed", "i8"),  # … the output before it leaves
        ("old", "i8"),  # … and the output of the program that leaves
        ("events", "i8"),  # work space: the ring's events, then the device's
        ("event_capacity", "i8"),
        ("fade_frames", "i8"),
        # the audio thread's own
        ("program", "i8"),
        ("leaving", "i8"),  # a program that is being faded out
        ("fade", "i8"),  # frames of the fade that are done
        ("swapped_at", "i8"),  # position at which it began
        ("position", "i8"),  # samples since the start
        ("heard", "i8"),  # HEARD for each channel and controller
        ("turns", "i8"),  # turns that were heard
        ("due", "i8"),  # the events of the piece that is being served, see CONTEXT
        ("due_count", "i8"),
        ("due_origin", "i8"),
        ("master_goal", "f4"),
        ("mute_goal", "f4"),
        ("master", "f4"),  # volume and mute in one, on its way
        ("bypass_goal", "f4"),
        ("bypass", "f4"),
        ("recording", "i8"),
        ("input_peak", "f4", (2,)),
        ("output_peak", "f4", (2,)),
        ("cleaned", "i8"),
        ("clock", "i8", (4,)),
    ],
    align=True,
)
"""The whole state of the audio thread."""

JACK_EVENT = np.dtype([("time", "u4"), ("size", "u8"), ("buffer", "u8")], align=True)
"""``jack_midi_event_t``: ``size`` bytes at ``buffer``, due at frame ``time`` of the block."""

JACK = np.dtype(
    [
        ("engine", "i8"),  # address of its ENGINE
        ("get_buffer", "i8"),  # address of jack_port_get_buffer
        ("inputs", "i8"),  # ports
        ("outputs", "i8"),
        ("ports_in", "i8"),
        ("ports_out", "i8"),
        ("buffers_in", "i8"),  # addresses of the present block's channels
        ("buffers_out", "i8"),
        ("xruns", "i8"),  # counted by JACK's notification thread
        ("xruns_seen", "i8"),
        ("down", "i8"),  # 1 once the server has gone
        ("midi_port", "i8"),  # 0: none
        ("get_event_count", "i8"),  # address of jack_midi_get_event_count
        ("get_event", "i8"),  # address of jack_midi_event_get
        ("event", JACK_EVENT),  # the one being read
        ("events", "i8"),  # the present block's EVENTs
        ("event_capacity", "i8"),
    ],
    align=True,
)
"""What JACK's callbacks are given."""

FADE_S = 0.02
"""Length of a fade between two programs, N samples.

Sample n of it is ``(1 - g) * old + g * new`` with ``g = (n + 1) / N``. Of two programs too heavy to run
together the old one is heard at ``1 - g`` over N samples, then the new one starts and is heard at ``g``
over N more.
"""
SWITCH_S = 0.02
"""How long bypass, mute and a change of master volume by 1 take, on a straight line."""
