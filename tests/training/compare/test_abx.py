"""The blind test's score: its p-value, what each trial holds, and its file."""

from __future__ import annotations

import json
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tonerig.realtime.loudness import LoudnessMeter
from tonerig.realtime.wav_writer import write_wav
from tonerig.training.compare.abx import Score, audible, begin, p_value, read_sounds
from tonerig.training.compare.sounds import CompareError, Sound

from .files import RATE, dry_sound, three_files


def test_twelve_of_sixteen_is_less_than_four_in_a_hundred() -> None:
    """The usual table of ABX tests: 12 of 16 is p = 0.0384."""
    assert p_value(12, 16) == pytest.approx(0.0384, abs=5e-5)
    assert p_value(0, 0) == 1.0


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_p_value_is_the_tail_of_pascals_triangle(case: tuple[int, int]) -> None:
    """Ways to toss as many heads or more, over all ways."""
    right, answered = case
    ways = sum(comb(answered, k) for k in range(right, answered + 1))
    assert p_value(right, answered) == pytest.approx(ways / 2**answered)


def score(sounds: int, seed: int = 1, answers: str = "") -> Score:
    """A test of ``sounds`` sounds in which these were the answers."""
    names = tuple(f"{n}.wav" for n in range(sounds))
    given: Any = tuple(answers)
    return Score(names, names, seed, 16, given)


def test_of_three_sounds_dry_and_wet_change_places_and_x_is_the_model() -> None:
    """The answer that counts is where the wet sound, number 1, is heard; both places come, about equally."""
    trials = [score(3).trial(n) for n in range(200)]
    assert all({t.a, t.b} == {0, 1} and t.x == 2 for t in trials)
    assert all((t.a if t.right == "a" else t.b) == 1 for t in trials)
    assert 70 < sum(t.right == "a" for t in trials) < 130


def test_of_two_sounds_x_is_one_of_them() -> None:
    """The answer that counts is the one that X is."""
    trials = [score(2).trial(n) for n in range(200)]
    assert all((t.a, t.b) == (0, 1) for t in trials)
    assert all((t.a if t.right == "a" else t.b) == t.x for t in trials)
    assert 70 < sum(t.right == "a" for t in trials) < 130


def test_the_seed_decides_the_order() -> None:
    """The same seed the same order, however often it is asked; another seed another one."""
    orders = [[score(3, seed).trial(n).right for n in range(32)] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_answers_are_counted_against_the_order() -> None:
    """All right, and all wrong."""
    right = "".join(score(3).trial(n).right for n in range(16))
    assert score(3, answers=right).right == 16
    assert score(3, answers=right.translate(str.maketrans("ab", "ba"))).right == 0
    assert score(3, answers=right[:15]).complete is False and score(3, answers=right).complete


def test_a_score_that_was_written_goes_on_where_it_was(tmp_path: Path) -> None:
    """Seed, number of trials and answers come back; the file says what they amount to."""
    path = tmp_path / "abx.json"
    sounds = read_sounds(three_files(tmp_path))
    begun = begin(sounds, path, 8, 42).answered("a").answered("b")
    begun.write(path)
    assert begin(sounds, path, None, None) == begun == begin(sounds, path, 8, 42)
    document = json.loads(path.read_text())
    assert (document["answers"], document["right"], document["trials"]) == ("ab", begun.right, 8)
    assert document["p_value"] == p_value(begun.right, 2)


def test_a_score_of_other_sounds_or_another_order_is_not_mixed_up(tmp_path: Path) -> None:
    """The sounds are known by what they sound like, not by name."""
    path = tmp_path / "abx.json"
    files = three_files(tmp_path)
    begin(read_sounds(files), path, 8, 42).write(path)
    for trials, seed, sentence in ((9, None, "begun with trials 8, not 9"), (None, 1, "seed 42, not 1")):
        with pytest.raises(CompareError, match=sentence):
            begin(read_sounds(files), path, trials, seed)
    write_wav(files[2], dry_sound(seed=5), RATE)
    with pytest.raises(CompareError, match=r"abx\.json: is the score of other sounds \(dry\.wav, wet\.wav"):
        begin(read_sounds(files), path, None, None)


SCORE = {"tonerig_abx": 1, "files": ["a", "b"], "sha256": ["a", "b"], "seed": 1, "trials": 4, "answers": "ab"}
FORGED = (
    {"tonerig_abx": 2},
    {"sha256": ["a"]},
    {"files": ["a", 2]},
    {"seed": -1},
    {"seed": True},
    {"trials": 1},
    {"trials": 1e9},
    {"answers": "ax"},
    {"answers": ["a"]},
)


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF", b"[]", b"[" * 100000, *(json.dumps({**SCORE, **change}).encode() for change in FORGED)],
)
def test_a_file_that_is_no_score_is_refused_and_kept(content: bytes, tmp_path: Path) -> None:
    """It may be somebody's music."""
    path = tmp_path / "abx.json"
    path.write_bytes(content)
    with pytest.raises(CompareError, match=r"abx\.json: is no score"):
        begin(read_sounds(three_files(tmp_path)), path, None, None)
    assert path.read_bytes() == content


def test_sounds_that_cannot_be_listened_to_are_refused(tmp_path: Path) -> None:
    """Silence, and another rate."""
    dry, wet, model = three_files(tmp_path)
    write_wav(model, np.zeros(9600, np.float32), RATE)
    with pytest.raises(CompareError, match=r"model\.wav: is silent"):
        read_sounds([dry, wet, model])
    write_wav(model, dry_sound(), 44100.0)
    with pytest.raises(CompareError, match=r"model\.wav: has 44100 Hz, expected the 48000 Hz of dry\.wav"):
        read_sounds([dry, wet, model])


def test_sounds_over_full_scale_are_turned_down_together() -> None:
    """Their levels stay in proportion; both channels of a mono sound are the same."""
    loud, soft = (Sound(Path(f"{gain}.wav"), gain * dry_sound()[None], RATE) for gain in (20.0, 1.0))
    first, second = audible([loud, soft], same_loudness=False)
    assert first.shape == (24000, 2) and np.abs(first).max() == pytest.approx(1.0)
    np.testing.assert_allclose(first, 20 * second, rtol=1e-5)
    np.testing.assert_array_equal(first[:, 0], first[:, 1])


def test_same_loudness_brings_all_to_the_softest() -> None:
    """As the standard's meter hears it."""
    sounds = [
        Sound(Path(f"{gain}.wav"), gain * dry_sound(seed=seed)[None], RATE)
        for seed, gain in ((0, 0.5), (1, 2.0))
    ]
    levels = []
    for sound in audible(sounds, same_loudness=True):
        meter = LoudnessMeter(RATE, 2)
        meter.add(sound.T)
        levels.append(meter.integrated())
    assert levels[0] == pytest.approx(levels[1], abs=0.01)
    short = Sound(Path("short.wav"), dry_sound(1000)[None], RATE)
    with pytest.raises(CompareError, match=r"short\.wav: is too short or too soft"):
        audible([short, *sounds], same_loudness=True)
