"""A stream between two devices whose callback is compiled code.

sounddevice loads PortAudio and knows its types; the stream itself is opened through its C functions,
since sounddevice would put a Python callback in between. The device asks for as many frames as it likes.
On a JACK server `JackStream` takes PortAudio's place.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Any, TypeAlias

from .control import Engine
from .devices import Device, DeviceError, portaudio
from .jack import JackStream

ALSA_PERIODS = 3


class PortAudioStream:
    """An open stream between two devices, served by an engine's compiled callback.

    Parameters
    ----------
    source, target : devices of one host API
    rate : in Hz
    block : frames the device should ask for at a time, where it lets one choose
    inputs, outputs : channels to open on each device; without any inputs ``source`` is not opened

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
        library = portaudio()
        self._lib, self._ffi = library._lib, library._ffi
        self._parameters = [self._describe(source, inputs), self._describe(target, outputs)]
        self._refuse(
            self._lib.Pa_IsFormatSupported(*self._parameters, float(rate)),
            f"does not run at {rate:g} Hz with {inputs} in and {outputs} out",
        )

    def start(self, engine: Engine) -> None:
        """Open the stream and begin; the engine must live until `close`."""
        if "ALSA" in self.target.host:
            _call_portaudio("PaAlsa_SetNumPeriods", ctypes.c_int(ALSA_PERIODS))
        stream = self._ffi.new("PaStream**")
        callback = self._ffi.cast("PaStreamCallback*", engine.callback)
        user = self._ffi.cast("void*", engine.address)
        error = self._lib.Pa_OpenStream(stream, *self._parameters, float(self.rate), 0, 0, callback, user)
        self._refuse(error, "could not be opened")
        self._stream = stream[0]
        if "ALSA" in self.target.host:
            address = int(self._ffi.cast("intptr_t", self._stream))
            _call_portaudio("PaAlsa_EnableRealtimeScheduling", ctypes.c_void_p(address), ctypes.c_int(1))
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

    def _describe(self, device: Device, channels: int) -> Any:
        if channels == 0:
            return self._ffi.NULL
        parameters = self._ffi.new("PaStreamParameters*")
        parameters.device, parameters.channelCount = device.index, channels
        parameters.sampleFormat = self._lib.paFloat32 | self._lib.paNonInterleaved
        periods = ALSA_PERIODS if "ALSA" in device.host else 1
        parameters.suggestedLatency = periods * self.block / self.rate
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


def _call_portaudio(name: str, *arguments: Any) -> None:
    """Call a function that only some builds of PortAudio have and sounddevice does not know."""
    library = ctypes.util.find_library("portaudio")
    function = getattr(ctypes.CDLL(library), name, None) if library else None
    if function is not None:
        function(*arguments)


Stream: TypeAlias = JackStream | PortAudioStream


def open_stream(
    source: Device, target: Device, rate: float, block: int, inputs: int, outputs: int, midi: bool = False
) -> Stream:
    """A stream between two devices, ready to start.

    Parameters
    ----------
    source, target : devices, both on JACK or both not
    rate : in Hz
    block : frames the device should ask for at a time, where it lets one choose
    inputs, outputs : channels to open on each device, from the first one on; without any inputs the
        engine's ``route`` must be silence, and ``source`` may be ``target``
    midi : give a stream on JACK a MIDI port, see `JackStream.connect_midi`; others have none

    Raises
    ------
    DeviceError
        when a device refuses the rate or the channels.
    """
    for device, count, have, direction in (
        (source, inputs, source.inputs, "input"),
        (target, outputs, target.outputs, "output"),
    ):
        if count > have:
            raise DeviceError(f"{device.name} has {have} {direction} channels, asked for {count}")
    if source.host != target.host:
        raise DeviceError(
            f"{source.name} ({source.host}) and {target.name} ({target.host}) do not run together; "
            "choose two devices of one of them"
        )
    if source.on_jack:
        return JackStream(source, target, rate, inputs, outputs, midi)
    return PortAudioStream(source, target, rate, block, inputs, outputs)
