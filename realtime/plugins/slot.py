"""What runs inside a worker: one plugin that gives, for n samples in, exactly n samples out.

Only worker processes import this. A VST3 or one of pedalboard's effects is loaded as an order says, brought
to the shape of the stream, and its sound put where it belongs in time: ``latency`` samples late from the
first sample to the last, whatever pieces the plugin gives it in. Turned parameters glide.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pedalboard
from numpy.typing import NDArray

from . import native
from .errors import PluginError
from .scale import NoChoiceError, Scale

Sound: TypeAlias = NDArray[np.float32]
Event: TypeAlias = tuple[int, bytes]

GLIDE_S = 0.02
PIECE = 64
"""Most samples for which a gliding parameter stands still."""
PROBED = (16, 64, 441, 512, 1024, 4096)
"""Lengths of the pieces in which an effect's latency is measured, beside the longest that there are."""
PROBED_S = 2.0
QUIET = 1e-5
QUIET_WITHIN_S = 1.0
"""An instrument is brought to silence: level, and the time that it is given."""
CHANNELS_OF_MIDI = 16
NOTES_OF_MIDI = 128
SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 120, 123
"""Controllers, see the MIDI 1.0 specification."""


@dataclass
class Glide:
    """A parameter on its way, in positions (see `Vst3.position`)."""

    start: float
    goal: float
    done: int = 0


class Vst3:
    """A VST3 plugin, or two of a mono one side by side.

    A parameter's position is its raw value.

    Parameters
    ----------
    order : see `Slot`
    """

    def __init__(self, order: Mapping[str, Any]) -> None:
        self.name = str(order["name"] or Path(order["path"]).stem)
        self.instrument = bool(order["instrument"])
        self.notices: list[str] = []
        self._path, self._plugin_name = Path(order["path"]), order["name"]
        self._names = [(row["name"], int(row["index"])) for row in order["parameters"]]
        self.plugins = [native.load(self._path, self._plugin_name)]
        if order.get("vstpreset"):
            self._load_preset(Path(order["vstpreset"]))
        if order.get("raw_state"):
            self._load_state(order["raw_state"])
        self._read()
        places = {name: place for place, (name, _) in enumerate(self._names)}
        for name, value in order["values"].items():
            self.put(places[name], self.position(places[name], value))

    def _read(self) -> None:
        """Look at the parameters; pedalboard's belong to an instance that some plugins' reset throws away."""
        self._connect()
        try:
            self._scales = [Scale(self._natives[0][index], name) for name, index in self._names]
        except (IndexError, NoChoiceError):
            raise PluginError(
                f"{self.name} has other parameters than when it was scanned; run tonerig plugins scan"
            ) from None

    def _connect(self) -> None:
        self._natives = [plugin._parameters for plugin in self.plugins]
        self._rows = [[natives[index] for natives in self._natives] for _, index in self._names]

    def _load_preset(self, path: Path) -> None:
        if not path.is_file():
            raise PluginError(f"{path}: there is no such file; {self.name} was to take its state from it")
        try:
            self.plugins[0].load_preset(str(path))
        except RuntimeError:
            self.notices.append(f"{self.name} does not take {path.name}: it is another plugin's, or broken")

    def _load_state(self, text: str) -> None:
        try:
            state = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise PluginError(f"the raw_state of {self.name} is no base64; save its preset anew") from None
        self.plugins[0].raw_state = state

    def prepare(self, rate: float, max_block: int, channels: int) -> None:
        self._rate, self._max_block = rate, max_block
        shapes = [channels] if channels == 1 else [channels, 1]
        shapes += [2] if channels == 1 else []
        if self.instrument:
            shapes = [2, 1]
        for shape in shapes:
            if self._takes(self.plugins[0], shape):
                break
        else:
            raise PluginError(f"{self.name} takes neither one nor two channels; choose another plugin")
        self.width = shape
        wanted = 2 if channels == 2 and shape == 1 and not self.instrument else 1
        while len(self.plugins) < wanted:
            twin = native.load(self._path, self._plugin_name)
            twin.raw_state = self.plugins[0].raw_state
            for own, others in zip(twin._parameters, self._natives[0], strict=True):
                own.raw_value = others.raw_value
            self._takes(twin, shape)
            self.plugins.append(twin)
        del self.plugins[wanted:]
        self._connect()
        self.renew()
        self.latency = int(self.plugins[0].reported_latency_samples)

    def _takes(self, plugin: Any, channels: int) -> bool:
        """Whether it can be run with so many channels; silence goes through it."""
        try:
            if self.instrument:
                plugin.process([], 0.5 / self._rate, self._rate, channels, self._max_block, False)
            else:
                silence = np.zeros((channels, self._max_block), np.float32)
                plugin.process(silence, self._rate, self._max_block, False)
        except ValueError:
            return False
        return True

    def renew(self) -> None:
        """Forget all sound, as if loaded anew, and be ready for blocks of any length."""
        if not self.instrument:
            for plugin in self.plugins:
                try:
                    # An effect refuses notes, but only after it was reset and prepared for the longest block.
                    # Sound would prepare it for that block's length, and again for each longer one.
                    plugin.process([], 0.0, self._rate, self.width, self._max_block, True)
                except ValueError:
                    continue
            if self.plugins[0]._reload_type.name != "ClearsAudioOnReset":
                self._read()

    def call(self, place: int) -> Callable[..., Sound]:
        """What runs one of the plugins: ``(block, rate, max_block, False)`` -> sound."""
        return self.plugins[place].process

    def jumps(self, index: int) -> bool:
        return self._scales[index].stepped

    def position(self, index: int, value: float) -> float:
        return self._scales[index].raw(value)

    def value(self, index: int, position: float) -> float:
        return self._scales[index].value(position)

    def get(self, index: int) -> float:
        """The present position."""
        return float(self._rows[index][0].raw_value)

    def put(self, index: int, position: float) -> None:
        for parameter in self._rows[index]:
            parameter.raw_value = position

    @property
    def raw_state(self) -> bytes | None:
        return bytes(self.plugins[0].raw_state)


class Effect:
    """One of pedalboard's own effects.

    A parameter's position is its value, or its logarithm.

    Parameters
    ----------
    order : see `Slot`
    """

    instrument = False
    raw_state: bytes | None = None

    def __init__(self, order: Mapping[str, Any]) -> None:
        self.name = str(order["effect"])
        self.notices: list[str] = []
        kind = getattr(pedalboard, self.name, None)
        if not (isinstance(kind, type) and issubclass(kind, pedalboard.Plugin)):
            raise PluginError(f"pedalboard has no effect {self.name}; install a newer pedalboard")
        self._kind = kind
        self._names = [row["name"] for row in order["parameters"]]
        self._glides = [row.get("glide", "linear") for row in order["parameters"]]
        self._files = dict(order.get("files", {}))
        self._values = dict(order["values"])
        self.plugins = [self._make()]

    def _make(self) -> Any:
        """A new one with the present values."""
        try:
            plugin = self._kind(**self._files)
            for name, value in self._values.items():
                setattr(plugin, name, _native(getattr(plugin, name), value))
        except (ValueError, RuntimeError) as error:
            raise PluginError(f"pedalboard's {self.name}: {error}") from None
        return plugin

    def prepare(self, rate: float, max_block: int, channels: int) -> None:
        self._rate, self._max_block = rate, max_block
        self.width = channels
        try:
            self.latency = self._shortage()
        except (ValueError, RuntimeError) as error:
            raise PluginError(f"pedalboard's {self.name} does not run at {rate:g} Hz: {error}") from None
        self.renew()

    def _silence(self) -> Sound:
        return np.zeros((self.width, self._max_block), np.float32)

    def _shortage(self) -> int:
        """The most samples that it ever owes: it may give nothing for a second, and then in bursts."""
        frames = int(PROBED_S * self._rate)
        noise = np.random.default_rng(0).standard_normal((self.width, frames)).astype(np.float32) * 0.1
        lengths = [self._max_block, *(length for length in PROBED if length < self._max_block)]
        worst = 0
        for length in lengths:
            if length != self._max_block and not worst:
                frames = min(frames, 4 * self._max_block)
            self.plugins = [self._make()]
            plugin = self.plugins[0]
            plugin.process(self._silence(), self._rate, self._max_block, False)
            plugin.reset()
            owed, start, last = 0, 0, 0
            while start < last + frames:
                place = start % (noise.shape[1] - length)
                piece = np.ascontiguousarray(noise[:, place : place + length])
                owed += length - plugin.process(piece, self._rate, self._max_block, False).shape[1]
                start += length
                if owed > worst:
                    worst, last = owed, start
        return worst

    def renew(self) -> None:
        plugin = self.plugins[0] = self._make()
        if not self.latency:
            plugin.process(self._silence(), self._rate, self._max_block, False)
            plugin.reset()

    def call(self, place: int) -> Callable[..., Sound]:
        return self.plugins[place].process

    def jumps(self, index: int) -> bool:
        return self._glides[index] == "jump"

    def position(self, index: int, value: float) -> float:
        return math.log(value) if self._glides[index] == "logarithmic" else value

    def value(self, index: int, position: float) -> float:
        return math.exp(position) if self._glides[index] == "logarithmic" else position

    def get(self, index: int) -> float:
        return self.position(index, self._values[self._names[index]])

    def put(self, index: int, position: float) -> None:
        name, plugin = self._names[index], self.plugins[0]
        value = self._values[name] = self.value(index, position)
        setattr(plugin, name, _native(getattr(plugin, name), value))


def _native(present: Any, value: float) -> Any:
    """A value as an attribute of pedalboard's takes it: a number, a switch or an enumeration's member."""
    if isinstance(present, bool):
        return bool(value)
    if hasattr(present, "__members__"):
        return list(type(present).__members__.values())[round(value)]
    return value


class Slot:
    """A loaded plugin.

    Parameters
    ----------
    order : what to load::

            {"kind": "vst3", "path", "name", "instrument", "parameters": [{"name", "index"}, …],
             "values": {name: stated value}, "raw_state": base64 or null, "vstpreset": path or null}
            {"kind": "pedalboard", "effect", "parameters": [{"name", "glide"}, …],
             "values": {name: value, of all}, "files": {name: path}}

        ``glide`` is ``"linear"``, ``"logarithmic"`` or ``"jump"``.

    Attributes
    ----------
    notices : sentences for the person
    outputs : channels that come out, after `prepare`
    latency : samples of delay, after `prepare`
    shortfall : samples that came later than ``latency`` allows; zeros took their place

    Raises
    ------
    PluginError
    """

    outputs: int
    latency: int

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._loaded: Vst3 | Effect = Vst3(order) if order["kind"] == "vst3" else Effect(order)
        self.notices = self._loaded.notices
        self.shortfall = 0
        self._count = len(order["parameters"])
        self._glides: dict[int, Glide] = {}

    def prepare(self, rate: float, max_block: int, channels: int) -> None:
        """Make it ready for a stream, as fresh as when loaded; may be called again.

        Parameters
        ----------
        rate : in Hz
        max_block : most samples of a block
        channels : of the blocks, 1 or 2; nothing to an instrument

        Raises
        ------
        PluginError
            if the plugin does not take that.
        """
        self._finish_glides()
        loaded = self._loaded
        loaded.prepare(rate, max_block, channels)
        self._rate, self._max_block = rate, max_block
        self._glide_frames = max(1, round(GLIDE_S * rate))
        self._channels = channels
        self.latency = loaded.latency
        self.outputs = 2 if loaded.instrument else max(channels, loaded.width)
        self._begin()

    def _begin(self) -> None:
        """Start a stream with the loaded plugin as it is."""
        loaded = self._loaded
        self._calls = [loaded.call(place) for place in range(len(loaded.plugins))]
        self._call = self._calls[0]
        direct = not loaded.instrument and len(self._calls) == 1 and loaded.width == self._channels
        self._direct = direct
        if loaded.instrument:
            self._waiting = np.zeros((2, 0), np.float32)
            self._hush()
        else:
            self._waiting = np.zeros((self.outputs, self.latency), np.float32)
        self._primed = isinstance(loaded, Vst3) or not loaded.latency
        self._fresh = True
        self._settle()

    def _settle(self) -> None:
        """Nothing is left to do but to call the plugin?"""
        self._settled = self._direct and self._primed and not self._glides and not self._waiting.shape[1]

    def process(self, block: Sound, events: Sequence[Event] = ()) -> Sound:
        """Run a block through.

        Parameters
        ----------
        block : shape (channels, n), n up to ``max_block``
        events : notes for an instrument: sample of the block, MIDI message

        Returns
        -------
        ndarray, shape (outputs, n)
            In all: ``latency`` zeros first, then everything that the plugin gives.
        """
        frames = block.shape[1]
        if self._settled:
            sound = self._call(block, self._rate, self._max_block, False)
            if sound.shape[1] == frames:
                self._fresh = False
                return sound
            return self._align(sound, frames)
        self._fresh = False
        if not self._primed:
            self._prime(frames)
        sound = self._glide(block, events) if self._glides else self._run(block, events)
        if self._waiting.shape[1] or sound.shape[1] != frames:
            sound = self._align(sound, frames)
        self._settle()
        return sound

    def _prime(self, frames: int) -> None:
        """Make an effect that holds sound back ready for longer blocks than the first one.

        It would start anew when a longer one comes. What it gives for the silence is dropped.
        """
        self._primed = True
        self._owed = 0
        if frames < self._max_block:
            silence = np.zeros((self._channels, self._max_block), np.float32)
            self._owed = self._max_block - self._run(silence, ()).shape[1]

    def _run(self, block: Sound, events: Sequence[Event]) -> Sound:
        """All that the plugin gives for a block, shape (outputs, up to n)."""
        rate, longest = self._rate, self._max_block
        loaded = self._loaded
        if loaded.instrument:
            frames = block.shape[1]
            # times are cut off to samples, as float32
            notes = [(message, (frame + 0.5) / rate) for frame, message in events]
            sound = self._call(notes, (frames + 0.5) / rate, rate, loaded.width, longest, False)
            return sound if loaded.width == 2 else np.repeat(sound, 2, axis=0)
        if len(self._calls) == 2:
            left, right = (
                call(block[place : place + 1], rate, longest, False) for place, call in enumerate(self._calls)
            )
            return np.concatenate((left, right))
        if loaded.width > block.shape[0]:
            block = np.repeat(block, 2, axis=0)
        sound = self._call(block, rate, longest, False)
        if not isinstance(loaded, Vst3) and loaded.latency and self._owed:
            dropped = min(self._owed, sound.shape[1])
            self._owed -= dropped
            sound = sound[:, dropped:]
        return sound

    def _align(self, sound: Sound, frames: int) -> Sound:
        """Put a block's sound behind what waits, and take as many samples from the front."""
        queue = np.concatenate((self._waiting, sound), axis=1)
        self._waiting = queue[:, frames:]
        missing = frames - queue.shape[1]
        if missing > 0:
            self.shortfall += missing
            queue = np.concatenate((queue, np.zeros((queue.shape[0], missing), np.float32)), axis=1)
        self._settle()
        return queue[:, :frames]

    def _glide(self, block: Sound, events: Sequence[Event]) -> Sound:
        """A block in pieces, gliding parameters moved on before each."""
        parts, start, frames = [], 0, block.shape[1]
        while start < frames:
            end = min(frames, start + PIECE) if self._glides else frames
            for index, glide in list(self._glides.items()):
                glide.done += end - start
                share = glide.done / self._glide_frames
                if share >= 1.0:
                    del self._glides[index]
                    self._loaded.put(index, glide.goal)
                else:
                    self._loaded.put(index, glide.start + share * (glide.goal - glide.start))
            inside = [(frame - start, note) for frame, note in events if start <= frame < end]
            parts.append(self._run(np.ascontiguousarray(block[:, start:end]), inside))
            start = end
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def turn(self, index: int, value: float) -> None:
        """Set a parameter, from the next block on.

        Parameters
        ----------
        index : in the order's ``parameters``
        value : in its unit
        """
        loaded = self._loaded
        goal = loaded.position(index, value)
        self._glides.pop(index, None)
        present = loaded.get(index)
        if goal != present:
            if self._fresh or loaded.jumps(index):
                loaded.put(index, goal)
            else:
                self._glides[index] = Glide(present, goal)
        self._settle()

    def values(self) -> list[float]:
        """The parameters' values, in their units; of a gliding one where it goes."""
        loaded = self._loaded
        goals = {index: glide.goal for index, glide in self._glides.items()}
        return [loaded.value(k, goals.get(k, loaded.get(k))) for k in range(self._count)]

    @property
    def raw_state(self) -> bytes | None:
        """The plugin's whole state; pedalboard's effects have none beside their values."""
        return self._loaded.raw_state

    def reset(self) -> None:
        """Back to the state after `prepare`, present parameter values kept."""
        self._finish_glides()
        self._loaded.renew()
        self._begin()

    def _finish_glides(self) -> None:
        for index, glide in self._glides.items():
            self._loaded.put(index, glide.goal)
        self._glides.clear()

    def _hush(self) -> None:
        """Release all notes of an instrument and run it until it is silent; its own reset takes a second."""
        messages = [
            (0, bytes((0x80 | channel, note, 0)))
            for channel in range(CHANNELS_OF_MIDI)
            for note in range(NOTES_OF_MIDI)
        ] + [
            (0, bytes((0xB0 | channel, controller, 0)))
            for channel in range(CHANNELS_OF_MIDI)
            for controller in (SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF)
        ]
        silence = np.zeros((1, self._max_block), np.float32)
        for _ in range(math.ceil(QUIET_WITHIN_S * self._rate / self._max_block)):
            if np.abs(self._run(silence, messages)).max() < QUIET:
                break
            messages = []
