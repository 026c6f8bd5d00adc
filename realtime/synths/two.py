"""The subtractive synthesizer of two oscillators.

The sixteen parameters that *Secret Sauce* (T. Sellam, 2018) estimates of TAL-NoiseMaker, and a few that it
left fixed.
"""

from __future__ import annotations

from ..compiler.unit import Unit
from ..parameters import Parameter
from .common import COMMON
from .layout import record_of
from .synth import Synth
from .two_voice import FIELDS

LEVELS = 11
"""Knobs were estimated on a scale from 0 to 10."""
FIRST_WAVES = ("saw", "pulse", "noise")
SECOND_WAVES = ("saw", "pulse", "triangle", "sine", "noise")
DESTINATIONS = (
    "nothing",
    "filter",
    "osc_1_pitch",
    "osc_2_pitch",
    "pulse_width",
    "fm",
    "lfo_2_rate",
)

ESTIMATED = (
    Parameter.switch("osc_1_wave", *FIRST_WAVES, default="saw", description="wave of the first oscillator"),
    Parameter.switch("osc_2_wave", *SECOND_WAVES, default="saw", description="wave of the second oscillator"),
    Parameter("osc_1_volume", 0.0, 1.0, 0.8, description="level of the first, linear", levels=LEVELS),
    Parameter("osc_2_volume", 0.0, 1.0, 0.0, description="level of the second, linear", levels=LEVELS),
    Parameter(
        "pulse_width", 0.05, 0.95, 0.5, description="part of a period that pulses are up", levels=LEVELS
    ),
    Parameter(
        "cutoff_hz", 20.0, 20000.0, 8000.0, "Hz", "logarithmic", description="of the low-pass", levels=LEVELS
    ),
    Parameter("resonance", 0.0, 1.0, 0.1, description="of the low-pass, 1 nearly sings", levels=LEVELS),
    Parameter(
        "filter_attack_s", 0.001, 5.0, 0.005, "s", "logarithmic", description="of its envelope", levels=LEVELS
    ),
    Parameter(
        "filter_decay_s", 0.001, 5.0, 0.3, "s", "logarithmic", description="of its envelope", levels=LEVELS
    ),
    Parameter("filter_sustain", 0.0, 1.0, 0.5, description="of its envelope", levels=LEVELS),
    Parameter(
        "amp_attack_s", 0.001, 5.0, 0.005, "s", "logarithmic", description="of the level", levels=LEVELS
    ),
    Parameter("amp_decay_s", 0.001, 5.0, 0.3, "s", "logarithmic", description="of the level", levels=LEVELS),
    Parameter("amp_sustain", 0.0, 1.0, 0.8, description="level while the key is held", levels=LEVELS),
    Parameter("lfo_rate_hz", 0.05, 30.0, 4.0, "Hz", "logarithmic", description="of LFO 1", levels=LEVELS),
    Parameter("lfo_amount", 0.0, 1.0, 0.0, description="how much LFO 1 moves", levels=LEVELS),
    Parameter.switch("lfo_destination", *DESTINATIONS, default="nothing", description="what LFO 1 moves"),
)
"""The document's 16 parameters."""

PLAYED = (
    Parameter("filter_envelope_octaves", -6.0, 6.0, 3.0, description="how far the envelope moves the cutoff"),
    Parameter("amp_release_s", 0.001, 8.0, 0.2, "s", "logarithmic", description="of level and filter"),
    Parameter("osc_2_semitones", -24.0, 24.0, 0.0, description="second oscillator over the first"),
    Parameter("osc_2_cents", -50.0, 50.0, 4.0, "cents", description="… and finer"),
    Parameter("fm_amount", 0.0, 1.0, 0.0, description="how far the second oscillator modulates the first"),
    Parameter("lfo_2_rate_hz", 0.05, 30.0, 5.0, "Hz", "logarithmic", description="of LFO 2, a vibrato"),
    Parameter("lfo_2_cents", 0.0, 100.0, 6.0, "cents", description="how far LFO 2 moves the pitch"),
    Parameter("drive_db", 0.0, 24.0, 0.0, "dB", description="into the filter's saturation"),
)
"""What a player needs beside them."""


class TwoOscillators(Synth):
    """Two oscillators, a resonant low-pass of 24 dB to the octave, two envelopes and two LFOs.

    A key sounds at its equal-tempered frequency, A4 (69) at 440 Hz. An envelope rises in a straight line to
    1 in its attack, falls to its sustain in its decay and to 0 in its release. Where ``x`` goes from 0 to 1
    in one of these times the share of the way down that is left is ``1.001 * (1/1001) ** x - 0.001``: an
    exponential that ends. The low-pass is a Butterworth filter of fourth order; resonance raises the Q of
    its second half from 1.31 at 0 to 50 at 1, where loud sound damps itself. Waves are -1 to 1, and at full
    volume go in at -3 dB each: their sum ``x`` as ``(1 + k) * x / (1 + k * abs(x))``, where the drive in dB
    is the factor ``1 + k``.

    LFO 1, a triangle that rises from 0 when the key is pressed, moves by its amount up to 4 octaves of the
    cutoff, one octave of a pitch, 0.45 of the pulse width, all of the frequency modulation, or 4 octaves
    of the rate of LFO 2, each way. LFO 2 is a sine on both pitches. ``fm_amount`` squared, times 4, is how
    many times its own frequency the first oscillator is moved by the second one's peaks.
    """

    name = "two"
    description = "two oscillators, low-pass, two envelopes, two LFOs"
    parameters = (*ESTIMATED, *PLAYED, *COMMON)
    estimated = ESTIMATED
    record = record_of(FIELDS)

    def units(self) -> tuple[Unit, ...]:
        return (Unit.of("synths.two_code"), *super().units()[1:])
