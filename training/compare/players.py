"""What a blind test is heard through: an audio device, or a program that plays WAV files."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from scipy.signal import resample_poly

from ...realtime.wav_writer import write_wav
from .sounds import Array, CompareError

PATIENCE_S = 2.0
ANOTHER_WAY = "or name a program that plays WAV files: --player 'aplay -q'"


class DevicePlayer:
    """Plays through an audio device, at the device's own rate where it does not take the sound's.

    Parameters
    ----------
    device : number or name, as ``tonerig devices`` lists them; None is the default

    Raises
    ------
    CompareError
        If there is none.
    """

    def __init__(self, device: str | None = None) -> None:
        from ...realtime.engine.devices import DeviceError, choose, portaudio

        try:
            self._device = choose(device, "output")
            self._library: Any = portaudio()
        except DeviceError as error:
            raise CompareError(f"{error}; {ANOTHER_WAY}") from None

    def play(self, sound: Array, rate: float, /) -> None:
        device = self._device
        channels = min(2, device.outputs)
        heard = sound if channels == 2 else np.asarray(sound.mean(axis=1, keepdims=True), np.float32)
        try:
            if not self._takes(rate, channels):
                ratio = Fraction(round(device.rate), round(rate))
                heard = np.asarray(resample_poly(heard, ratio.numerator, ratio.denominator), np.float32)
                rate = device.rate
            self._library.play(heard, rate, device=device.index)
        except self._library.PortAudioError as error:
            raise CompareError(
                f"{device.name} does not play: {error}; choose another with --output-device, {ANOTHER_WAY}"
            ) from None

    def _takes(self, rate: float, channels: int) -> bool:
        try:
            self._library.check_output_settings(self._device.index, channels, "float32", samplerate=rate)
        except self._library.PortAudioError:
            return False
        return True

    def stop(self) -> None:
        self._library.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class ProgramPlayer:
    """Plays by starting a program with the path of a WAV file as its last word.

    Parameters
    ----------
    command : the program and its options, as one would type them; no shell reads it

    Raises
    ------
    CompareError
        If there is no such program.
    """

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise CompareError(f"--player is {command!r}, which is no command: {error}") from None
        if not self._words or shutil.which(self._words[0]) is None:
            raise CompareError(
                f"--player is {command!r}, but there is no such program; install or correct it"
            )
        self._folder = tempfile.TemporaryDirectory(prefix="tonerig-abx-")
        self._playing: subprocess.Popen[bytes] | None = None

    def play(self, sound: Array, rate: float, /) -> None:
        self.stop()
        path = write_wav(Path(self._folder.name) / "sound.wav", sound.T, rate)  # a name that tells nothing
        nothing = subprocess.DEVNULL
        try:
            words = [*self._words, str(path)]
            self._playing = subprocess.Popen(words, stdin=nothing, stdout=nothing, stderr=nothing)
        except OSError as error:
            raise CompareError(f"{self._words[0]}: does not start: {error.strerror}") from None

    def stop(self) -> None:
        if self._playing is not None:
            self._playing.terminate()
            try:
                self._playing.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._playing.kill()
                self._playing.wait()
            self._playing = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._folder.cleanup()
