"""From a recording to patches: nearness, keys, confidence, the choice of the synth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.match.estimator import Estimator, EstimatorError, load_estimator
from tonerig.realtime.match.hearing import loudest
from tonerig.realtime.match.match import Matches, as_json, estimators_for, match
from tonerig.realtime.match.patch import volume_db
from tonerig.realtime.match.pitch import key_frequency
from tonerig.realtime.match.sound import SoundError, read_sound, sound_of
from tonerig.realtime.match.synths import FOUR, TWO
from tonerig.realtime.patches import load_patch

from .constant import write_constant
from .test_sound import SAMPLES, tone

LEVELS = FOUR.drawn(7, "test", 0, 1)
(OWN,) = FOUR.render(FOUR.values(LEVELS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Estimators: one that knows a sound, and two that know nothing."""
    folder = tmp_path_factory.mktemp("estimators")
    write_constant(folder / "knows.onnx", FOUR, LEVELS[0], sure=2.0)
    write_constant(folder / "four.onnx", FOUR)
    write_constant(folder / "two.onnx", TWO)
    return folder


@pytest.fixture(scope="module")
def knows(folder: Path) -> Estimator:
    """Leans towards the levels of `OWN`."""
    return load_estimator(folder / "knows.onnx")


@pytest.fixture(scope="module")
def of_its_own(knows: Estimator) -> Matches:
    """The match of a sound that the synth made."""
    return match(sound_of(OWN, FOUR.rate, "own.wav"), [knows], top=4)


def test_a_sound_of_the_synths_own(of_its_own: Matches) -> None:
    """Its patches come best first, each different, their measures are those of what they render."""
    distances = [found.distance for found in of_its_own.matches]
    assert distances == sorted(distances) and len(distances) == 4 and distances[0] < 0.3
    assert len({found.values.tobytes() for found in of_its_own.matches}) == 4
    assert of_its_own.key.number == 69 and of_its_own.synth is FOUR and of_its_own.gain == 1
    best = of_its_own.matches[0]
    np.testing.assert_array_equal(best.sound, FOUR.render(best.values[None])[0])
    assert best.measures["stft_correlation"] > 0.9


def test_confidence_is_the_probability_within_a_level(of_its_own: Matches) -> None:
    """For what comes near; it is lower for a recording that the synth cannot make."""
    best = of_its_own.matches[0]
    for parameter, part, value in zip(FOUR.parameters, of_its_own.probabilities, best.values, strict=True):
        level = int(parameter.encode(value))
        near = part[max(0, level - 1) : level + 2].sum()
        assert of_its_own.confidence[parameter.name] <= near + 1e-9
    assert set(of_its_own.confidence) == {parameter.name for parameter in FOUR.parameters}


def test_noise_is_no_match(knows: Estimator) -> None:
    """White noise: said to be unlike, with no confidence to speak of."""
    noise = np.random.default_rng(0).normal(size=22050) * 0.2
    found = match(sound_of(noise, 22050), [knows])
    assert found.likeness.startswith("unlike") and max(found.confidence.values()) < 0.35
    assert found.pitch is None


def test_the_pitchs_key_is_told(folder: Path) -> None:
    """A tone on C3, twenty cents sharp: C3 plays it, tuned up, whatever octave was heard."""
    sound = sound_of(tone(44100, frequency_hz=key_frequency(48.2)), 44100, "c3.wav")
    distances = []
    for seed in range(3):  # an estimator that knows nothing leaves all to chance
        found = match(sound, [load_estimator(folder / "four.onnx")], top=1, seed=seed)
        assert found.key.number == 48 and found.key.tune_cents == pytest.approx(20, abs=1)
        assert found.pitch is not None and found.pitch.note == "C3"
        distances.append(found.matches[0].distance)
    assert min(distances) < 0.35
    values = found.matches[0].patch.link.values
    assert values["transpose_semitones"] == found.key.transpose_semitones


def test_a_given_key(folder: Path) -> None:
    """The key that a person gives is pressed, and its octave is heard."""
    sound = sound_of(tone(44100, frequency_hz=key_frequency(48.2)), 44100, "c3.wav")
    found = match(sound, [load_estimator(folder / "four.onnx")], top=1, key=60)
    assert found.key.number == 60 and found.key.tune_cents == pytest.approx(20, abs=1)
    assert found.pitch is not None and found.pitch.frequency_hz == pytest.approx(
        key_frequency(60.2), rel=1e-3
    )


def test_the_nearer_synth_is_taken(knows: Estimator, folder: Path) -> None:
    """Of a sound of four's own, told rightly, and an estimator of two that knows nothing: four."""
    two = load_estimator(folder / "two.onnx")
    for estimators in ([knows, two], [two, knows]):
        assert match(sound_of(OWN, FOUR.rate), estimators).synth is FOUR


def test_two(folder: Path) -> None:
    """A plain tone by the subtractive synth, on its own key."""
    sound = sound_of(tone(44100, frequency_hz=330.0), 44100, "e4.wav")
    found = match(sound, [load_estimator(folder / "two.onnx")], top=1)
    assert found.synth is TWO and found.key.number == 64 and found.matches[0].patch.synth == "two"


def test_refined_is_never_farther(knows: Estimator) -> None:
    """Half a second: the distances told fall, and the best is no farther than the look's."""
    told: list[tuple[float, float]] = []
    found = match(sound_of(OWN, FOUR.rate), [knows], refine_s=0.5, progress=lambda *gone: told.append(gone))
    assert found.matches[0].distance <= found.estimated_distance
    distances = [distance for _, distance in told]
    assert distances == sorted(distances, reverse=True) and 0 <= told[0][0] <= told[-1][0] <= 1


def test_the_same_seed_gives_the_same_patches(knows: Estimator, of_its_own: Matches) -> None:
    """On one thread and on two."""
    again = match(sound_of(OWN, FOUR.rate, "own.wav"), [knows], top=4, threads=2)
    for a, b in zip(again.matches, of_its_own.matches, strict=True):
        np.testing.assert_array_equal(a.values, b.values)


def test_as_json(of_its_own: Matches) -> None:
    """Parameters in their units by name, measures, key and confidence, in JSON that every reader takes."""
    table = json.loads(json.dumps(as_json(of_its_own), allow_nan=False))
    assert table["key"] == 69 and table["synth"] == "four" and table["sound"] == "own.wav"
    assert len(table["matches"]) == 4 and table["matches"][0]["stft_correlation"] > 0.9
    assert table["matches"][0]["parameters"]["cutoff_hz"] == of_its_own.matches[0].values[20]


@pytest.mark.parametrize("name", ["drum_heavy_kick", "elec_ping", "bass_trance_c", "loop_amen", "perc_bell"])
def test_real_one_shots(name: str, folder: Path) -> None:
    """Whatever it is, a patch comes out whose parameters all lie in their ranges, and says how near it is."""
    found = match(read_sound(SAMPLES / f"{name}.flac"), [load_estimator(folder / "four.onnx")])
    for candidate in found.matches:
        assert np.isfinite(candidate.distance) and np.isfinite(candidate.sound).all()
        for parameter, value in zip(FOUR.parameters, candidate.values, strict=True):
            parameter.check(float(value))
    assert 0 <= min(found.confidence.values()) <= max(found.confidence.values()) <= 1
    assert 0 <= found.key.number <= 127


def test_an_estimator_of_another_synth_is_refused(folder: Path) -> None:
    """By name."""
    with pytest.raises(EstimatorError, match=r"four\.onnx.*'four'.*'two'"):
        estimators_for("two", folder / "four.onnx")


def test_a_sounds_name_becomes_the_patchs(knows: Estimator, tmp_path: Path) -> None:
    """Without its suffix, and without what a terminal would obey."""
    found = match(sound_of(OWN, FOUR.rate, "\x1b[31mkick 7.wav"), [knows], top=2)
    names = [candidate.patch.name for candidate in found.matches]
    assert names == ["[31mkick 7", "[31mkick 7 2"]
    from tonerig.realtime.patches import save_patch

    assert load_patch(save_patch(found.matches[0].patch, tmp_path / "a.toml")).name == names[0]


def test_what_no_synth_plays_is_refused(folder: Path) -> None:
    """A tone above everything that the synth's rate holds."""
    sound = sound_of(tone(192000, frequency_hz=60000.0), 192000, "ultra.wav")
    with pytest.raises(SoundError, match=r"ultra.wav: has nothing below 8192 Hz, where the synths play"):
        match(sound, [load_estimator(folder / "four.onnx")])


def test_a_match_that_is_softer_is_turned_up(folder: Path) -> None:
    """Its patch's volume makes up for the loudest moments' difference, up to the knob's end."""
    sound = sound_of(0.3 * tone(44100, frequency_hz=392.0), 44100, "g4.wav")
    found = match(sound, [load_estimator(folder / "four.onnx")], top=3)
    for best in found.matches:
        difference = loudest(found.target) / found.gain / loudest(best.sound)
        assert best.patch.link.values["volume_db"] == volume_db(difference, float(np.abs(best.sound).max()))
