"""What a blind test is heard through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.audio_files import read_audio
from tonerig.training.compare.players import DevicePlayer, ProgramPlayer
from tonerig.training.compare.sounds import CompareError


def test_a_program_is_given_the_sound_under_a_name_that_tells_nothing(tmp_path: Path) -> None:
    """Its last word is a WAV with the samples; the file is gone afterwards."""
    program = tmp_path / "play"
    lines = ("#!/bin/sh", f'cp "$2" {tmp_path}/heard.wav', f'echo "$@" >{tmp_path}/words')
    program.write_text("\n".join(lines))
    program.chmod(0o755)
    sound = np.linspace(-1, 1, 2000, dtype=np.float32).reshape(1000, 2)
    with ProgramPlayer(f"{program} -q") as player:
        player.play(sound, 44100.0)
        assert player._playing is not None
        player._playing.wait(120)
    flag, path = (tmp_path / "words").read_text().split()
    assert flag == "-q" and Path(path).name == "sound.wav" and not Path(path).exists()
    samples, rate = read_audio(tmp_path / "heard.wav")
    assert rate == 44100.0
    np.testing.assert_array_equal(samples.T, sound)


def test_a_program_that_still_plays_is_ended(tmp_path: Path) -> None:
    """By the next sound, by an answer, and at the end."""
    with ProgramPlayer("tail -f") as player:
        player.play(np.zeros((10, 2), np.float32), 48000.0)
        first = player._playing
        player.play(np.zeros((10, 2), np.float32), 48000.0)
        second = player._playing
        assert first is not None and second is not None
        assert first.returncode is not None and second.poll() is None
    assert second.returncode is not None


@pytest.mark.parametrize("command", ["no-such-program-anywhere -q", "", "aplay 'open"])
def test_a_program_that_is_not_there_is_a_sentence(command: str) -> None:
    """Before anybody listens."""
    with pytest.raises(CompareError, match="--player is"):
        ProgramPlayer(command)


def test_a_device_plays_a_sound_of_another_rate_at_its_own(jack_server: str) -> None:
    """The server runs at 48 kHz; a sound of 44.1 kHz is brought to that and played to its end."""
    import sounddevice

    tone = np.repeat(0.1 * np.sin(np.arange(8820) * 0.05, dtype=np.float32)[:, None], 2, axis=1)
    with DevicePlayer("system") as player:
        player.play(tone, 44100.0)
        assert sounddevice.get_stream().samplerate == 48000.0
        sounddevice.wait()
        assert not sounddevice.get_stream().active
