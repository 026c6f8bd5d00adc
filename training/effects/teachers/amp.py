"""The built-in amp and its cabinet as a teacher."""

from __future__ import annotations

import numpy as np
from scipy import signal

from ....realtime.library import shipped_library
from ....realtime.parameters import Parameter
from ....realtime.processors.impulse_response import read_impulse
from .teacher import Array, Teacher, at_level, through

CABINET = "1x12.wav"
STAGES = ((90.0, 1.5, 0.2), (40.0, 2.0, -0.35))
"""Low cut in Hz, gain and bias of each."""
DRIVE_DB = 4.0
"""Gain before the first stage for one step of the drive."""
TONE_DB = 1.2
"""Change of a band for one step of its knob away from the middle."""


def _amp(dry: Array, rate: float, settings: dict[str, float]) -> Array:
    """Two asymmetric tanh stages at four times the rate, each after a high-pass; tone controls; a cabinet.

    All filters are causal and recursive: a network without latency can learn them.
    """
    fast = 4 * rate
    band = signal.ellip(8, 0.1, 90, min(20000.0, 0.45 * rate), fs=fast, output="sos")
    stuffed = np.zeros(4 * len(dry))
    stuffed[::4] = 4.0 * dry
    driven = np.asarray(signal.sosfilt(band, stuffed)) * 10.0 ** (settings["drive"] * DRIVE_DB / 20)
    for low_cut_hz, gain, bias in STAGES:
        cut = signal.butter(1, low_cut_hz, "highpass", fs=fast, output="sos")
        driven = np.tanh(gain * np.asarray(signal.sosfilt(cut, driven)) + bias) - np.tanh(bias)
    block_dc = signal.butter(1, 20.0, "highpass", fs=fast, output="sos")
    wet = np.asarray(signal.sosfilt(band, signal.sosfilt(block_dc, driven)))[::4]
    return at_level(_cabinet(_tone(wet.astype(np.float32), rate, settings), rate), settings["output_db"])


def _tone(wet: Array, rate: float, settings: dict[str, float]) -> Array:
    from pedalboard import HighShelfFilter, LowShelfFilter, PeakFilter

    bass, middle, treble = (TONE_DB * (settings[name] - 5.0) for name in ("bass", "middle", "treble"))
    bands = [LowShelfFilter(150.0, bass), PeakFilter(600.0, middle), HighShelfFilter(2500.0, treble)]
    return through(wet, rate, bands)


def _cabinet(wet: Array, rate: float) -> Array:
    impulse = read_impulse(shipped_library() / "impulses" / CABINET).at(rate)
    return np.asarray(signal.oaconvolve(wet, impulse.samples[0])[: len(wet)])


AMP = Teacher(
    name="amp",
    description="The built-in amp and cabinet: two asymmetric saturating stages and three tone controls.",
    parameters=(
        Parameter("drive", 0.0, 10.0, 6.0, description="gain into the first stage, 4 dB a step"),
        Parameter("bass", 0.0, 10.0, 5.0, description="below 150 Hz"),
        Parameter("middle", 0.0, 10.0, 5.0, description="around 600 Hz"),
        Parameter("treble", 0.0, 10.0, 5.0, description="above 2.5 kHz"),
        Parameter("output_db", -30.0, 0.0, -9.0, unit="dB", description="level after the cabinet"),
    ),
    process=_amp,
    prompt=True,
)
