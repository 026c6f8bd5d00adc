"""A recording that cannot go on: a sentence, and the sound is not disturbed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.audio_files import AudioFileError, read_audio
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.devices import DeviceError, choose
from tonerig.realtime.engine.recorder import Recorder
from tonerig.realtime.wav_writer import WavWriter

from .drive import noise, program, serve


def _recorder(folder: Path) -> tuple[Engine, Recorder]:
    folder.mkdir()
    engine = Engine(program(), 1)
    return engine, Recorder(engine, folder / "take.wav", "wet")


def test_a_folder_that_goes_away_stops_the_recording_only(tmp_path: Path) -> None:
    """The recorder says so and the engine serves on."""
    engine, recorder = _recorder(tmp_path / "gone")
    serve(engine, noise(1, 4800))
    shutil.rmtree(tmp_path / "gone")
    recorder.drain()
    assert recorder.problem is not None
    assert "take.wav" in recorder.problem
    recorder.drain()
    recorder.close()
    assert np.isfinite(serve(engine, noise(1, 4800))).all()


def test_a_write_that_fails_keeps_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the middle leaves a complete file of what came before it."""
    engine, recorder = _recorder(tmp_path / "takes")
    serve(engine, noise(1, 4800))
    recorder.drain()

    def refuse(self: WavWriter, block: object) -> None:
        raise AudioFileError("quota exceeded")

    monkeypatch.setattr(WavWriter, "write", refuse)
    serve(engine, noise(1, 4800))
    recorder.drain()
    assert recorder.problem == "quota exceeded"
    samples, _ = read_audio(tmp_path / "takes" / "take.wav")
    assert samples.shape[1] == 4800


def test_a_device_without_a_name_is_refused(jack_server: str) -> None:
    """An empty name is no device rather than any device."""
    with pytest.raises(DeviceError, match="has no name"):
        choose("", "output")


def test_a_device_of_a_superscript_number_is_refused(jack_server: str) -> None:
    """Characters that only look like a number are a name, and no device has it."""
    with pytest.raises(DeviceError, match="there is no output device '²'"):
        choose("²", "output")
