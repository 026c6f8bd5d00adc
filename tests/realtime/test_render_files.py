"""Several files through one preset."""

from __future__ import annotations

from pathlib import Path

import pytest
from tonerig.realtime.audio_files import AudioFileError
from tonerig.realtime.presets import Link
from tonerig.realtime.render import Rendered, RenderError, outputs
from tonerig.realtime.render_files import render_files
from tonerig.realtime.wav_writer import write_wav

from .test_render import chain
from .wav_bytes import tone


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_bad_file_does_not_stop_the_others(tmp_path: Path, jobs: int) -> None:
    """Of three files the broken one gets its sentence and no output; the others are done."""
    files = [tmp_path / f"{name}.wav" for name in "abc"]
    for file in files:
        write_wav(file, tone(), 48000)
    files[1].write_text("not a sound")
    (tmp_path / "out").mkdir()
    seen: dict[int, float] = {}
    targets = outputs(files, tmp_path / "out")
    results = render_files(files, targets, chain(Link("gain")), jobs=jobs, progress=seen.__setitem__)
    assert isinstance(results[0], Rendered) and isinstance(results[2], Rendered)
    assert isinstance(results[1], AudioFileError | RenderError)
    assert str(results[1]).startswith("b.wav: is no sound")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.wav", "c.wav"]
    if jobs == 1:
        assert seen == {0: 1.0, 2: 1.0}
