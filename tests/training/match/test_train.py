"""Training estimators: what is kept, what goes on, what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from tonerig.training import keeping
from tonerig.training.match import train
from tonerig.training.match.plan import OURS, PAPER_RECIPE, MatchTrainingError, Plan
from tonerig.training.match.train import (
    CHECKPOINT,
    CURVES,
    IDENTITY,
    WEIGHTS,
    Progress,
    curves_of,
    make_network,
    train_model,
)

pytestmark = pytest.mark.usefixtures("few_validation_sounds")


@pytest.fixture
def few_validation_sounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks that are quick."""
    monkeypatch.setattr(train, "VALIDATION_SOUNDS", 32)
    monkeypatch.setattr(train, "AT_ONCE", 32)


def plan(folder: Path, **changes: object) -> Plan:
    """Sixteen steps of the quickest network that hears spectrograms."""
    whole = Plan("conv2", folder, 128, 2, "four", PAPER_RECIPE, device="cpu", looks=4)
    return dataclasses.replace(whole, **changes)


def test_training_lowers_the_loss_on_sounds_held_back(tmp_path: Path) -> None:
    """Binary cross entropy falls from where it starts, and the curves say so."""
    train_model(plan(tmp_path))
    curves = curves_of(tmp_path)
    assert curves["at"] == [64, 128, 192, 256]
    assert curves["validation"][-1] < curves["validation"][0]
    assert curves["step"] == 16


def test_an_interrupted_training_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after six steps and called again: equal to the last bit to one that was not stopped."""
    monkeypatch.setattr(keeping, "INTERVAL_S", 0.0)
    whole = train_model(plan(tmp_path / "whole"))

    def stop(step: Progress) -> None:
        if step.sounds == 6 * 16:
            raise KeyboardInterrupt

    stopped = plan(tmp_path / "stopped")
    with pytest.raises(KeyboardInterrupt):
        train_model(stopped, progress=stop)
    assert not (stopped.folder / WEIGHTS).exists()
    heard: list[int] = []
    again = train_model(stopped, progress=lambda step: heard.append(step.sounds))
    assert heard[0] == 7 * 16
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, again.state_dict()[name]), name


def test_what_was_trained_is_not_trained_again(tmp_path: Path) -> None:
    """The second call takes the weights and reports no step."""
    first = train_model(plan(tmp_path))
    heard: list[Progress] = []
    second = train_model(plan(tmp_path), progress=heard.append)
    assert not heard
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_another_plan_does_not_go_on(tmp_path: Path) -> None:
    """The sentence names what differs; started afresh it is trained."""
    train_model(plan(tmp_path))
    other = plan(tmp_path, model="conv1", seed=3)
    with pytest.raises(MatchTrainingError, match=r"another plan \(different: model, seed\)"):
        train_model(other)
    train_model(other, resume=False)


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    """Half a file is no checkpoint."""
    train_model(plan(tmp_path))
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(MatchTrainingError, match=r"last.ckpt: this is no whole checkpoint"):
        train_model(plan(tmp_path))


def test_our_network_takes_a_step_at_low_precision(tmp_path: Path) -> None:
    """bfloat16, channels last, softmax loss: finite, and its weights move."""
    recipe = dataclasses.replace(plan(tmp_path).recipe, loss="levels", precision="bf16-mixed", falls=True)
    torch.manual_seed(0)
    before = make_network(OURS, plan(tmp_path).matched).state_dict()
    after = train_model(plan(tmp_path, model=OURS, sounds=32, epochs=1, recipe=recipe, looks=1)).state_dict()
    assert all(torch.isfinite(weights).all() for weights in after.values())
    assert not torch.equal(before["1.weight"], after["1.weight"])


def test_what_there_is_not_is_refused(tmp_path: Path) -> None:
    """An unknown model, the paper's for another synth, and too few sounds."""
    with pytest.raises(MatchTrainingError, match="there is no model 'conv7'; there are tonerig, fc-linear"):
        train_model(plan(tmp_path, model="conv7"))
    with pytest.raises(MatchTrainingError, match="conv6 is made for the synth 'four'"):
        train_model(plan(tmp_path, model="conv6", synth="two"))
    with pytest.raises(MatchTrainingError, match="give at least 16 sounds"):
        plan(tmp_path, sounds=15)


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """By name, with those that are."""
    with pytest.raises(MatchTrainingError, match=r"no device 'abacus' here; choose of auto, cpu"):
        train_model(plan(tmp_path, device="abacus"))


@pytest.mark.parametrize("name", [WEIGHTS, CURVES, IDENTITY])
def test_broken_files_are_named(name: str, tmp_path: Path) -> None:
    """Empty, another kind of thing, no text: the file is named, and how to train again."""
    train_model(plan(tmp_path, sounds=16, epochs=1))
    for content in (b"", b"[]", b"\xff\xfe{"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(MatchTrainingError, match=f"{name}: cannot be read; give --fresh to train again"):
            train_model(plan(tmp_path, sounds=16, epochs=1))
            curves_of(tmp_path)
