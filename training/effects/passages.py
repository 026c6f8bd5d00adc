"""Dry sounds through a teacher, here or on a cluster; needs no torch, so that workers need none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...realtime.cluster import Cluster
from .teachers import Array, Settings, Teacher, wet_signal


@dataclass(frozen=True)
class Passage:
    """A dry sound, shape (frames,), and the teacher with the settings that it goes through.

    Attributes
    ----------
    rate : sample rate in Hz
    settings : by name; the others have their defaults
    """

    teacher: Teacher
    dry: Array
    rate: float
    settings: Settings


def wet_passages(passages: Sequence[Passage], cluster: Cluster | None = None) -> list[Array]:
    """The wet sound of each, from rest, shape (frames,); the same bits wherever it is made.

    Raises
    ------
    TeacherError, ParameterError
        For settings that the teacher does not take, and when its plugin breaks.
    ClusterError
        The same on a cluster, and if the cluster is lost.
    """
    return [_play(passage) for passage in passages] if cluster is None else cluster.map(_play, passages)


def _play(passage: Passage) -> Array:
    return wet_signal(passage.teacher, passage.dry, passage.rate, passage.settings)
