"""The course of a blind test: keys in, sounds and lines out; every answer is kept as soon as it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ...realtime.documents import printable
from .abx import Answer, Score, Trial
from .sounds import Array

KEYS = "1 hears A, 2 hears B, x hears X; a or b answers; q stops, and the same command goes on later"
SIGNIFICANT = 0.05
HEAR = {"1": "a", "2": "b", "x": "x", "3": "x"}


class Player(Protocol):
    """What sounds are heard through."""

    def play(self, sound: Array, rate: float, /) -> None:
        """Start a sound of shape (frames, 2), in place of one that still plays."""
        ...

    def stop(self) -> None:
        """Be silent."""
        ...


def listen(
    score: Score,
    path: Path,
    sounds: Sequence[Array],
    rate: float,
    player: Player,
    keys: Iterable[str],
    say: Callable[[str], None],
) -> Score:
    """Ask until all trials are answered, the keys end, or ``q`` comes.

    Nothing that is said or played tells which sound is which before the end.

    Parameters
    ----------
    score : where to go on
    path : written after each answer
    sounds : two or three, shape (frames, 2)
    rate : in Hz
    keys : one character each; unknown ones are passed over with a line

    Returns
    -------
    Score
        With what was answered.

    Raises
    ------
    CompareError
        If the score file cannot be written.
    """
    say(question(score))
    say(KEYS)
    score.write(path)  # so that a place that cannot be written is known before anyone listens
    typed = iter(keys)
    try:
        while not score.complete:
            answer = _ask(score, sounds, rate, player, typed, say)
            if answer is None:
                break
            score = score.answered(answer)
            score.write(path)
    finally:
        player.stop()
    return score


def question(score: Score) -> str:
    """What the listener is asked in each trial."""
    if len(score.files) == 3:
        return "A and B change places by chance. To which of them is X nearer?"
    return "X is A or B, by chance. Which of them is it?"


def result(score: Score) -> str:
    """What the answers say, in a sentence; reveals what was what."""
    count, right, p = len(score.answers), score.right, score.p_value
    if len(score.files) == 3:
        dry, wet, model = map(printable, score.files)
        told = f"{model} was nearer to {wet} than to {dry} in {right} of {count}"
    else:
        told = f"{right} of {count} were right"
    meaning = "as chance may have it" if p >= SIGNIFICANT else "more than chance would have it"
    likely = f"p = {p:.4f}" if p >= 0.0001 else "p < 0.0001"
    return f"{told}; {likely}, {meaning}"


def _ask(
    score: Score,
    sounds: Sequence[Array],
    rate: float,
    player: Player,
    typed: Iterator[str],
    say: Callable[[str], None],
) -> Answer | None:
    """One trial; None where it was left."""
    number = len(score.answers)
    trial = score.trial(number)
    say(f"trial {number + 1} of {score.trials}")
    for key in typed:
        pressed = key.lower()
        if pressed in HEAR:
            player.play(sounds[_heard(trial, HEAR[pressed])], rate)
            say(f"  {HEAR[pressed].upper()}")
        elif pressed == "a" or pressed == "b":
            player.stop()
            return "a" if pressed == "a" else "b"
        elif pressed == "q":
            return None
        elif not pressed.isspace():
            say(f"  {key!r} is no key here: {KEYS}")
    return None


def _heard(trial: Trial, name: str) -> int:
    return {"a": trial.a, "b": trial.b, "x": trial.x}[name]
