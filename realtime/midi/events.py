"""A MIDI event as the audio thread reads it."""

from __future__ import annotations

import numpy as np

EVENT = np.dtype([("frame", "i4"), ("status", "u1"), ("data1", "u1"), ("data2", "u1"), ("size", "u1")])
"""A channel message of ``size`` bytes (2 or 3), ``frame`` samples after the start of the block it comes with.

Events stand in order of their frames; those of one frame in the order in which they came.
"""

RELEASES = (64, 66, 123)
"""Controllers that, sent with 0 on all channels, leave no note sounding: both pedals up, all notes off."""
