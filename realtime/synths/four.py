"""The synthesizer of four frequency-modulated oscillators.

O. Barkan and D. Tsiris, *Deep Synthesizer Parameter Estimation* (ICASSP 2019), sections 3 and 4: sine, saw,
triangle and square, each modulated by a sine of its own, then an envelope, a low-pass and a gater.
"""

from __future__ import annotations

from ..compiler.unit import Unit
from ..parameters import Parameter
from .common import COMMON
from .four_voice import FIELDS, WAVES
from .layout import record_of
from .synth import Synth

LEVELS = 16
LOWEST_HZ, HIGHEST_HZ = 440.0, 440.0 * 2 ** (15 / 12)
"""Carriers: the notes A4 to C6, a semitone a level."""


def _oscillator(wave: str) -> tuple[Parameter, ...]:
    return (
        Parameter(
            f"{wave}_frequency_hz",
            LOWEST_HZ,
            HIGHEST_HZ,
            LOWEST_HZ,
            "Hz",
            "logarithmic",
            description=f"carrier of the {wave}, played with the key A4",
            levels=LEVELS,
        ),
        Parameter(
            f"{wave}_modulation_hz", 1.0, 30.0, 1.0, "Hz", description="its modulator's rate", levels=LEVELS
        ),
        Parameter(
            f"{wave}_amplitude",
            0.001,
            1.0,
            1.0 if wave == "saw" else 0.001,
            description="its level, linear",
            levels=LEVELS,
        ),
        Parameter(
            f"{wave}_depth_hz",
            0.0,
            1500.0,
            0.0,
            "Hz",
            description="how far its modulator moves the carrier; 0: no modulation",
            levels=LEVELS,
        ),
    )


ESTIMATED = (
    *(parameter for wave in WAVES for parameter in _oscillator(wave)),
    Parameter("attack_s", 0.001, 1.0, 0.005, "s", description="from 0 to the peak", levels=LEVELS),
    Parameter("decay_s", 0.001, 1.0, 0.2, "s", description="from the peak to the sustain", levels=LEVELS),
    Parameter("sustain", 0.001, 1.0, 0.7, description="level while the key is held, linear", levels=LEVELS),
    Parameter("release_s", 0.001, 1.0, 0.2, "s", description="from the sustain to 0", levels=LEVELS),
    Parameter("cutoff_hz", 200.0, 4000.0, 4000.0, "Hz", description="of the low-pass", levels=LEVELS),
    Parameter("resonance", 0.01, 10.0, 0.7, description="Q of the low-pass", levels=LEVELS),
    Parameter("gate_hz", 0.5, 30.0, 4.0, "Hz", description="rate of the square gater", levels=LEVELS),
)
"""The paper's 23 parameters, in its order: each oscillator's f, v, A, B, then a, d, s, r, cutoff, q, gate."""

PLAYED = (
    Parameter.switch(
        "gater", "off", "on", default="off", description="whether the gater chops the sound, as in the paper"
    ),
    Parameter.switch(
        "modulation",
        "frequency",
        "phase",
        default="frequency",
        description="what modulators move: the frequency, by B Hz, or the phase, by B radians",
    ),
)
"""What a player needs beside them."""


class FourOscillators(Synth):
    """Four oscillators with frequency modulation, an envelope, a low-pass and a gater.

    Its carriers sound as stated with the key A4 (69) and move with the key, their modulation's depth with
    them; the modulators' rates stay.
    """

    name = "four"
    description = "four oscillators with frequency modulation"
    parameters = (*ESTIMATED, *PLAYED, *COMMON)
    estimated = ESTIMATED
    fixed = ("modulation",)
    record = record_of(FIELDS)

    @property
    def modulation(self) -> str:
        """What modulators move."""
        return self.parameter("modulation").choices[round(self.values["modulation"])]

    def units(self) -> tuple[Unit, ...]:
        return (Unit.of("synths.four_code", modulation=self.modulation), *super().units()[1:])
