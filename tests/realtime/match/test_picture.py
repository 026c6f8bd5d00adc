"""The picture of a match shows what was found."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from tonerig.realtime.match.estimator import load_estimator
from tonerig.realtime.match.match import Matches, match
from tonerig.realtime.match.picture import draw_match
from tonerig.realtime.match.sound import sound_of
from tonerig.realtime.match.synths import SYNTHS

from .constant import write_constant
from .test_sound import tone


def found(synth: str, folder: Path, frequency_hz: float) -> Matches:
    """The match of a tone."""
    estimator = write_constant(folder / f"{synth}.onnx", SYNTHS[synth])
    sound = sound_of(tone(44100, frequency_hz=frequency_hz), 44100, "a $\\alpha$ \x07 tone.wav")
    return match(sound, [load_estimator(estimator)], top=1)


@pytest.mark.parametrize("synth", SYNTHS)
def test_both_sounds_are_seen(synth: str, tmp_path: Path) -> None:
    """The tone is the brightest line of both spectrograms, at the same height; names are no mathematics."""
    picture = matplotlib.image.imread(draw_match(found(synth, tmp_path, 600.0), tmp_path / "a.png"))
    height, width = picture.shape[:2]
    brightness = picture[: int(0.45 * height), :, :3].sum(axis=2)
    dark = picture[..., :3].sum(axis=2) < 0.1
    columns = np.flatnonzero(dark.mean(axis=0) > 0.1)
    left, right = columns[columns < width // 2], columns[columns > width // 2]
    assert len(left) > 0.2 * width and len(right) > 0.2 * width
    rows = np.flatnonzero(dark[:, left].mean(axis=1) > 0.3)
    inside = slice(rows[0] + 3, rows[-1] - 3)
    early = [brightness[inside, side[5] : side[40]].mean(axis=1) for side in (left, right)]
    assert abs(int(np.argmax(early[0])) - int(np.argmax(early[1]))) < 0.03 * height


def test_it_is_written_whole_or_not(tmp_path: Path) -> None:
    """Into a folder that is not there nothing is written."""
    match_found = found("four", tmp_path, 500.0)
    with pytest.raises(FileNotFoundError):
        draw_match(match_found, tmp_path / "none" / "a.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["four.onnx"]
