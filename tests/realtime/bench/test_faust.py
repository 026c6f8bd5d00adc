"""The Faust program that the synth is measured beside."""

from __future__ import annotations

import re

from tonerig.realtime.bench.faust import all_voices, voice
from tonerig.realtime.bench.synth import KEYS, PATCH
from tonerig.realtime.synths.four import ESTIMATED


def test_every_estimated_parameter_is_a_slider_at_the_patch_s_value() -> None:
    """Faust plays the patch that the synth plays: all 23 parameters, none more."""
    sliders = dict(re.findall(r'hslider\("(\w+)", ([\d.]+)', voice(PATCH)))
    assert {name: float(value) for name, value in sliders.items()} == PATCH
    assert set(sliders) == {parameter.name for parameter in ESTIMATED}


def test_a_voice_for_each_key_at_its_pitch() -> None:
    """MIDI's key 69 is 440 Hz, an octave doubles it."""
    pitches = re.findall(r'"freq\d+", ([\d.]+)', all_voices(PATCH, [57, 69, 81]))
    assert [float(pitch) for pitch in pitches] == [220, 440, 880]
    assert all_voices(PATCH, KEYS).count("voice(hslider") == len(KEYS) == 16
