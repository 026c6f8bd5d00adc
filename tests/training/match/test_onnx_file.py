"""A trained network as an estimator's file, against torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tonerig.realtime.match.estimator import load_estimator
from tonerig.realtime.match.spectrogram import magnitudes
from tonerig.realtime.match.synths import SYNTHS
from tonerig.training.match.data import Sounds
from tonerig.training.match.onnx_file import to_onnx, write_estimator
from tonerig.training.match.ours import make_estimator
from tonerig.training.match.plan import MatchTrainingError
from tonerig.training.match.train import heard, logits_of
from torch import nn


@pytest.mark.parametrize("synth", SYNTHS.values(), ids=SYNTHS)
def test_the_file_tells_what_torch_tells(synth: object, tmp_path: Path) -> None:
    """Within 1e-4, with normalisations that have seen sound."""
    torch.manual_seed(0)
    network, sounds = make_estimator(synth), Sounds(synth, "train", 0, threads=1)
    x = torch.from_numpy(sounds.rendered(sounds.levels(np.arange(24))))
    network(heard(x, synth))  # moves the running means
    network.eval()[-1].weight.data *= 30  # as far from even as a trained one's
    path = tmp_path / "new.onnx"
    write_estimator(network, synth, {"sounds": 24}, path)
    estimator = load_estimator(path)
    assert estimator.synth is synth
    assert estimator.training == {"sounds": 24}
    x = heard(x, synth)
    told = estimator.logits(x.numpy())
    assert np.abs(told - logits_of(network, x).numpy()).max() < 1e-4
    assert np.abs(told).max() > 0.5


@pytest.mark.parametrize("synth", SYNTHS.values(), ids=SYNTHS)
def test_torch_hears_what_the_estimator_hears(synth: object) -> None:
    """The spectrogram on a tensor's device is the one that is made where torch is not installed."""
    sounds = Sounds(synth, "train", 1, threads=1)
    x = sounds.rendered(sounds.levels(np.arange(8)))
    expected = magnitudes(x, synth.window)
    found = heard(torch.from_numpy(x), synth).numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4 * expected.max()


def test_another_layer_is_refused() -> None:
    """A network that the format does not hold is refused by the layer's name."""
    with pytest.raises(MatchTrainingError, match="a layer LSTM has no place"):
        to_onnx(nn.Sequential(nn.LSTM(3, 3)), SYNTHS["four"], {})
