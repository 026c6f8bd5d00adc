"""A PortAudio stream whose callback is compiled code.

sounddevice loads PortAudio and knows its types; the stream itself is opened through its C functions,
since sounddevice would put a Python callback in between. The device asks for as many frames as it likes:
a fixed number makes PortAudio buffer another block on JACK.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from dataclasses import dataclass
from typing import Any

from .control import Engine


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


def devices() -> list[Device]:
    """All audio devices of this machine.

    Raises
    ------
    DeviceError
        when PortAudio is not installed.
    """
    sounddevice = _sounddevice()
    hosts = sounddevice.query_hostapis()
    return [
        Device(
            d["index"],
            d["name"],
            hosts[d["hostapi"]]["name"],
            d["max_input_channels"],
            d["max_output_channels"],
            d["default_samplerate"],
        )
        for d in sounddevice.query_devices()
    ]


def refresh() -> None:
    """Look for devices anew: PortAudio only sees what was there when it started. No stream may be open.

    Raises
    ------
    DeviceError
    """
    sounddevice = _sounddevice()
    try:
        sounddevice._terminate()
        sounddevice._initialize()
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"PortAudio does not start: {error}") from None


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
        jack = [d for d in usable if d.host.startswith("JACK")]
        default = _sounddevice().default.device[0 if direction == "input" else 1]
        return jack[0] if jack else next((d for d in usable if d.index == default), usable[0])
    text = str(wanted)
    if text.isdigit():
        found = [d for d in usable if d.index == int(text)]
    else:
        exact = [d for d in usable if d.name.lower() == text.lower()]
        found = exact or [d for d in usable if text.lower() in f"{d.name}, {d.host}".lower()]
    if not found:
        raise DeviceError(f"there is no {direction} device {text!r}; 'tonerig devices' lists them")
    return found[0]


class Stream:
    """An open stream between two devices, served by an engine's compiled callback.

    Parameters
    ----------
    inputs, outputs : channels to open on each device
    block : frames the device should ask for at a time, where it lets one choose

    Raises
    ------
    DeviceError
        when a device refuses the rate or the channels.
    """

    def __init__(
        self, source: Device, target: Device, rate: float, block: int, inputs: int, outputs: int
    ) -> None:
        self.source, self.target, self.rate, self.block = source, target, rate, block
        self.inputs, self.outputs = inputs, outputs
        self._stream: Any = None
        sounddevice = _sounddevice()
        self._lib, self._ffi = sounddevice._lib, sounddevice._ffi
        self._check_channels()
        self._parameters = [self._describe(source, inputs), self._describe(target, outputs)]
        self._refuse(
            self._lib.Pa_IsFormatSupported(*self._parameters, float(rate)),
            f"does not run at {rate:g} Hz with {inputs} in and {outputs} out",
        )

    def start(self, engine: Engine) -> None:
        """Open the stream and begin; the engine must live until `close`."""
        stream = self._ffi.new("PaStream**")
        callback = self._ffi.cast("PaStreamCallback*", engine.callback)
        user = self._ffi.cast("void*", engine.address)
        error = self._lib.Pa_OpenStream(stream, *self._parameters, float(self.rate), 0, 0, callback, user)
        self._refuse(error, "could not be opened")
        self._stream = stream[0]
        if "ALSA" in self.target.host:
            _ask_alsa_for_priority(self._lib, int(self._ffi.cast("intptr_t", self._stream)))
        self._refuse(self._lib.Pa_StartStream(self._stream), "could not be started")

    @property
    def active(self) -> bool:
        """Whether the device still calls."""
        return self._stream is not None and self._lib.Pa_IsStreamActive(self._stream) == 1

    def close(self) -> None:
        """Stop and close; afterwards no callback comes."""
        if self._stream is not None:
            self._lib.Pa_AbortStream(self._stream)
            self._lib.Pa_CloseStream(self._stream)
            self._stream = None

    def _check_channels(self) -> None:
        for device, count, have, direction in (
            (self.source, self.inputs, self.source.inputs, "input"),
            (self.target, self.outputs, self.target.outputs, "output"),
        ):
            if count > have:
                raise DeviceError(f"{device.name} has {have} {direction} channels, asked for {count}")

    def _describe(self, device: Device, channels: int) -> Any:
        parameters = self._ffi.new("PaStreamParameters*")
        parameters.device, parameters.channelCount = device.index, channels
        parameters.sampleFormat = self._lib.paFloat32 | self._lib.paNonInterleaved
        parameters.suggestedLatency = self.block / self.rate
        parameters.hostApiSpecificStreamInfo = self._ffi.NULL
        return parameters

    def _refuse(self, error: int, problem: str) -> None:
        if error < 0:
            text = self._ffi.string(self._lib.Pa_GetErrorText(error)).decode()
            self.close()
            names = self.source.name
            if self.target.name != names:
                names = f"{names} and {self.target.name}"
            raise DeviceError(f"{names} {problem}: {text}")


def server_block(device: Device) -> int | None:
    """Frames a JACK server asks for at a time; None for devices that let one choose."""
    if not device.host.startswith("JACK"):
        return None
    library = ctypes.util.find_library("jack")
    if library is None:
        return None
    jack = ctypes.CDLL(library)
    jack.jack_client_open.restype = ctypes.c_void_p
    client = jack.jack_client_open(b"tonerig-query", 1, None)  # 1: start no server
    if not client:
        return None
    try:
        return int(jack.jack_get_buffer_size(ctypes.c_void_p(client)))
    finally:
        jack.jack_client_close(ctypes.c_void_p(client))


def _sounddevice() -> Any:
    try:
        import sounddevice
    except OSError as error:
        how = "apt install libportaudio2" if sys.platform == "linux" else "install PortAudio"
        raise DeviceError(f"PortAudio is not installed ({error}); {how}") from None
    return sounddevice


def _ask_alsa_for_priority(library: Any, stream: int) -> None:
    name = ctypes.util.find_library("portaudio")
    enable = getattr(ctypes.CDLL(name), "PaAlsa_EnableRealtimeScheduling", None) if name else None
    if enable is not None:
        enable(ctypes.c_void_p(stream), 1)
