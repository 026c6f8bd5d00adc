"""Training for a few seconds: the loss falls, an interruption costs nothing, and a model comes out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tonerig.training.config import Recipe, TrainingConfig, TrainingError
from tonerig.training.train import Progress, train_effect

SHORT = Recipe(batch=4, segment=4096, warm_up=512, truncation=2048, learning_rate=5e-3)


def _config(folder: Path, network: str = "lstm-4", **fields: object) -> TrainingConfig:
    base = TrainingConfig(
        output=folder / "amp.onnx",
        teacher="amp",
        network=network,
        recipe=SHORT,
        seconds=4.0,
        steps=4,
        looks=1,
        device="cpu",
        run=folder / "run",
    )
    return replace(base, **fields)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(folder / "run" / "last.ckpt", weights_only=True)["state_dict"]
    return {name: tensor for name, tensor in state.items() if name.startswith("network.")}


@pytest.mark.parametrize("network", ["lstm-8", "wavenet-nano"])
def test_a_few_seconds_lower_the_loss(tmp_path: Path, network: str) -> None:
    """Forty batches bring the mean loss of the last five well under that of the first."""
    seen: list[Progress] = []
    train_effect(_config(tmp_path, network, steps=40), seen.append)
    assert [p.step for p in seen] == list(range(1, 41))
    assert seen[-1].fraction == 1.0
    assert sum(p.loss for p in seen[-5:]) / 5 < 0.7 * seen[0].loss
    assert seen[-1].validation_esr is not None and seen[-1].validation_esr < 0.9


def test_an_interrupted_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    """Stopped after the second of four batches and started again, training ends where it would have."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    train_effect(_config(tmp_path / "a"))

    def interrupt(progress: Progress) -> None:
        if progress.step == 2:
            raise RuntimeError("the power failed")

    with pytest.raises(RuntimeError, match="the power failed"):
        train_effect(_config(tmp_path / "b"), interrupt)
    assert not (tmp_path / "b" / "amp.onnx").exists()
    seen: list[Progress] = []
    train_effect(_config(tmp_path / "b"), seen.append)
    assert [p.step for p in seen] == [3, 4]
    whole, resumed = _weights(tmp_path / "a"), _weights(tmp_path / "b")
    for name in whole:
        torch.testing.assert_close(resumed[name], whole[name], atol=1e-6, rtol=1e-5)


def test_a_finished_run_is_not_trained_further(tmp_path: Path) -> None:
    """The second call with the same budget makes the model again without one more batch."""
    train_effect(_config(tmp_path))
    before = _weights(tmp_path)
    seen: list[Progress] = []
    train_effect(_config(tmp_path), seen.append)
    assert seen == []
    assert all(torch.equal(before[name], tensor) for name, tensor in _weights(tmp_path).items())


def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    """A different network, setting or seed names the difference; without resuming it starts afresh."""
    train_effect(_config(tmp_path))
    with pytest.raises(TrainingError, match=r"another run \(different: network, seed, settings\)"):
        train_effect(_config(tmp_path, "lstm-5", seed=2, settings={"drive": 1.0}))
    seen: list[Progress] = []
    train_effect(_config(tmp_path, "lstm-5", resume=False), seen.append)
    assert seen[0].step == 1


def test_a_broken_checkpoint_is_refused(tmp_path: Path) -> None:
    """A truncated checkpoint is one sentence with its name."""
    train_effect(_config(tmp_path))
    path = tmp_path / "run" / "last.ckpt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"last\.ckpt: "):
        train_effect(_config(tmp_path))


def test_the_result_stands_beside_the_model(tmp_path: Path) -> None:
    """The JSON file has overall figures and one entry for each held-out recording."""
    output = train_effect(_config(tmp_path))
    assert output.exists()
    result = json.loads(output.with_suffix(".json").read_text())
    assert result["overall"]["esr"] > 0
    assert result["recordings"]
