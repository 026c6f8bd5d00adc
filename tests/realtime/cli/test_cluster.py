"""``--cluster`` at the command line: the same files as without it, in processes that the verb starts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.wav_writer import write_wav

from .command import tonerig


@pytest.fixture
def folder(tmp_path: Path, user_library: Path) -> Path:
    """Three short sounds, one of them in stereo, and a file that is none."""
    source = tmp_path / "in"
    source.mkdir()
    for seed, name in enumerate(("a.wav", "b.wav", "c.wav")):
        noise = 0.1 * np.random.default_rng(seed).standard_normal((1 + seed // 2, 4800))
        write_wav(source / name, noise.astype(np.float32), 44100)
    (source / "d.wav").write_bytes(b"no sound")
    return source


def test_render(folder: Path, model: Path, tmp_path: Path) -> None:
    """A model, a cabinet within parallel chains and dither: every byte is that of a render without it."""
    write_wav(tmp_path / "room.wav", np.float32([1, 0.5, -0.25, 0.1]), 44100)
    links = (
        '[[chain]]\nprocessor = "neural"\nmodel = "amp.nam"\n[[chain]]\nprocessor = "parallel"\n'
        '[[chain.a]]\nprocessor = "cabinet"\nimpulse = "room.wav"\n[[chain.b]]\nprocessor = "gain"\n'
    )
    (tmp_path / "amp.nam").write_bytes(model.read_bytes())
    (tmp_path / "chain.toml").write_text(f'tonerig = 1\nname = "x"\n{links}')
    words = ("--preset", tmp_path / "chain.toml", "--format", "16", "--keep-loudness")
    one, two = tmp_path / "one", tmp_path / "two"
    alone = tonerig("render", folder, "-o", one, *words)
    together = tonerig("render", folder, "-o", two, *words, "--cluster", "local:2", "--json")
    assert alone.code == together.code == 1
    first = [line for line in alone.err.splitlines() if not line.startswith("compiling ")]
    assert together.err.splitlines() == first
    assert "d.wav: is no sound" in together.err
    assert {path.name for path in two.iterdir()} == {"a.wav", "b.wav", "c.wav"}
    for path in two.iterdir():
        assert path.read_bytes() == (one / path.name).read_bytes()
    told = json.loads(together.out)
    assert [row["output"] for row in told] == [str(two / f"{name}.wav") for name in "abc"]
    assert [row["input"] for row in told] == [str(folder / f"{name}.wav") for name in "abc"]


def test_train_wet(folder: Path, tmp_path: Path) -> None:
    """Dry, wet and manifest of both ways are the same bytes, and the file that failed is told alike."""
    one, two = tmp_path / "one", tmp_path / "two"
    words = ("train", "wet", folder, "--teacher", "delay", "--set", "mix=0.5")
    alone = tonerig(*words, "-o", one, "--jobs", 1)
    together = tonerig(*words, "-o", two, "--cluster", "local:2")
    assert alone.code == together.code == 1
    assert together.err == alone.err and "d.wav" in alone.err
    files = sorted(path.relative_to(two) for path in two.rglob("*") if path.is_file())
    assert len(files) == 7
    for file in files:
        assert (two / file).read_bytes() == (one / file).read_bytes()


def test_train_effect_asks_for_its_cluster(tmp_path: Path) -> None:
    """The sound of a teacher is wanted from the cluster: without one there is a sentence and no model."""
    model = tmp_path / "x.onnx"
    words = ("--teacher", "lowpass", "--network", "linear", "-o", model, "--run", tmp_path / "run")
    done = tonerig("train", "effect", *words, "--cluster", "local:0")
    assert done.code == 1
    assert "'local:0', expected local:N with N from 1 to 1024" in done.err
    assert not model.exists()


def test_what_is_no_cluster_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    """A wrong address is refused before anything is written."""
    done = tonerig("train", "wet", folder, "-o", tmp_path / "out", "--teacher", "amp", "--cluster", "nowhere")
    assert done.code == 1
    assert done.err.endswith(
        "tonerig: there is no cluster 'nowhere'; give local, local:4 or tcp://HOST:8786\n"
    )
    assert not (tmp_path / "out").exists()
