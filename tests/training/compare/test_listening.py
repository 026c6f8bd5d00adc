"""The course of a blind test, with keys from a list and a player that notes what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tonerig.training.compare.abx import Score, begin, read_sounds
from tonerig.training.compare.listening import listen, result
from tonerig.training.compare.sounds import Array, CompareError

from .files import RATE, three_files


class Notes:
    """Plays nothing and notes what: the first sample of each sound, and a stop as None."""

    def __init__(self) -> None:
        self.played: list[float | None] = []

    def play(self, sound: Array, rate: float, /) -> None:
        assert rate == RATE
        self.played.append(float(sound[0, 0]))

    def stop(self) -> None:
        self.played.append(None)


def marked(count: int) -> list[Array]:
    """Sounds whose first sample is their number."""
    return [np.full((4, 2), number, np.float32) for number in range(count)]


def new(folder: Path, trials: int = 4, count: int = 3) -> Score:
    """A new test of small files."""
    return begin(read_sounds(three_files(folder)[:count]), folder / "abx.json", trials, 7)


def run(score: Score, path: Path, keys: Iterator[str] | str) -> tuple[Score, Notes, list[str]]:
    """The test after these keys, what was played and what was said."""
    notes, said = Notes(), list[str]()
    sounds = marked(len(score.files))
    return listen(score, path, sounds, RATE, notes, keys, said.append), notes, said


def test_the_keys_play_what_the_trial_holds(tmp_path: Path) -> None:
    """1, 2 and x, again and again, in trials of both orders; an answer silences what plays."""
    score, path = new(tmp_path, 8), tmp_path / "abx.json"
    after, notes, _ = run(score, path, "12x1a" * 8)
    expected: list[float | None] = []
    for trial in map(score.trial, range(8)):
        expected += [trial.a, trial.b, trial.x, trial.a, None]
    assert notes.played == [*expected, None]
    assert after.answers == ("a",) * 8 and after.complete
    assert len({score.trial(n).right for n in range(8)}) == 2


def test_nothing_that_is_said_tells_the_order(tmp_path: Path) -> None:
    """The words are the same whatever the seed, until the result."""
    sounds = read_sounds(three_files(tmp_path))
    said = [
        run(begin(sounds, tmp_path / f"{n}.json", 8, n), tmp_path / f"{n}.json", "1b" * 8)[2]
        for n in range(4)
    ]
    assert all(words == said[0] for words in said)
    assert not any(".wav" in line for line in said[0])


def test_a_listener_who_hears_it_is_told_so(tmp_path: Path) -> None:
    """Sixteen answers at the wet sound: 16 of 16."""
    score = new(tmp_path, 16)
    keys = "".join(score.trial(n).right for n in range(16))
    after, _, _ = run(score, tmp_path / "abx.json", keys.upper())
    sentence = "model.wav was nearer to wet.wav than to dry.wav in 16 of 16; p < 0.0001, more than chance"
    assert after.right == 16 and result(after).startswith(sentence)


def test_two_sounds_are_told_apart_or_not(tmp_path: Path) -> None:
    """X is one of them; half right is what chance gives."""
    score = new(tmp_path, 4, count=2)
    rights = [score.trial(n).right for n in range(4)]
    wrong = {"a": "b", "b": "a"}
    after, notes, said = run(
        score, tmp_path / "abx.json", "x" + "".join(rights[:2] + [wrong[r] for r in rights[2:]])
    )
    assert notes.played[0] == score.trial(0).x
    assert said[0] == "X is A or B, by chance. Which of them is it?"
    assert result(after) == "2 of 4 were right; p = 0.6875, as chance may have it"


@pytest.mark.parametrize("ending", ["q", ""])
def test_what_was_answered_before_leaving_is_kept(ending: str, tmp_path: Path) -> None:
    """By q, or because the keys end; the same files go on at the same trial, with the same order."""
    path = tmp_path / "abx.json"
    score = new(tmp_path)
    left, _, _ = run(score, path, "1ab" + ending)
    again = new(tmp_path)
    assert again == left and again.answers == ("a", "b")
    done, _, said = run(again, path, "ba")
    assert done.complete and said[2] == "trial 3 of 4"
    assert [done.trial(n) for n in range(4)] == [score.trial(n) for n in range(4)]


def test_an_interrupt_loses_no_answer(tmp_path: Path) -> None:
    """The score is on the disk before the next trial begins, and the sound stops."""

    def keys() -> Iterator[str]:
        yield from "ab1"
        raise KeyboardInterrupt

    notes = Notes()
    with pytest.raises(KeyboardInterrupt):
        listen(new(tmp_path), tmp_path / "abx.json", marked(3), RATE, notes, keys(), lambda _: None)
    assert new(tmp_path).answers == ("a", "b")
    assert notes.played[-1] is None


def test_other_keys_are_explained_and_change_nothing(tmp_path: Path) -> None:
    """White space is passed over: answers may come as lines."""
    after, _, said = run(new(tmp_path), tmp_path / "abx.json", "a\nz b\n")
    assert after.answers == ("a", "b")
    assert next(line for line in said if "is no key here" in line).startswith("  'z'")


def test_a_score_that_cannot_be_kept_is_said_before_listening(tmp_path: Path) -> None:
    """Nobody answers sixteen times for nothing."""
    score, notes = new(tmp_path), Notes()
    with pytest.raises(CompareError, match=r"abx\.json.*none does not exist; make it first"):
        listen(score, tmp_path / "none" / "abx.json", marked(3), RATE, notes, iter("1a"), lambda _: None)
    assert notes.played == []
