"""The parameters that every synthesizer has beside its own: level, place, tuning, voices and controllers."""

from __future__ import annotations

from ..parameters import Parameter

COMMON = (
    Parameter("volume_db", -60.0, 12.0, -12.0, "dB", description="level of one note at full velocity"),
    Parameter("pan", -1.0, 1.0, 0.0, description="-1 is left, 1 is right"),
    Parameter("width", 0.0, 1.0, 0.0, description="how far the oscillators stand apart; 0 is mono"),
    Parameter("transpose_semitones", -48.0, 48.0, 0.0, description="added to every key"),
    Parameter("tune_cents", -100.0, 100.0, 0.0, "cents", description="fine tuning"),
    Parameter.switch("voices", "poly", "mono", "legato", default="poly", description="how keys share voices"),
    Parameter("glide_s", 0.0, 5.0, 0.0, "s", description="time from key to key, in mono and legato"),
    Parameter("bend_semitones", 0.0, 24.0, 2.0, description="range of the pitch wheel, each way"),
    Parameter("velocity", 0.0, 1.0, 0.7, description="how much softer soft notes are; 0: not at all"),
    Parameter("key_tracking", 0.0, 1.0, 0.0, description="how far the cutoff follows the key"),
    Parameter(
        "vibrato_hz",
        0.1,
        20.0,
        5.5,
        "Hz",
        "logarithmic",
        description="rate of the modulation wheel's vibrato",
    ),
    Parameter("vibrato_cents", 0.0, 200.0, 50.0, "cents", description="its depth with the wheel full on"),
)
