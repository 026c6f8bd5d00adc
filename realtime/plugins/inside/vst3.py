"""A VST3 plugin in a worker: loaded with its state, brought to one or two channels, run block by block."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import PluginError
from . import native
from .scale import NoChoiceError, Scale

Sound: TypeAlias = NDArray[np.float32]
Event: TypeAlias = tuple[int, bytes]

QUIET = 1e-5
QUIET_WITHIN_S = 1.0
"""An instrument is brought to silence: level, and the time that it is given."""
MIDI_CHANNELS, MIDI_NOTES = 16, 128
NOTE_OFF, CONTROL = 0x80, 0xB0
SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 120, 123
"""See the MIDI 1.0 specification."""
MAX_PRESET = 2**24
"""Bytes of a ``.vstpreset``: pedalboard reads all of it."""
ITS_OWN = "it plays with its own defaults and the values that are stated"


class Vst3:
    """A VST3 plugin, or two of a mono one side by side.

    A parameter's position is its raw value.

    Parameters
    ----------
    order : see `slot.Slot`

    Attributes
    ----------
    outputs : channels that come out, after `prepare`
    latency : samples, after `prepare`
    direct : what may be called instead of `run` with ``(block, rate, max_block, False)``, or None
    """

    outputs: int
    latency: int

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._path, self._plugin_name = Path(order["path"]), order["name"]
        self.name = str(self._plugin_name or self._path.stem)
        self.instrument = bool(order["instrument"])
        self.notices: list[str] = []
        self._names = [(row["name"], int(row["index"])) for row in order["parameters"]]
        self._plugins = [native.load(self._path, self._plugin_name)]
        if order.get("vstpreset"):
            self._load_preset(Path(order["vstpreset"]))
        if order.get("raw_state"):
            self._load_state(order["raw_state"])
        self._connect()
        self._read()
        places = {name: place for place, (name, _) in enumerate(self._names)}
        for name, value in order["values"].items():
            self.put(places[name], self.position(places[name], value))

    def _connect(self) -> None:
        """Find the parameters of the instances that there are."""
        natives = [plugin._parameters for plugin in self._plugins]
        try:
            self._rows = [[parameters[index] for parameters in natives] for _, index in self._names]
        except IndexError:
            raise self._changed() from None

    def _read(self) -> None:
        """Learn what the parameters' positions mean, of the first instance."""
        try:
            named = zip(self._names, self._rows, strict=True)
            self._scales = [Scale(row[0], name) for (name, _), row in named]
        except NoChoiceError:
            raise self._changed() from None

    def _changed(self) -> PluginError:
        return PluginError(
            f"{self.name} has other parameters than when it was scanned; run 'tonerig plugins scan'"
        )

    def _load_preset(self, path: Path) -> None:
        if not path.is_file():
            raise PluginError(f"{path}: there is no such file, from which {self.name} was to take its state")
        if (size := path.stat().st_size) > MAX_PRESET:
            self.notices.append(
                f"{self.name} does not take {path.name}, which has {size / 2**20:.0f} MB, expected at most "
                f"{MAX_PRESET // 2**20} MB; {ITS_OWN}"
            )
            return
        try:
            self._plugins[0].load_preset(str(path))
        except RuntimeError:
            self.notices.append(
                f"{self.name} does not take {path.name}, which is broken or another plugin's; {ITS_OWN}"
            )

    def _load_state(self, text: str) -> None:
        try:
            state = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise PluginError(
                f"{self.name}: its raw_state is no base64 text; take it out, or save the preset anew"
            ) from None
        plugin = self._plugins[0]
        native.set_state(plugin, state)
        if bytes(plugin.raw_state) == state:
            return
        # It may be another version's, which differs too: a stranger's is one that moves nothing, or little.
        parameters = plugin._parameters
        rows = [parameters[index] for _, index in self._names if index < len(parameters)]
        for row in rows:
            row.raw_value = 0.0 if row.raw_value >= 0.5 else 1.0
        turned, held = [row.raw_value for row in rows], bytes(plugin.raw_state)
        native.set_state(plugin, state)
        taken = sum(row.raw_value != before for row, before in zip(rows, turned, strict=True))
        useless = not taken and bytes(plugin.raw_state) == held
        self._plugins[0] = native.load(self._path, self._plugin_name)
        if useless:
            self.notices.append(
                f"{self.name} makes nothing of its state, which may be another plugin's; {ITS_OWN}"
            )
            return
        native.set_state(self._plugins[0], state)
        if 0 < taken < len(rows) / 2:
            self.notices.append(
                f"{self.name} takes {taken} of its {len(rows)} parameters from its state, which may be "
                "another plugin's"
            )

    def prepare(self, rate: float, max_block: int, channels: int) -> None:
        """See `slot.Slot.prepare`."""
        self._rate, self._max_block = rate, max_block
        widths = (2, 1) if self.instrument or channels == 2 else (1, 2)
        width = next((width for width in widths if self._takes(self._plugins[0], width)), 0)
        if not width:
            raise PluginError(f"{self.name} takes neither one nor two channels; choose another plugin")
        self._width, self._channels = width, channels
        self.outputs = 2 if self.instrument else max(channels, width)
        count = 1 if self.instrument or width >= channels else 2
        del self._plugins[count:]
        while len(self._plugins) < count:
            self._plugins.append(self._twin())
        self.begin()
        self.latency = int(self._plugins[0].reported_latency_samples)

    def _takes(self, plugin: Any, channels: int) -> bool:
        """Whether it runs with so many channels; silence goes through it."""
        try:
            if self.instrument:
                plugin.process([], 1.5 / self._rate, self._rate, channels, self._max_block, False)
            else:
                silence = np.zeros((channels, self._max_block), np.float32)
                plugin.process(silence, self._rate, self._max_block, False)
        except ValueError:
            return False
        return True

    def _twin(self) -> Any:
        """Another instance of the plugin that is as the first one."""
        first = self._plugins[0]
        twin = native.load(self._path, self._plugin_name)
        native.set_state(twin, first.raw_state)
        for index, (theirs, ours) in enumerate(zip(twin._parameters, first._parameters, strict=True)):
            if any(index == place for _, place in self._names):
                theirs.raw_value = ours.raw_value
        self._takes(twin, self._width)
        return twin

    def begin(self) -> None:
        """Forget all sound and be ready for blocks of any length, parameters kept."""
        self.direct: Callable[..., Sound] | None = None
        if self.instrument:
            self._hush()
            return
        for plugin in self._plugins:
            try:
                # An effect refuses notes, but only after it was reset and prepared for the longest block.
                # Sound would prepare it for that block's length, and anew for each longer one.
                plugin.process([], 0.0, self._rate, self._width, self._max_block, True)
            except ValueError:
                continue
        self._connect()
        if self._plugins[0]._reload_type.name != "ClearsAudioOnReset":  # then it is another instance now
            self._read()
        if len(self._plugins) == 1 and self._width == self._channels:
            self.direct = self._plugins[0].process

    def _hush(self) -> None:
        """Release all notes and run until there is silence.

        An instrument's own reset loads it anew and plays it a note, which goes on where the plugin does not
        hear pedalboard's "all notes off".
        """
        channels, silence = range(MIDI_CHANNELS), np.zeros((1, self._max_block), np.float32)
        controllers = (SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF)
        events = [(0, bytes((CONTROL | channel, which, 0))) for channel in channels for which in controllers]
        events += [
            (0, bytes((NOTE_OFF | channel, note, 0))) for channel in channels for note in range(MIDI_NOTES)
        ]
        for _ in range(math.ceil(QUIET_WITHIN_S * self._rate / self._max_block)):
            if not np.abs(self.run(silence, events)).max() > QUIET:
                break
            events = []

    def run(self, block: Sound, events: Sequence[Event] = ()) -> Sound:
        """A block through the plugin, shape (channels, n) -> (outputs, n or less)."""
        rate, longest = self._rate, self._max_block
        if self.instrument:
            # pedalboard cuts times off to samples, as float32
            notes: list[Any] = [(message, (frame + 0.5) / rate) for frame, message in events]
            time = (block.shape[1] + 0.5) / rate
            sound = self._plugins[0].process(notes, time, rate, self._width, longest, False)
            return sound if self._width == 2 else np.repeat(sound, 2, axis=0)
        if len(self._plugins) == 2:
            left, right = self._plugins
            parts = (
                left.process(block[:1], rate, longest, False),
                right.process(block[1:], rate, longest, False),
            )
            return np.concatenate(parts)
        if self._width > len(block):
            block = np.repeat(block, 2, axis=0)
        return self._plugins[0].process(block, rate, longest, False)

    def jumps(self, index: int) -> bool:
        """Whether a parameter goes from one value to another at once."""
        return self._scales[index].stepped

    def position(self, index: int, value: float) -> float:
        """Where a parameter's value is."""
        return self._scales[index].raw(value)

    def value(self, index: int, position: float) -> float:
        """A parameter's value at a position."""
        return self._scales[index].value(position)

    def get(self, index: int) -> float:
        """A parameter's present position."""
        return float(self._rows[index][0].raw_value)

    def put(self, index: int, position: float) -> None:
        """Set a parameter's position."""
        for row in self._rows[index]:
            row.raw_value = position

    @property
    def raw_state(self) -> bytes | None:
        """Its whole state."""
        return bytes(self._plugins[0].raw_state)
