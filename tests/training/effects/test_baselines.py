"""The baselines: their layers, what they export, and that a little training lowers the loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tonerig.export.files import load_model
from tonerig.export.foreign import ForeignOnnx
from tonerig.export.model import NeuralModel
from tonerig.export.parity import verify_file
from tonerig.export.reference import evaluate
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.processors.neural import Neural
from tonerig.training.effects.baselines import (
    Baseline,
    WindowNetwork,
    baseline_network,
    train_baseline,
)
from tonerig.training.effects.config import TrainingError
from tonerig.training.effects.data import Pair
from tonerig.training.effects.recurrent import LstmNetwork
from tonerig.training.signals import dry_signal
from torch import nn

RATE = 16000.0


def pairs() -> list[Pair]:
    """Two seconds of generated sound and a clipped, delayed copy."""
    dry = dry_signal(2.0, RATE, 3)
    wet = np.tanh(3.0 * np.concatenate((np.zeros(5, np.float32), dry[:-5])))
    return [Pair("generated", dry, wet.astype(np.float32), RATE)]


def noise(frames: int) -> np.ndarray:
    """Some noise after a few frames of silence."""
    sound = 0.4 * np.random.default_rng(1).standard_normal(frames)
    sound[:20] = 0.0
    return sound.astype(np.float32)


def test_the_window_has_six_convolutions_a_pool_and_three_linear_layers() -> None:
    """The layers are those of the description, in its order, with a ReLU between two convolutions."""
    parts = [type(part) for part in WindowNetwork(64).modules()]
    kept = [part for part in parts if part in (nn.Conv1d, nn.ReLU, nn.MaxPool1d, nn.Linear)]
    convolutions = [nn.Conv1d, *5 * [nn.ReLU, nn.Conv1d]]
    assert kept == [*convolutions, nn.MaxPool1d, nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]


def test_a_window_gives_one_sample() -> None:
    """A batch of windows of 512 frames comes out as one sample each."""
    assert WindowNetwork()(torch.zeros(3, 512)).shape == (3,)


def test_the_lstm_of_seven_layers_has_its_weights() -> None:
    """Seven layers of 800 units: 4 · 800 · (inputs + 800 + 2) weights each, and a dense output."""
    with torch.device("meta"):
        network = baseline_network("lstm-7x800")
    assert isinstance(network, LstmNetwork) and not network.skip
    layers = 4 * 800 * (1 + 800 + 2) + 6 * 4 * 800 * (800 + 800 + 2)
    assert sum(weight.numel() for weight in network.parameters()) == layers + 801


@pytest.mark.parametrize("kind", ["window-64", "lstm-2x4"])
def test_a_model_computes_the_network(kind: str) -> None:
    """The exported layers give, sample by sample, what the network gives for each window or in order."""
    torch.manual_seed(2)
    network = baseline_network(kind)
    dry = noise(300)
    sound = torch.from_numpy(dry)
    with torch.no_grad():
        if isinstance(network, WindowNetwork):
            expected = network(torch.nn.functional.pad(sound, (63, 0)).unfold(0, 64, 1)).numpy()
        else:
            expected = network(sound[None])[0][0].numpy()
    baseline = Baseline(kind, network, RATE)
    assert np.max(np.abs(baseline(dry) - expected)) < 1e-6
    assert np.max(np.abs(evaluate(baseline.model(), dry) - expected)) < 1e-5


@pytest.mark.parametrize("kind", ["window-64", "lstm-2x4", "mulaw-4x1"])
def test_a_file_plays_in_the_engine(tmp_path: Path, kind: str) -> None:
    """What is written streams like the network, in ONNX Runtime and through the processor."""
    torch.manual_seed(3)
    network = baseline_network(kind)
    baseline = Baseline(kind, network, 48000.0)
    path = tmp_path / "baseline.onnx"
    baseline.write(path)
    model = load_model(path)
    if isinstance(model, NeuralModel):
        assert verify_file(path).max_error < 1e-4
    else:
        assert isinstance(model, ForeignOnnx)
    dry = noise(1000)
    runner = Runner(Program([Neural({"normalization": "raw"}, model=path)], 48000, 100, 1))
    played = np.concatenate([runner.process(part[None]).copy()[0] for part in np.split(dry, 10)])
    close = np.abs(played - baseline(dry)) < 1e-4
    assert close.mean() > 0.99  # a tie of two µ-law classes may fall otherwise


@pytest.mark.parametrize(("kind", "steps"), [("window-32", 60), ("lstm-1x8", 160), ("mulaw-2x1", 20)])
def test_a_little_training_lowers_the_loss(kind: str, steps: int) -> None:
    """The mean loss of the last steps is below that of the first."""
    told: list[float] = []
    baseline = train_baseline(kind, pairs(), steps=steps, progress=told.append)
    assert len(baseline.losses) == steps and told[-1] == 1.0
    quarter = steps // 4
    assert np.mean(baseline.losses[-quarter:]) < 0.98 * np.mean(baseline.losses[:quarter])


def test_the_same_seed_gives_the_same_model() -> None:
    """Two runs of as many steps end in the same weights."""
    first, second = (train_baseline("window-32", pairs(), steps=3) for _ in range(2))
    for one, other in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", ["window", "window-63", "lstm-8", "mulaw-0x2", "volterra-3"])
def test_an_unknown_kind_is_refused(kind: str) -> None:
    """The message names what was asked for and what there is."""
    with pytest.raises(TrainingError, match=r"no baseline .*window-512"):
        baseline_network(kind)


def test_a_budget_is_needed() -> None:
    """Neither minutes nor steps, or both, is no budget."""
    with pytest.raises(TrainingError, match="minutes or for steps"):
        train_baseline("window-32", pairs())


def test_classes_are_no_neural_model() -> None:
    """A µ-law WaveNet says that it can only be written as ONNX."""
    with pytest.raises(TrainingError, match="write it as ONNX"):
        Baseline("mulaw-4x1", baseline_network("mulaw-4x1"), RATE).model()
