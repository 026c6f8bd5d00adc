"""Training for a few seconds: the loss falls, an interruption costs nothing, and a model comes out."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tonerig.export import NeuralModel, load_model, verify_file
from tonerig.training import keeping
from tonerig.training.effects.config import Recipe, TrainingConfig, TrainingError
from tonerig.training.effects.train import Progress, train_effect

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


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of four batches that ended."""
    folder = tmp_path_factory.mktemp("finished")
    train_effect(_config(folder))
    return folder


@pytest.mark.parametrize("network", ["lstm-8", "wavenet-nano"])
def test_a_few_seconds_lower_the_loss(tmp_path: Path, network: str) -> None:
    """Forty batches bring the mean loss of the last five well under that of the first."""
    seen: list[Progress] = []
    mild = {"drive": 1.0}
    train_effect(_config(tmp_path, network, steps=40, settings=mild), seen.append)
    assert [p.step for p in seen] == list(range(1, 41))
    assert seen[-1].fraction == 1.0
    assert sum(p.loss for p in seen[-5:]) / 5 < 0.7 * seen[0].loss
    assert seen[-1].validation_esr is not None and seen[-1].validation_esr < 0.9


def test_an_interrupted_run_ends_with_the_same_weights(finished: Path, tmp_path: Path) -> None:
    """Stopped after the second of four batches and started again, training ends where it would have."""

    def interrupt(progress: Progress) -> None:
        if progress.step == 2:
            raise RuntimeError("the power failed")

    with pytest.raises(RuntimeError, match="the power failed"):
        train_effect(_config(tmp_path), interrupt)
    assert not (tmp_path / "amp.onnx").exists()
    seen: list[Progress] = []
    train_effect(_config(tmp_path), seen.append)
    assert [p.step for p in seen] == [3, 4]
    whole, resumed = _weights(finished), _weights(tmp_path)
    for name in whole:
        torch.testing.assert_close(resumed[name], whole[name], atol=1e-6, rtol=1e-5)


def test_a_run_that_is_killed_has_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While batches pass the checkpoint on the disk is never older than the interval, and always whole."""
    monkeypatch.setattr(keeping, "INTERVAL_S", 0.0)
    steps = []

    def look(progress: Progress) -> None:
        path = tmp_path / "run" / "last.ckpt"
        if path.exists():
            steps.append(torch.load(path, weights_only=True)["place in the budget"]["step"])

    train_effect(_config(tmp_path), look)
    assert steps == [1, 2, 3, 4]
    assert [path.name for path in (tmp_path / "run").glob("last*")] == ["last.ckpt"]


def test_a_finished_run_is_not_trained_further(finished: Path, tmp_path: Path) -> None:
    """The second call with the same budget makes the model again without one more batch."""
    shutil.copytree(finished / "run", tmp_path / "run")
    seen: list[Progress] = []
    train_effect(_config(tmp_path), seen.append)
    assert seen == []
    before = _weights(finished)
    assert all(torch.equal(before[name], tensor) for name, tensor in _weights(tmp_path).items())
    assert (tmp_path / "amp.json").read_bytes() == (finished / "amp.json").read_bytes()


def test_the_checkpoint_of_another_run_is_refused(finished: Path, tmp_path: Path) -> None:
    """A different network, setting or seed names the difference."""
    shutil.copytree(finished / "run", tmp_path / "run")
    with pytest.raises(TrainingError, match=r"another run \(different: network, seed, settings\)"):
        train_effect(_config(tmp_path, "lstm-5", seed=2, settings={"drive": 1.0}))


def test_without_resuming_it_starts_afresh(finished: Path, tmp_path: Path) -> None:
    """The checkpoint of another run is no obstacle when it is not to be used."""
    shutil.copytree(finished / "run", tmp_path / "run")
    seen: list[Progress] = []
    train_effect(_config(tmp_path, "lstm-5", resume=False, steps=1), seen.append)
    assert [p.step for p in seen] == [1]


def test_a_broken_checkpoint_is_refused(finished: Path, tmp_path: Path) -> None:
    """A truncated checkpoint is one sentence with its name."""
    shutil.copytree(finished / "run", tmp_path / "run")
    path = tmp_path / "run" / "last.ckpt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"last\.ckpt: this is no whole checkpoint"):
        train_effect(_config(tmp_path))


def test_the_model_says_what_it_is(finished: Path) -> None:
    """The ONNX file plays, and states name, rate, loudness and the ESR that its result states."""
    assert verify_file(finished / "amp.onnx", blocks=(64,)).max_error <= 1e-5
    model = load_model(finished / "amp.onnx")
    assert isinstance(model, NeuralModel)
    assert model.sample_rate == 48000
    assert model.metadata.name == "amp lstm-4"
    assert model.metadata.loudness_db is not None and -80 < model.metadata.loudness_db < 0
    result = json.loads((finished / "amp.json").read_text())
    assert model.metadata.validation_esr == pytest.approx(result["overall"]["esr"])


def test_the_result_stands_beside_the_model(finished: Path) -> None:
    """The JSON file has overall figures and one entry for each held-out recording."""
    result = json.loads((finished / "amp.json").read_text())
    assert result["overall"]["esr"] > 0
    assert result["recordings"]


def test_another_suffix_is_refused_at_once(tmp_path: Path) -> None:
    """Only ONNX is written here."""
    with pytest.raises(TrainingError, match=r"amp\.nam: a trained model is written as \.onnx"):
        train_effect(replace(_config(tmp_path), output=tmp_path / "amp.nam"))


def test_a_folder_that_cannot_be_made_is_refused_at_once(tmp_path: Path) -> None:
    """An output below a file is refused before any training."""
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="file: cannot be made"):
        train_effect(replace(_config(tmp_path), output=tmp_path / "file" / "amp.onnx"))
