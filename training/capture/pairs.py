"""Pairs of recordings to learn from: a dry sound, and what gear made of it, brought into step."""

from __future__ import annotations

from pathlib import Path

from .alignment import Array
from .checks import check_pair
from .recording import CaptureError


def load_pair(dry: Path, wet: Path) -> tuple[Array, Array, float]:
    """Read, check, align and trim a pair of recordings.

    Frame ``n`` of one belongs to frame ``n`` of the other; the gear's own delay, its fraction of a sample
    included, is left to be learnt, so that nothing is resampled.

    Parameters
    ----------
    dry : the sound that was played
    wet : the sound that came back, of the same rate; it may begin before the dry one and end after it

    Returns
    -------
    tuple
        Dry and wet, float32 of one shape (frames,), and their rate in Hz.

    Raises
    ------
    CaptureError
        If a file cannot be read, or for every fault that `checks.check_pair` finds, naming the file.
    """
    check = check_pair(dry, wet)
    faults = [finding for finding in check.findings if finding.verdict == "fault"]
    if faults or check.pair is None:
        raise CaptureError("; ".join(f"{finding.file}: {finding.sentence}" for finding in faults))
    return (*check.pair, check.rate)
