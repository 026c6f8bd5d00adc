"""What the models hear of sounds, all kinds by one interface; what was learnt of it is kept in a file.

Files are NumPy archives of arrays without pickled objects: reading one runs no code of its maker.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ...realtime.match.spectrogram import magnitudes
from .handcrafted import SIZE, handcrafted
from .models import BINS, FRAMES, VECTOR, Kind
from .projection import Projection, fit_projection
from .words import COMPONENTS, Words, fit_words

Floats = NDArray[np.float32]

KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_SOUNDS = 2000
"""As many as anything is learnt from; more are left out."""
FEWEST_SOUNDS = 16
"""Their 1024 windows are enough for 1000 words."""
AT_ONCE, PROJECTED_AT_ONCE = 16, 256

_SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "spectrogram": {},
    "sound": {},
    "words": {"mean": (BINS,), "axes": (BINS, COMPONENTS), "centroids": (VECTOR, COMPONENTS), "kept": ()},
    "handcrafted": {"mean": (SIZE,), "weight": (SIZE,), "axes": (SIZE, VECTOR), "scale": (), "kept": ()},
}
_HALVES = {("handcrafted", "axes")}


class RepresentationError(ValueError):
    """Sounds that nothing can be learnt from, or a file that holds no representation."""


@dataclass(frozen=True)
class Representation:
    """A way to hear sounds of 16384 frames.

    Attributes
    ----------
    kind : see `models.HEARS`
    learnt : of "words" and "handcrafted"; None of the others
    """

    kind: Kind
    learnt: Words | Projection | None = None

    def __call__(self, sounds: Floats) -> Floats:
        """What a model of this kind takes.

        Parameters
        ----------
        sounds : shape (sounds, 16384), at 16384 Hz

        Returns
        -------
        ndarray
            "spectrogram": (sounds, 64, 257); "sound": (sounds, 16384); others: (sounds, 1000).

        Raises
        ------
        RepresentationError
            If sounds have another length.
        """
        sounds = _checked(sounds)
        if isinstance(self.learnt, Words):
            return self.learnt(sounds)
        if isinstance(self.learnt, Projection):
            starts = range(0, len(sounds), PROJECTED_AT_ONCE)
            parts = [self.learnt(_features(sounds[k : k + PROJECTED_AT_ONCE])) for k in starts]
            return np.concatenate([np.empty((0, VECTOR), np.float32), *parts])
        return magnitudes(sounds) if self.kind == "spectrogram" else sounds

    def save(self, path: Path) -> None:
        """Write it to a file, whole or not at all.

        Raises
        ------
        RepresentationError
            If the file cannot be written.
        """
        arrays: dict[str, Any] = {} if self.learnt is None else vars(self.learnt)
        temporary = None
        try:
            descriptor, temporary = tempfile.mkstemp(prefix=".unfinished-", dir=path.parent)
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, allow_pickle=False, kind=np.array(self.kind), **arrays)
            Path(temporary).replace(path)
        except OSError as error:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)
            raise RepresentationError(f"{path}: cannot be written ({error.strerror})") from None


def fit_representation(kind: Kind, sounds: Iterable[Floats], seed: int = 0) -> Representation:
    """Learn a representation from sounds; "spectrogram" and "sound" need none.

    Parameters
    ----------
    kind : see `models.HEARS`
    sounds : batches of shape (sounds, 16384); the first `MOST_SOUNDS` are learnt from
    seed : of k-means

    Raises
    ------
    RepresentationError
        If there is no such kind, or there are too few sounds.
    """
    if kind not in KINDS:
        raise RepresentationError(f"there is no representation {kind!r}; there are {', '.join(KINDS)}")
    if kind in ("spectrogram", "sound"):
        return Representation(kind)
    heard = _gathered(sounds)
    if kind == "words":
        return Representation(kind, fit_words(heard, seed))
    return Representation(kind, fit_projection(lambda: _in_batches(heard), VECTOR))


def load_representation(path: Path) -> Representation:
    """Read what `Representation.save` wrote.

    Raises
    ------
    RepresentationError
        If the file cannot be read or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError as error:
        raise RepresentationError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise RepresentationError(f"{path}: is no representation's file ({error})") from None
    kind = str(arrays.pop("kind", ""))
    if kind not in _SHAPES:
        raise RepresentationError(f"{path}: holds a representation {kind!r}, expected {', '.join(KINDS)}")
    wanted = _SHAPES[kind]
    for name, shape in wanted.items():
        dtype = np.float16 if (kind, name) in _HALVES else np.float32 if shape else np.float64
        array = arrays.get(name)
        if array is None or array.shape != shape or array.dtype != dtype or not np.isfinite(array).all():
            told = "nothing" if array is None else f"{array.dtype} of shape {array.shape}"
            raise RepresentationError(
                f"{path}: holds {told} as {name}, expected finite {np.dtype(dtype)} of shape {shape}"
            )
    fields: dict[str, Any] = {n: arrays[n] if shape else float(arrays[n]) for n, shape in wanted.items()}
    if kind == "words":
        return Representation("words", Words(**fields))
    if kind == "handcrafted":
        return Representation("handcrafted", Projection(**fields))
    return Representation("spectrogram" if kind == "spectrogram" else "sound")


def _checked(sounds: Floats) -> Floats:
    if sounds.ndim != 2 or sounds.shape[1] != FRAMES:
        raise RepresentationError(f"sounds have shape {sounds.shape}, expected (sounds, {FRAMES})")
    return sounds


def _gathered(sounds: Iterable[Floats]) -> Floats:
    """The first ones, at most `MOST_SOUNDS`."""
    found: list[Floats] = []
    missing = MOST_SOUNDS
    for batch in sounds:
        found.append(_checked(batch)[:missing])
        missing -= len(found[-1])
        if not missing:
            break
    if MOST_SOUNDS - missing < FEWEST_SOUNDS:
        raise RepresentationError(
            f"there are {MOST_SOUNDS - missing} sounds to learn from, expected at least {FEWEST_SOUNDS}"
        )
    return np.concatenate(found)


def _in_batches(sounds: Floats) -> Iterator[Floats]:
    for first in range(0, len(sounds), AT_ONCE):
        yield handcrafted(sounds[first : first + AT_ONCE])


def _features(sounds: Floats) -> Floats:
    """Hand-crafted features, a few sounds at a time, since that is faster."""
    found = np.empty((len(sounds), SIZE), np.float32)
    for first, batch in zip(range(0, len(sounds), AT_ONCE), _in_batches(sounds), strict=True):
        found[first : first + len(batch)] = batch
    return found
