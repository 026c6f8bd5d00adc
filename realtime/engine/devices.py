"""Audio devices as PortAudio lists them; on JACK a device is a client with ports."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


class DeviceError(RuntimeError):
    """A device that is not there, or does not do what is asked."""


@dataclass(frozen=True)
class Device:
    """An audio device as PortAudio lists it."""

    index: int
    name: str
    host: str
    inputs: int
    outputs: int
    rate: float

    @property
    def on_jack(self) -> bool:
        """Whether it is a client of a JACK server."""
        return self.host.startswith("JACK")


def devices() -> list[Device]:
    """All audio devices of this machine.

    Raises
    ------
    DeviceError
        when PortAudio is not installed.
    """
    library = portaudio()
    hosts = library.query_hostapis()
    return [
        Device(
            d["index"],
            d["name"],
            hosts[d["hostapi"]]["name"],
            d["max_input_channels"],
            d["max_output_channels"],
            d["default_samplerate"],
        )
        for d in library.query_devices()
    ]


def release() -> None:
    """Let PortAudio go of everything until devices are asked for again. None of its streams may be open.

    While it holds a client of a JACK server, the server's death would end this process: PortAudio asserts
    that it can leave in peace.
    """
    library = _sounddevice()
    while library._initialized:
        library._terminate()


def refresh() -> None:
    """Look for devices anew: PortAudio only sees what was there when it started. No stream may be open.

    Raises
    ------
    DeviceError
    """
    release()
    portaudio()


def choose(wanted: str | int | None, direction: str) -> Device:
    """The device of a number, of a name or a part of one, or the default one (JACK's where it runs).

    Parameters
    ----------
    direction : ``"input"`` or ``"output"``

    Raises
    ------
    DeviceError
    """
    usable = [d for d in devices() if (d.inputs if direction == "input" else d.outputs) > 0]
    if not usable:
        raise DeviceError(f"there is no audio {direction} device; connect one or start a JACK server")
    if wanted is None:
        jack = [d for d in usable if d.on_jack]
        default = portaudio().default.device[0 if direction == "input" else 1]
        return jack[0] if jack else next((d for d in usable if d.index == default), usable[0])
    text = str(wanted)
    if not text.strip():
        raise DeviceError(f"the {direction} device has no name; 'tonerig devices' lists them")
    if text.isdecimal():
        found = [d for d in usable if str(d.index) == text]
    else:
        exact = [d for d in usable if d.name.lower() == text.lower()]
        found = exact or [d for d in usable if text.lower() in f"{d.name}, {d.host}".lower()]
    if not found:
        raise DeviceError(f"there is no {direction} device {text[:100]!r}; 'tonerig devices' lists them")
    return found[0]


def portaudio() -> Any:
    """sounddevice, which knows PortAudio's types, with PortAudio awake.

    Raises
    ------
    DeviceError
        when PortAudio is not installed, or does not start.
    """
    library = _sounddevice()
    if not library._initialized:
        try:
            library._initialize()
        except library.PortAudioError as error:
            raise DeviceError(f"PortAudio does not start: {error}") from None
    return library


def _sounddevice() -> Any:
    try:
        import sounddevice
    except OSError as error:
        how = "apt install libportaudio2" if sys.platform == "linux" else "install PortAudio"
        raise DeviceError(f"PortAudio is not installed ({error}); {how}") from None
    return sounddevice
