"""The MIDI ports that a person can play from: keyboards, and programs that send notes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

JACK = "JACK"
ALSA_SEQUENCER = Path("/dev/snd/seq")


class MidiPortError(RuntimeError):
    """A MIDI port that is not there, or that could be one of several."""


@dataclass(frozen=True)
class MidiPort:
    """A port that MIDI messages come from.

    Parameters
    ----------
    name : as its system and mido name it, ``client:port`` on JACK
    api : ``"JACK"``, or as RtMidi calls it: ``"ALSA"``, ``"CoreMIDI"``, ``"Windows MultiMedia"``
    """

    name: str
    api: str

    @property
    def on_jack(self) -> bool:
        """Whether it belongs to a JACK server."""
        return self.api == JACK

    @property
    def is_loop(self) -> bool:
        """Whether it only gives back what other programs send, as ALSA's Midi Through does."""
        return "midi through" in self.name.lower()

    @property
    def lasting_name(self) -> str:
        """The name without the number that ALSA and Windows give anew whenever it is plugged in."""
        pattern = {"ALSA": r" \d+:\d+$", "Windows MultiMedia": r" \d+$"}.get(self.api)
        return re.sub(pattern, "", self.name) if pattern else self.name


def midi_inputs() -> list[MidiPort]:
    """All ports that can be played from, JACK's first; a port's place in the list is its number.

    JACK's are asked of the system's library, which the sound goes through too: python-rtmidi has one of
    its own, which sees neither PipeWire nor every server.
    """
    import rtmidi

    found = [MidiPort(name, JACK) for name in _jack_names()]
    for api in rtmidi.get_compiled_api():
        if api not in (rtmidi.API_UNIX_JACK, rtmidi.API_RTMIDI_DUMMY):
            found += [MidiPort(name, rtmidi.get_api_display_name(api)) for name in _names(api)]
    return found


def choose_midi(wanted: str | int) -> MidiPort:
    """The port of a name, of a part of one, or of a number in `midi_inputs`.

    A part may fit one port of each system, since one keyboard is often listed by several: JACK's is taken.

    Raises
    ------
    MidiPortError
        if there is none, or several.
    """
    ports, text = midi_inputs(), str(wanted)
    if not text.strip():
        raise MidiPortError(f"the MIDI input has no name; {_listed(ports)}")
    exact = [port for port in ports if text in (port.name, port.lasting_name)]
    if exact:
        return exact[0]
    for number, port in enumerate(ports):
        if text == str(number):
            return port
    found = [port for port in ports if text.lower() in port.name.lower()]
    if not found:
        raise MidiPortError(f"there is no MIDI input {text[:100]!r}; {_listed(ports)}")
    if not _one_of_each_api(found):
        raise MidiPortError(f"{text[:100]!r} could be several MIDI inputs; {_listed(found)}")
    return found[0]


def only_midi() -> MidiPort:
    """The port to play from where there is no choice.

    Raises
    ------
    MidiPortError
        if there is none, or several.
    """
    ports = [port for port in midi_inputs() if not port.is_loop]
    if not ports:
        raise MidiPortError(f"{_listed(ports)}; connect a keyboard, or choose one with --midi-in")
    if not _one_of_each_api(ports):
        raise MidiPortError(f"choose a MIDI input with --midi-in; {_listed(ports)}")
    return ports[0]


@contextmanager
def without_words() -> Iterator[None]:
    """Keep from the terminal what C libraries print where no server runs.

    It turns the process's stderr away, as sounddevice does while PortAudio starts: only one thread may use
    it, and it must be the one that starts PortAudio.
    """
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _jack_names() -> list[str]:
    from ..engine.devices import DeviceError
    from ..engine.jack import midi_ports

    with without_words():
        try:
            return midi_ports() or midi_ports()  # JACK turns away one client in thousands, for being busy
        except DeviceError:  # JACK is not installed
            return []


def _names(api: int) -> list[str]:
    """What RtMidi finds on one system; nothing where that does not run."""
    import rtmidi

    if api == rtmidi.API_LINUX_ALSA and sys.platform == "linux" and not ALSA_SEQUENCER.exists():
        return []
    with without_words():
        try:
            looking = rtmidi.MidiIn(api, name="tonerig look")
        except rtmidi.RtMidiError:
            return []
        names: list[str] = looking.get_ports()
        looking.delete()
    return names


def _one_of_each_api(ports: Sequence[MidiPort]) -> bool:
    return len({port.api for port in ports}) == len(ports)


def _listed(ports: Sequence[MidiPort]) -> str:
    if not ports:
        return "there are no MIDI inputs"
    return "there are " + ", ".join(f"{port.name} ({port.api})" for port in ports)
