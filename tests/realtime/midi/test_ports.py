"""MIDI ports as they are listed and chosen, on a JACK server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import mido
import pytest
from tonerig.realtime.midi.ports import MidiPort, MidiPortError, choose_midi, midi_inputs, only_midi

from .keyboard import keyboard

pytestmark = pytest.mark.usefixtures("jack_server")
KEYS, PADS = MidiPort("keys:out", "JACK"), MidiPort("pads:out", "JACK")


@pytest.fixture
def two_ports() -> Iterator[None]:
    """Two keyboards, ``keys:out`` and ``pads:out``."""
    with keyboard("keys"), keyboard("pads"):
        yield


@pytest.mark.usefixtures("two_ports")
def test_ports_are_those_that_mido_names() -> None:
    """Every port that mido finds on the JACK server is listed by the same name, and no other."""
    with_mido = mido.Backend("mido.backends.rtmidi/UNIX_JACK").get_input_names()
    assert sorted(with_mido) == ["keys:out", "pads:out"]
    assert [port.name for port in midi_inputs() if port.on_jack] == with_mido


@pytest.mark.usefixtures("two_ports")
@pytest.mark.parametrize("wanted", ["pads:out", "pads", "PADS:", "1", 1])
def test_a_port_is_chosen_by_name_part_or_number(wanted: str | int) -> None:
    """A whole name, a part that only one has, and the number in the list give the same port."""
    assert midi_inputs()[1] == PADS
    assert choose_midi(wanted) == PADS


def test_a_whole_name_wins_over_one_that_contains_it() -> None:
    """``keys:out`` is chosen though ``keys:out`` is a part of ``my keys:out`` too."""
    with keyboard("my keys"), keyboard("keys"):
        assert choose_midi("keys:out") == KEYS


@pytest.mark.usefixtures("two_ports")
@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("organ", "there is no MIDI input 'organ'; there are keys:out (JACK), pads:out (JACK)"),
        ("7", "there is no MIDI input '7'; there are keys:out (JACK), pads:out (JACK)"),
        ("²", "there is no MIDI input '²'"),
        (":out", "':out' could be several MIDI inputs; there are keys:out (JACK), pads:out (JACK)"),
        (" ", "the MIDI input has no name; there are keys:out (JACK), pads:out (JACK)"),
    ],
)
def test_what_is_no_port_or_could_be_several_is_refused(wanted: str, sentence: str) -> None:
    """One sentence: what was asked for, and which there are."""
    with pytest.raises(MidiPortError, match="^" + re.escape(sentence)):
        choose_midi(wanted)


def test_without_a_choice_the_only_port_is_taken() -> None:
    """One port is taken; with none, and with two, the sentence says which there are."""
    with pytest.raises(MidiPortError, match="there are no MIDI inputs; connect a keyboard"):
        only_midi()
    with keyboard("keys"):
        assert only_midi() == KEYS
        with keyboard("pads"), pytest.raises(MidiPortError, match=r"keys:out \(JACK\), pads:out \(JACK\)"):
            only_midi()


def test_a_port_that_gives_back_what_programs_send_is_not_taken() -> None:
    """With a Midi Through beside a keyboard, the keyboard is the only one to play from."""
    with keyboard("Midi Through"):
        assert [port.is_loop for port in midi_inputs()] == [True]
        with keyboard("keys"):
            assert only_midi() == KEYS


@pytest.mark.parametrize(
    ("name", "api", "lasting"),
    [
        ("Keystation:Keystation MIDI 1 20:0", "ALSA", "Keystation:Keystation MIDI 1"),
        ("Keystation 3", "Windows MultiMedia", "Keystation"),
        ("Keystation 3", "CoreMIDI", "Keystation 3"),
        ("a2j:keys 20:0", "JACK", "a2j:keys 20:0"),
    ],
)
def test_the_number_that_changes_is_not_part_of_the_lasting_name(name: str, api: str, lasting: str) -> None:
    """What ALSA and Windows append to a name is left out; other systems append nothing."""
    assert MidiPort(name, api).lasting_name == lasting


def test_without_a_server_there_are_no_jack_ports_and_no_noise(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where no JACK server runs the list has none of its ports, and nothing is printed."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "tonerig-nowhere")
    assert not [port for port in midi_inputs() if port.on_jack]
    assert capfd.readouterr() == ("", "")
