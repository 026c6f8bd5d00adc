"""Pairs of dry and wet sound made on two processes, one of which is killed: the bits of one made alone."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.cluster import Cluster, ClusterError, open_cluster
from tonerig.realtime.wav_writer import write_wav
from tonerig.training.effects.batch import render_folder
from tonerig.training.effects.config import TrainingConfig
from tonerig.training.effects.data import make_lesson
from tonerig.training.effects.passages import Passage, wet_passages
from tonerig.training.effects.teachers import find_teacher
from tonerig.training.signals import dry_signal

RATE = 48000.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two worker processes."""
    with open_cluster("local:2") as started:
        yield started


def test_a_folder_is_whole_when_a_worker_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    """After the first file one of the two is killed, and another one takes its place."""
    source, one, two = (tmp_path / name for name in ("in", "one", "two"))
    source.mkdir()
    for number in range(6):
        write_wav(source / f"{number}.wav", dry_signal(1.0, RATE, number), RATE)
    before = {child.pid for child in multiprocessing.active_children()}
    killed: list[int | None] = []

    def kill_one(fraction: float) -> None:
        if not killed:
            child = multiprocessing.active_children()[0]
            killed.append(child.pid)
            child.kill()

    expected = render_folder("distortion", {"drive": 8}, source, one)
    assert (
        render_folder("distortion", {"drive": 8}, source, two, cluster=cluster, progress=kill_one) == expected
    )
    assert len(killed) == 1 and killed[0] in before
    files = sorted(path.relative_to(two) for path in two.rglob("*.*"))
    assert len(files) == 13
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)


def test_a_lesson_with_knobs_is_the_same(cluster: Cluster) -> None:
    """Every pair's name, sound and turns, the ones held back too."""
    config = TrainingConfig(Path("x.onnx"), "distortion", knobs=("drive", "tone"), seconds=6.0)
    teacher = find_teacher(config.teacher)
    alone, together = make_lesson(teacher, config), make_lesson(teacher, config, cluster)
    for first, second in ((alone.pairs, together.pairs), (alone.held_back, together.held_back)):
        assert [(pair.name, pair.turns) for pair in first] == [(pair.name, pair.turns) for pair in second]
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(one.wet, other.wet)
            np.testing.assert_array_equal(one.dry, other.dry)


def test_what_a_teacher_refuses_is_its_sentence(cluster: Cluster) -> None:
    """The sentence is the one that is said without a cluster."""
    passage = Passage(find_teacher("lowpass"), dry_signal(0.1, RATE, 1), RATE, {"mix": 1})
    with pytest.raises(ValueError, match="no parameter") as alone:
        wet_passages([passage])
    with pytest.raises(ClusterError) as together:
        wet_passages([replace(passage, settings={}), passage], cluster)
    assert str(together.value) == str(alone.value)
