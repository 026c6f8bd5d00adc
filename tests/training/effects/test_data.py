"""Training pairs, the held-out guitar, and batches that do not depend on interruptions."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from tonerig.training.effects import data
from tonerig.training.effects.config import TrainingConfig, TrainingError
from tonerig.training.effects.data import Pair, batches, held_out_guitar, held_out_pairs, make_lesson
from tonerig.training.effects.teachers import Teacher, find_teacher, wet_signal

CONFIG = TrainingConfig(Path("x.onnx"), teacher="amp", seconds=2.0)


def test_batches_are_segments_of_the_pair() -> None:
    """Dry and wet of each item are cut at the same place, and batch n is the same from any start."""
    ramp = np.arange(1000, dtype=np.float32)
    pair = Pair("ramp", ramp, -ramp, 48000.0)
    drawn = list(islice(batches([pair], 4, 100, 7, 0), 3))
    for dry, wet, turns, level in drawn:
        assert turns.shape == (4, 0)
        assert torch.allclose(level, torch.full((4, 1), float(np.sqrt(np.mean(ramp**2)))))
        assert dry.shape == wet.shape == (4, 100)
        torch.testing.assert_close(wet, -dry)
        torch.testing.assert_close(dry - dry[:, :1], torch.arange(100.0).expand(4, -1))
    later = next(batches([pair], 4, 100, 7, 2))
    assert torch.equal(later[0], drawn[2][0])
    assert not torch.equal(drawn[0][0], drawn[1][0])


def test_batches_come_from_all_pairs_with_their_knobs() -> None:
    """Items of a pair carry its turns, and pairs are drawn in proportion to their lengths."""
    pairs = [
        Pair("low", np.zeros(1099, np.float32), np.zeros(1099, np.float32), 48000.0, (0.25,)),
        Pair("high", np.ones(3099, np.float32), np.ones(3099, np.float32), 48000.0, (0.75,)),
        Pair("short", np.full(50, 9, np.float32), np.full(50, 9, np.float32), 48000.0, (1.0,)),
    ]
    dry, _, turns, _ = next(batches(pairs, 400, 100, 3, 0))
    assert torch.equal(turns[:, 0], 0.25 + 0.5 * dry[:, 0])
    assert float(dry[:, 0].mean()) == pytest.approx(0.75, abs=0.08)


def test_every_few_seconds_have_their_own_knobs() -> None:
    """One in eight is the default, every other turns drives alone; the wet sound is the teacher's there."""
    config = replace(CONFIG, seconds=10.0, knobs=("drive", "treble"))
    amp = find_teacher("amp")
    lesson = make_lesson(amp, config)
    assert [len(pair.dry) for pair in lesson.pairs] == [120000] * 4
    assert lesson.pairs[0].turns == lesson.held_back[0].turns == (0.6, 0.5)
    assert len({pair.turns for pair in (*lesson.pairs, *lesson.held_back)}) == 9
    assert [pair.name for pair in lesson.easy] == ["setting 0", "setting 2"]  # drive alone
    assert lesson.easy[1].turns[0] != 0.6 and lesson.easy[1].turns[1] == 0.5
    pair = lesson.pairs[1]
    settings = {"drive": 10 * pair.turns[0], "treble": 10 * pair.turns[1]}
    np.testing.assert_array_equal(pair.wet, wet_signal(amp, pair.dry, 48000.0, settings))


def test_too_little_sound_is_refused() -> None:
    """Segments longer than the sound are refused with both lengths."""
    pair = Pair("short", np.zeros(4800, np.float32), np.zeros(4800, np.float32), 48000.0)
    with pytest.raises(TrainingError, match=r"0.10 s of sound.*0.20 s"):
        next(batches([pair], 1, 9600, 0, 0))


def test_training_never_hears_the_held_out_sound() -> None:
    """No held-out recording, nor the phrase that stands in for it, occurs in the generated signal."""
    amp = find_teacher("amp")
    lesson = make_lesson(amp, CONFIG)
    heard = np.concatenate([pair.dry for pair in (*lesson.pairs, *lesson.held_back)]).astype(np.float64)
    for pair in held_out_pairs(amp, 48000.0, {}):
        excerpt = pair.dry[24000:28800].astype(np.float64)
        match = np.correlate(heard, excerpt, "valid") / (np.linalg.norm(excerpt) * np.linalg.norm(heard))
        assert np.abs(match).max() < 0.9, pair.name


def test_held_out_guitar_is_resampled_mono() -> None:
    """The recordings keep their length in seconds at any rate, and their names."""
    if not held_out_guitar(48000):
        pytest.skip(f"no guitar in {data.GUITAR_FOLDER} (Debian package sonic-pi-samples)")
    low, high = held_out_guitar(24000), held_out_guitar(48000)
    assert list(low) == list(data.GUITAR_FILES)
    for name, recording in high.items():
        assert recording.ndim == 1
        assert len(recording) == pytest.approx(2 * len(low[name]), abs=2)
        assert 0.3 < np.abs(recording).max() < 1.0


def test_a_dead_teacher_is_refused() -> None:
    """Silence and NaN from a teacher stop the run before it starts."""
    for wet, word in ((0.0, "silence"), (np.nan, "NaN")):
        dead = Teacher("dead", "", (), lambda dry, rate, _, wet=wet: np.full_like(dry, wet))
        with pytest.raises(TrainingError, match=f"dead gave {word}"):
            make_lesson(dead, CONFIG)
