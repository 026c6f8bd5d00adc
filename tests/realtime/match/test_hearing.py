"""The ways a sound can be taken: the right one is found by rendering."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.match.estimator import Estimator, load_estimator
from tonerig.realtime.match.hearing import USUAL, gain_for, hearings, loudest
from tonerig.realtime.match.pitch import find_pitch
from tonerig.realtime.match.sound import sound_of
from tonerig.realtime.match.synths import FOUR, SYNTHS, MatchedSynth

from .constant import write_constant
from .test_sound import tone

LEVELS = FOUR.drawn(7, "test", 0, 1)
(OWN,) = FOUR.render(FOUR.values(LEVELS))


@pytest.fixture(scope="module")
def estimator(tmp_path_factory: pytest.TempPathFactory) -> Estimator:
    """One that tells the levels of one sound."""
    path = tmp_path_factory.mktemp("estimators") / "four.onnx"
    return load_estimator(write_constant(path, FOUR, LEVELS[0]))


@pytest.mark.parametrize("synth", SYNTHS.values(), ids=SYNTHS)
def test_usual_levels(synth: MatchedSynth) -> None:
    """Of the synth's own sounds: a few in a hundred lie outside, as many above the median as below."""
    sounds = synth.render(synth.values(synth.drawn(9, "train", 0, 400)))
    levels = np.array([loudest(sound) for sound in sounds])
    lowest, median, highest = USUAL[synth.name]
    assert np.mean((levels < lowest) | (levels > highest)) < 0.07
    assert 0.4 < np.mean(levels < median) < 0.6


def test_gain() -> None:
    """What is as loud as the synth's own sounds stays, what is 60 dB softer is raised to their median."""
    assert gain_for("four", OWN) == 1.0
    quiet = 1e-3 * OWN
    assert loudest(gain_for("four", quiet) * quiet) == pytest.approx(USUAL["four"][1])


def test_a_sound_of_its_own_is_taken_as_it_is(estimator: Estimator) -> None:
    """At its own key, with its constants, and nothing that was told is changed."""
    way = hearings(estimator, sound_of(OWN, FOUR.rate), None)[0]
    assert way.semitones == 0 and way.gain == 1 and way.heard.synth is FOUR
    np.testing.assert_array_equal(way.heard.sound, OWN)
    assert [int(part.argmax()) for part in way.probabilities] == LEVELS[0].tolist()
    assert way.heard.distances(FOUR.render(FOUR.values(LEVELS)))[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("octaves", [-2, -1, 1])
def test_a_tone_of_another_octave_is_taken_there(octaves: int, tmp_path: Path) -> None:
    """An estimator that knows nothing is enough: a plain tone of the pitch comes nearest."""
    nothing = load_estimator(write_constant(tmp_path / "none.onnx", FOUR))
    sound = sound_of(tone(44100, frequency_hz=622.25 * 2**octaves), 44100)
    ways = hearings(nothing, sound, find_pitch(sound.samples, sound.rate))
    assert ways[0].semitones == 12 * octaves
    assert [way.distance for way in ways] == sorted(way.distance for way in ways)


def test_a_hit_without_pitch_is_tried_in_several_octaves(estimator: Estimator) -> None:
    """Noise that dies away: four octaves, each once."""
    noise = np.random.default_rng(0).normal(size=22050) * np.exp(-np.arange(22050) / 2000)
    ways = hearings(estimator, sound_of(noise, 22050), None)
    assert sorted(way.semitones for way in ways) == [-36, -24, -12, 0]
