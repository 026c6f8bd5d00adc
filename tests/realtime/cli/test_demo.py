"""``tonerig demo`` and ``tonerig compile``."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from scipy.io import wavfile
from tonerig.realtime.cli import demo as demo_module
from tonerig.realtime.plucked import riff

from .command import tonerig


@pytest.mark.skipif(not demo_module.RECORDINGS.exists(), reason="Debian's sonic-pi-samples are not installed")
def test_a_real_guitar(tmp_path: Path, user_library: Path) -> None:
    """Two sounds and a picture, where the text says; the amp's sound is as long and not the guitar's."""
    found = tonerig("demo", "-o", tmp_path / "demo")
    assert found.code == 0, found.err
    assert "a real one" in found.out and "× real time" in found.out
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == [
        "guitar-crunch.png",
        "guitar-crunch.wav",
        "guitar.wav",
    ]
    dry = wavfile.read(tmp_path / "demo" / "guitar.wav")[1]
    wet = wavfile.read(tmp_path / "demo" / "guitar-crunch.wav")[1]
    assert len(dry) <= len(wet) < len(dry) + 44100 * 5
    assert np.corrcoef(dry, wet[: len(dry)])[0, 1] < 0.99
    picture = matplotlib.image.imread(tmp_path / "demo" / "guitar-crunch.png")
    assert picture.shape[1] > 1000 and picture[..., :3].std() > 0.1


def test_without_recordings_it_makes_a_guitar_and_says_so(
    tmp_path: Path, user_library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plucked riff stands in, and the text says which package would bring the real one."""
    monkeypatch.setattr(demo_module, "RECORDINGS", tmp_path / "nowhere")
    found = tonerig("demo", "-o", tmp_path / "demo")
    assert found.code == 0, found.err
    assert "is missing (Debian package sonic-pi-samples), so this is a plucked string made here" in found.out
    np.testing.assert_array_equal(wavfile.read(tmp_path / "demo" / "guitar.wav")[1], riff())


def test_compile_leaves_nothing_to_do(user_library: Path) -> None:
    """After it, a second call compiles nothing; a broken preset of the user's is left out with a word."""
    (user_library / "chains").mkdir(parents=True)
    (user_library / "chains" / "broken.toml").write_text("tonerig = 1")
    found = tonerig("compile")
    assert found.code == 0 and "left out: broken.toml: name is missing" in found.err
    assert "; 0 were compiled now" in tonerig("compile").out
