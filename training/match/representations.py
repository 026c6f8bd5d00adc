"""What the models hear of sounds, all kinds by one interface; what was learnt of it is kept in a file.

Files are NumPy archives of arrays without pickled objects: reading one runs no code of its maker.
"""

from __future__ import annotations

import zipfile
import zlib
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
FEWEST_SOUNDS = 16
"""Their 1024 windows are enough for 1000 words."""
AT_ONCE, PROJECTED_AT_ONCE = 16, 256

_SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "spectrogram": {},
    "sound": {},
    "words": {"mean": (BINS,), "axes": (BINS, COMPONENTS), "centroids": (VECTOR, COMPONENTS), "kept": ()},
    "handcrafted": {"mean": (SIZE,), "weight": (SIZE,), "axes": (SIZE, -1), "scale": (), "kept": ()},
}
"""Arrays of each kind's file; -1 is any length."""
_NO_ARCHIVE = (ValueError, TypeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What NumPy raises for a file that it did not write."""


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
        kept = {name: arrays[name] for name in _SHAPES[self.kind]}
        unfinished = path.with_name(f".{path.name}.unfinished")
        try:
            with unfinished.open("wb") as file:
                np.savez(file, allow_pickle=False, kind=np.array(self.kind), **kept)
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise RepresentationError(f"{path}: cannot be written ({error.strerror})") from None


def fit_representation(
    kind: Kind, sounds: Iterable[Floats], seed: int = 0, *, most: int = MOST_SOUNDS
) -> Representation:
    """Learn a representation from sounds; "spectrogram" and "sound" need none.

    Parameters
    ----------
    kind : see `models.HEARS`
    sounds : batches of shape (sounds, 16384)
    seed : of k-means
    most : the first so many are learnt from; 2000 take up to 3 GB

    Raises
    ------
    RepresentationError
        If there is no such kind, or there are too few sounds.
    """
    if kind not in KINDS:
        raise RepresentationError(f"there is no representation {kind!r}; there are {', '.join(KINDS)}")
    if kind in ("spectrogram", "sound"):
        return Representation(kind)
    heard = _gathered(sounds, most)
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
    except _NO_ARCHIVE as error:
        raise RepresentationError(f"{path}: is no representation's file ({error})") from None
    kind = str(arrays.pop("kind", ""))
    if kind not in _SHAPES:
        raise RepresentationError(f"{path}: holds a representation {kind!r}, expected {', '.join(KINDS)}")
    for name, shape in _SHAPES[kind].items():
        _check_array(path, name, arrays.get(name), shape, np.float16 if shape == (SIZE, -1) else np.float32)
    if kind == "words":
        words = Words(arrays["mean"], arrays["axes"], arrays["centroids"], float(arrays["kept"]))
        return Representation("words", words)
    if kind == "handcrafted":
        scale, kept = float(arrays["scale"]), float(arrays["kept"])
        projection = Projection(arrays["mean"], arrays["weight"], arrays["axes"], VECTOR, scale, kept)
        return Representation("handcrafted", projection)
    return Representation("spectrogram" if kind == "spectrogram" else "sound")


def _check_array(
    path: Path, name: str, array: NDArray[Any] | None, shape: tuple[int, ...], dtype: type[np.floating[Any]]
) -> None:
    """Refuse an array of another type or shape, or with numbers that are not finite."""
    if array is not None and array.ndim == len(shape) and array.dtype == (dtype if shape else np.float64):
        fits = all(wanted in (-1, found) for wanted, found in zip(shape, array.shape, strict=True))
        if fits and max(array.shape[1:], default=0) <= VECTOR and np.isfinite(array).all():
            return
    told = "nothing" if array is None else f"{array.dtype} of shape {array.shape}"
    raise RepresentationError(
        f"{path}: holds {told} as {name}, expected finite numbers of shape {shape}; fit it again"
    )


def _checked(sounds: Floats) -> Floats:
    if sounds.ndim != 2 or sounds.shape[1] != FRAMES:
        raise RepresentationError(f"sounds have shape {sounds.shape}, expected (sounds, {FRAMES})")
    return sounds


def _gathered(sounds: Iterable[Floats], most: int) -> Floats:
    """The first ones."""
    found: list[Floats] = []
    count = 0
    for batch in sounds:
        found.append(_checked(batch)[: most - count])
        count += len(found[-1])
        if count == most:
            break
    if count < FEWEST_SOUNDS:
        raise RepresentationError(
            f"there are {count} sounds to learn from, expected at least {FEWEST_SOUNDS}; give more"
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
