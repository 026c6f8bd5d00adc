"""All that models hear, by one interface; what is kept in a file comes back as it was."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tonerig.realtime.match.spectrogram import magnitudes
from tonerig.realtime.match.synths import FOUR
from tonerig.training.match.models import HEARS, MODELS, Kind, make_model
from tonerig.training.match.representations import (
    KINDS,
    Representation,
    RepresentationError,
    fit_representation,
    load_representation,
)


@pytest.fixture(scope="module")
def sounds() -> NDArray[np.float32]:
    """A few sounds of the synthesizer."""
    return FOUR.render(FOUR.values(FOUR.drawn(9, "train", 0, 24)), threads=1)


@pytest.fixture(scope="module")
def fitted(sounds: NDArray[np.float32]) -> dict[Kind, Representation]:
    """Every kind, learnt in batches."""
    return {kind: fit_representation(kind, [sounds[:10], sounds[10:20]]) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(
    kind: Kind, fitted: dict[Kind, Representation], sounds: NDArray[np.float32], tmp_path: Path
) -> None:
    """A representation that was kept in a file hears exactly what it heard before; no other file is left."""
    path = tmp_path / "heard.npz"
    fitted[kind].save(path)
    again = load_representation(path)
    assert again.kind == kind
    np.testing.assert_array_equal(again(sounds), fitted[kind](sounds))
    assert list(tmp_path.iterdir()) == [path]


def test_kinds(fitted: dict[Kind, Representation], sounds: NDArray[np.float32]) -> None:
    """Spectrogram and sound are what they say; hand-crafted features are told as far as they were learnt."""
    np.testing.assert_array_equal(fitted["spectrogram"](sounds), magnitudes(sounds))
    np.testing.assert_array_equal(fitted["sound"](sounds), sounds)
    told = fitted["handcrafted"](sounds)
    assert told.shape == (24, 1000) and told.dtype == np.float32
    assert np.count_nonzero(told.any(axis=0)) == 19  # twenty sounds have as many directions from their mean
    assert np.isfinite(told).all()


@pytest.mark.parametrize("model", MODELS)
def test_models(model: str, fitted: dict[Kind, Representation], sounds: NDArray[np.float32]) -> None:
    """Every model takes what the representation of its kind gives."""
    with torch.no_grad():
        logits = make_model(model).eval()(torch.from_numpy(fitted[HEARS[model]](sounds[:2])))
    assert logits.shape == (2, 368) and torch.isfinite(logits).all()


def test_batches(fitted: dict[Kind, Representation], sounds: NDArray[np.float32]) -> None:
    """It does not matter how many sounds are heard at once."""
    for kind in KINDS:
        parts = np.concatenate([fitted[kind](part) for part in (sounds[:1], sounds[1:7], sounds[7:])])
        np.testing.assert_allclose(parts, fitted[kind](sounds), atol=1e-4)


def test_most_sounds(fitted: dict[Kind, Representation], sounds: NDArray[np.float32]) -> None:
    """An endless stream is learnt from as far as is said, in whatever batches it comes."""
    endless = itertools.chain([sounds[:3]], itertools.repeat(sounds[3:]))
    found = fit_representation("words", endless, most=20)
    np.testing.assert_array_equal(found(sounds), fitted["words"](sounds))


def test_silence(fitted: dict[Kind, Representation]) -> None:
    """Silence is heard as finite numbers by every kind."""
    for kind in KINDS:
        assert np.isfinite(fitted[kind](np.zeros((1, 16384), np.float32))).all()


def test_refused(fitted: dict[Kind, Representation]) -> None:
    """Too few sounds, another kind or another length of sound are refused in a sentence."""
    few = [np.zeros((3, 16384), np.float32)]
    with pytest.raises(RepresentationError, match=r"3 sounds.*at least 16"):
        fit_representation("words", few)
    with pytest.raises(RepresentationError, match=r"'colours'.*spectrogram, sound, words, handcrafted"):
        fit_representation(cast(Kind, "colours"), few)
    with pytest.raises(RepresentationError, match=r"\(2, 100\).*16384"):
        fitted["words"](np.zeros((2, 100), np.float32))


def test_unwritable(fitted: dict[Kind, Representation], tmp_path: Path) -> None:
    """A folder that is not there is named."""
    with pytest.raises(RepresentationError, match=r"nowhere.*No such file"):
        fitted["words"].save(tmp_path / "nowhere" / "heard.npz")


def test_other_files(fitted: dict[Kind, Representation], tmp_path: Path) -> None:
    """A missing file, text, half a file, a pickle, a lone array and another archive are refused by name."""
    path = tmp_path / "heard.npz"
    with pytest.raises(RepresentationError, match=r"heard\.npz: cannot be read"):
        load_representation(path)
    fitted["words"].save(path)
    whole = path.read_bytes()
    np.save(tmp_path / "lone.npy", np.zeros(3))
    for content in (b"", b"words", whole[: len(whole) // 2], (tmp_path / "lone.npy").read_bytes()):
        path.write_bytes(content)
        with pytest.raises(RepresentationError, match=r"heard\.npz: is no representation"):
            load_representation(path)
    path.write_bytes(pickle.dumps({"kind": "words"}))
    with pytest.raises(RepresentationError, match=r"heard\.npz: is no representation"):
        load_representation(path)
    np.savez(path, kind=np.array("other"))
    with pytest.raises(RepresentationError, match=r"holds a representation 'other'"):
        load_representation(path)


def test_pickled_kind(tmp_path: Path) -> None:
    """An archive with a pickled object in it is not opened."""
    path = tmp_path / "heard.npz"
    np.savez(path, kind=np.array([{"words": 1}], dtype=object))
    with pytest.raises(RepresentationError, match=r"heard\.npz: is no representation"):
        load_representation(path)


def test_wrong_arrays(fitted: dict[Kind, Representation], tmp_path: Path) -> None:
    """Arrays that are missing, of another shape or not finite are named with what was expected."""
    path = tmp_path / "heard.npz"
    fitted["words"].save(path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for wrong, told in (
        ({"mean": arrays["mean"][:-1]}, r"float32 of shape \(256,\) as mean.*\(257,\)"),
        ({"axes": arrays["axes"] * np.nan}, r"as axes, expected finite"),
        ({"centroids": arrays["centroids"].astype(np.float64)}, r"float64 of shape .* as centroids"),
    ):
        np.savez(path, **{**arrays, **wrong})
        with pytest.raises(RepresentationError, match=told):
            load_representation(path)
    del arrays["kept"]
    np.savez(path, **arrays)
    with pytest.raises(RepresentationError, match=r"holds nothing as kept"):
        load_representation(path)
