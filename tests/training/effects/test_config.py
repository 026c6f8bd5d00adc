"""Configurations: networks by name, and TOML files that are read or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tonerig.training.effects.config import (
    RECIPES,
    Recipe,
    TrainingConfig,
    TrainingError,
    make_network,
    read_config,
)
from tonerig.training.effects.recurrent import GruNetwork, LstmNetwork
from tonerig.training.effects.wavenet import WaveNetNetwork


def test_networks_by_name() -> None:
    """Names give the kind, the width and the depth."""
    names = ("wavenet-nano", "lstm-16", "lstm-2x8", "gru-3x4", "wavenet-8x10", "tcn-16x3")
    wavenet, lstm, deep, gru, plain, tcn = (make_network(name).core for name in names)
    assert isinstance(wavenet, WaveNetNetwork)
    assert [array.channels for array in wavenet.config.arrays] == [4, 2]
    assert isinstance(lstm, LstmNetwork) and (lstm.layers, lstm.hidden) == (1, 16)
    assert isinstance(deep, LstmNetwork) and (deep.layers, deep.hidden) == (2, 8)
    assert isinstance(gru, GruNetwork) and (gru.layers, gru.hidden) == (3, 4)
    assert isinstance(plain, WaveNetNetwork) and plain.receptive_field == 1 + 2 * (2**10 - 1)
    assert isinstance(tcn, WaveNetNetwork) and tcn.receptive_field == 1 + 12 * 111


@pytest.mark.parametrize(
    "name",
    ["rnn-8", "lstm-", "lstm-x", "lstm-0", "lstm-99999", "wavenet-huge", "wavenet-8x99", "tcn-8x5", ""],
)
def test_unknown_networks_are_refused(name: str) -> None:
    """Anything else names what there is."""
    with pytest.raises(TrainingError, match=r"there is no network .*wavenet-feather.*lstm-HIDDEN"):
        make_network(name)


def test_a_run_for_an_unknown_network_is_refused() -> None:
    """Before any signal is made."""
    with pytest.raises(TrainingError, match="there is no network 'nope'"):
        TrainingConfig(Path("x.onnx"), teacher="amp", network="nope")


def test_a_file_is_read(tmp_path: Path) -> None:
    """Fields, settings and a partly given recipe arrive; the rest of the recipe is the network's own."""
    path = tmp_path / "amp.toml"
    path.write_text(
        'output = "amp.onnx"\nteacher = "amp"\nnetwork = "lstm-8"\nminutes = 3\nsteps = 7\nresume = false\n'
        "[settings]\ndrive = 2\n[recipe]\nbatch = 4\n"
    )
    config = read_config(path)
    assert config == TrainingConfig(
        output=Path("amp.onnx"),
        teacher="amp",
        network="lstm-8",
        minutes=3,
        steps=7,
        resume=False,
        settings={"drive": 2},
        recipe=Recipe(batch=4, segment=16384, warm_up=2048, truncation=2048, learning_rate=5e-3),
    )


def test_the_recipe_follows_the_network() -> None:
    """Without a recipe of its own a run takes that of its kind of network."""
    config = TrainingConfig(Path("x.onnx"), teacher="amp", network="lstm-8")
    assert config.training_recipe is RECIPES["lstm"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("output = ", "not a readable TOML file"),
        ("minutes = 3", "output is missing"),
        ('output = "a"\nminuets = 3', "there is no key 'minuets'"),
        ('output = "a"\nminutes = "long"', "minutes is 'long', expected float"),
        ('output = "a"\nresume = 1', "resume is 1, expected bool"),
        ('output = "a"\nseed = true', "seed is True, expected int"),
        ('output = "a"\nrecipe = 3', "recipe must be a table"),
        ('output = "a"\nsettings = 3', "settings must be a table"),
        ('output = "a"\n[recipe]\nbetch = 3', "there is no key 'betch'"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """The sentence starts with the file's name and says what is wrong."""
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(TrainingError, match=f"^bad.toml: .*{message}"):
        read_config(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A path without a file gives the same kind of error."""
    with pytest.raises(TrainingError, match=r"^none\.toml: not a readable TOML file"):
        read_config(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch": 0}, "must be 1 or more"),
        ({"segment": 5000, "truncation": 2048}, "segment is 5000 and truncation 2048"),
        ({"segment": 2048, "truncation": 1024}, "truncation is 1024, expected 2048 or more"),
    ],
)
def test_impossible_recipes_are_refused(wrong: dict[str, int], message: str) -> None:
    """Lengths that do not fit each other, or the spectral loss, are refused with both numbers."""
    with pytest.raises(TrainingError, match=message):
        Recipe(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"minutes": 0.0}, {"seconds": -1.0}, {"steps": 0}, {"rate": 100.0}, {"minutes": float("nan")}]
)
def test_impossible_budgets_are_refused(wrong: dict[str, float]) -> None:
    """A run of no time, no sound or no steps is refused with the field's name."""
    with pytest.raises(TrainingError, match=next(iter(wrong))):
        TrainingConfig(Path("x.onnx"), teacher="amp", **wrong)
