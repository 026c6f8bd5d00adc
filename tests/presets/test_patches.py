"""The shipped patches and the drum kit's recordings, heard and measured."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import wavfile
from scipy.signal import stft
from tonerig.realtime.engine.program import Program, compile_chain
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.library import shipped_library
from tonerig.realtime.loudness import LoudnessMeter
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.patches import Patch, load_patch
from tonerig.realtime.phrases import melody, phrase_for
from tonerig.realtime.processors import processor_class
from tonerig.realtime.synths.layout import DRUM_BANK
from tonerig.realtime.synths.zones import key_number

RATE = 48000.0
BLOCK = 4096
FOLDER = shipped_library()
NAMES = sorted(path.stem for path in (FOLDER / "patches").glob("*.toml"))
LOUDNESS_LUFS, WITHIN_LU = -20.0, 2.0
HIGHEST_DB = -1.0
LONGEST_S = 40.0
APART_DB = 4.0
"""Two patches' notes differ by so much in their bands' levels, on the average."""
PITCHLESS = ("reverse-cymbal", "wind")
"""Noise, which has no pitch that could vibrate."""
ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "drum-kit"

Signal = NDArray[np.float32]
Message = tuple[int, int, int, int]
"""Frame and three bytes."""


@pytest.fixture(autouse=True)
def no_user_library(user_library: Path) -> None:
    """No file of a user's hides a shipped one."""


@cache
def patch(name: str) -> Patch:
    return load_patch(FOLDER / "patches" / f"{name}.toml")


def events_of(messages: Sequence[Message]) -> NDArray[np.void]:
    return np.array([(*message, 3) for message in sorted(messages)], EVENT)


def sound(name: str, events: NDArray[np.void], seconds: float) -> Signal:
    """What a patch puts out in the first seconds, shape (2, frames)."""
    chain = [patch(name).build()]
    compile_chain(chain)
    program = Program(chain, RATE, BLOCK, 1)
    runner, blocks = Runner(program), []
    for first in range(0, round(seconds * RATE), BLOCK):
        due = events[(events["frame"] >= first) & (events["frame"] < first + BLOCK)]
        due["frame"] -= first
        blocks.append(runner.process(np.zeros((1, BLOCK), np.float32), due).copy())
    assert program.muted() == []
    return np.concatenate(blocks, axis=1)


def centre(name: str) -> int:
    """The key at which a patch is at home."""
    return key_number(phrase_for(patch(name)).centre)


def one_note(name: str, seconds: float, velocity: int = 100, *before: Message) -> Signal:
    """A note of a patch and half a second after it."""
    key = centre(name)
    frames = round(seconds * RATE)
    notes = events_of([*before, (1, 0x90, key, velocity), (frames, 0x80, key, 0)])
    return sound(name, notes, seconds + 0.5)


def measures(signal: Signal) -> tuple[float, float]:
    """Loudness in LUFS and true peak in dB."""
    meter = LoudnessMeter(RATE, 2)
    meter.add(signal)
    return meter.integrated(), meter.true_peak_db()


def bands(signal: Signal) -> NDArray[np.float64]:
    """Levels in dB of 30 bands, equally wide in mels, in steps of 20 ms; the loudest is 0, the floor -60."""
    mono = signal.astype(np.float64).mean(axis=0)
    frequencies, _, spectrum = stft(mono, RATE, nperseg=2048, noverlap=2048 - 960)
    mels = 2595 * np.log10(1 + frequencies / 700)
    which = np.minimum(mels / (mels[-1] / 30), 29).astype(int)
    power = np.zeros((30, spectrum.shape[1]))
    np.add.at(power, which, np.abs(spectrum) ** 2)
    return np.maximum(10 * np.log10(power / power.max() + 1e-12), -60.0)


def centroid(signal: Signal) -> float:
    """Middle of a sound's spectrum, in Hz."""
    power = np.abs(np.fft.rfft(signal.astype(np.float64).mean(axis=0))) ** 2
    return float(power @ np.fft.rfftfreq(signal.shape[1], 1 / RATE) / power.sum())


def test_there_are_many_over_all_synths() -> None:
    """Twenty and more patches, of every synth; each says in a sentence what it is for."""
    assert len(NAMES) >= 20
    synths = [patch(name).synth for name in NAMES]
    assert synths.count("four") >= 8 and synths.count("two") >= 8 and "sampler" in synths
    for name in NAMES:
        found = patch(name)
        assert found.author == "tonerig" and found.name
        assert found.description.endswith(".") and 20 < len(found.description) < 120, name


def test_every_parameter_is_stated() -> None:
    """A patch's file says all that can be set, so that another default changes no shipped sound."""
    for name in NAMES:
        found = patch(name)
        stated = set(found.link.values)
        assert stated == {parameter.name for parameter in processor_class(found.synth).parameters}, name


def test_all_programs_are_covered_once() -> None:
    """Each of the 128 programs of bank 0 calls one patch; drums are in their own bank."""
    ranges = [found.program for name in NAMES if (found := patch(name)).bank == 0 and found.program]
    called = [number for first, last in ranges for number in range(first, last + 1)]
    assert sorted(called) == list(range(1, 129))
    assert [name for name in NAMES if patch(name).bank == DRUM_BANK] == ["drums"]
    assert all(patch(name).program is not None for name in NAMES)


def test_the_documents_table() -> None:
    """docs/patches.md lists each patch with its synth, its programs and its sentence, and no other."""
    text = (ROOT / "docs" / "patches.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    listed = {name.strip("`"): rest for name, *rest in rows}
    assert set(listed) == set(NAMES)
    for name, (synth, programs, description) in listed.items():
        found = patch(name)
        assert found.program is not None
        first, last = found.program
        range_ = str(first) if first == last else f"{first}–{last}"
        bank = f", bank {found.bank}" if found.bank else ""
        assert (synth, programs, description) == (found.synth, range_ + bank, found.description)


@pytest.mark.parametrize("name", NAMES)
def test_its_phrase_is_clean_and_ends(name: str) -> None:
    """Its phrase has neither NaN nor samples over full scale, and ends in exact silence."""
    song = phrase_for(patch(name)).song(RATE)
    heard = sound(name, song.events, song.seconds + LONGEST_S)
    assert np.isfinite(heard).all()
    assert 0.03 < np.abs(heard).max() < 1.0
    assert not heard[:, -2 * BLOCK :].any()


@pytest.mark.parametrize("name", NAMES)
def test_levels_are_alike(name: str) -> None:
    """Single notes on each are about equally loud, and five at full velocity stay below full scale."""
    song = melody(phrase_for(patch(name))).song(RATE)
    loudness, _ = measures(sound(name, song.events, song.seconds + 1.0))
    assert abs(loudness - LOUDNESS_LUFS) < WITHIN_LU
    keys = [35, 38, 42, 49, 50] if name == "drums" else [centre(name) + step for step in (0, 4, 7, 12, 16)]
    chord = [(1, 0x90, key, 127) for key in keys] + [(round(2 * RATE), 0x80, key, 0) for key in keys]
    _, peak_db = measures(sound(name, events_of(chord), 3.0))
    assert peak_db < HIGHEST_DB


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_to_the_hands(name: str) -> None:
    """Harder is louder, the modulation wheel moves the sound, and brightness makes it brighter."""
    seconds = 1.5 if name == "reverse-cymbal" else 0.5
    soft, hard = one_note(name, seconds, 30), one_note(name, seconds, 120)
    assert 10 * np.log10(np.mean(hard**2) / np.mean(soft**2)) > 0.7
    if name not in PITCHLESS:
        plain = one_note(name, seconds)
        moved = one_note(name, seconds, 100, (0, 0xB0, 1, 127))
        assert np.abs(moved - plain).max() > 0.05 * np.abs(plain).max()
    dark, bright = (one_note(name, seconds, 100, (0, 0xB0, 74, value)) for value in (0, 127))
    assert centroid(bright) > 1.03 * centroid(dark)


def test_each_differs_from_every_other() -> None:
    """No two patches sound alike: one note's bands over time are far apart in every pair."""
    heard = {}
    for name in NAMES:
        key = 38 if name == "drums" else 60
        notes = events_of([(0, 0x90, key, 100), (round(RATE), 0x80, key, 0)])
        heard[name] = bands(sound(name, notes, 1.5))
    near = {
        (a, b): distance
        for a, b in combinations(NAMES, 2)
        if (distance := float(np.sqrt(np.mean((heard[a] - heard[b]) ** 2)))) < APART_DB
    }
    assert near == {}


def test_the_kit_covers_general_midis_keys() -> None:
    """Keys 35 to 59 each play a drum, from at least twelve recordings that take less than 600 KB."""
    zones = patch("drums").link.samples
    for key in range(35, 60):
        assert any(low <= key <= high for low, high in (zone.keys for zone in zones)), key
    files = {zone.file for zone in zones}
    assert len(files) >= 12 and all(zone.one_shot for zone in zones)
    assert sum(file.stat().st_size for file in (FOLDER / "samples").iterdir()) < 600_000


def test_hats_choke_each_other() -> None:
    """A closed or pedalled hat ends the open one."""
    opened = [(0, 0x99, 46, 110)]
    late = slice(round(0.3 * RATE), round(0.5 * RATE))
    alone = sound("drums", events_of(opened), 0.6)[:, late]
    for key in (42, 44):
        both = sound("drums", events_of([*opened, (4800, 0x99, key, 1)]), 0.6)[:, late]
        assert np.sqrt(np.mean(both**2)) < 0.1 * np.sqrt(np.mean(alone**2))


def drum_kit() -> Any:
    """The script that makes the recordings, as a module."""
    loader = SourceFileLoader("drum_kit", str(SCRIPT))
    spec = spec_from_loader("drum_kit", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_recordings_are_remade() -> None:
    """The script's formulas give the shipped recordings again, but for the rounding of the last bit."""
    script = drum_kit()
    shipped = {path.stem.removeprefix("kit-"): path for path in (FOLDER / "samples").glob("kit-*.wav")}
    assert set(shipped) == set(script.DRUMS)
    for name, path in shipped.items():
        rate, samples = wavfile.read(path)
        again = script.finished(script.DRUMS[name]())
        assert rate == script.RATE and samples.dtype == np.int16 and samples.shape == again.shape
        assert np.abs(samples.astype(int) - again.astype(int)).max() <= 1, name


def test_drums_are_what_they_are_called() -> None:
    """Where their sound lies and how long it lasts: a kick is low, hats are high, an open one rings on."""
    middle, lasting = {}, {}
    for path in (FOLDER / "samples").glob("kit-*.wav"):
        rate, samples = wavfile.read(path)
        name, sound_ = path.stem.removeprefix("kit-"), samples / 32768
        power = np.abs(np.fft.rfft(sound_)) ** 2
        middle[name] = float(power @ np.fft.rfftfreq(len(sound_), 1 / rate) / power.sum())
        left = np.cumsum(sound_[::-1] ** 2)[::-1]
        lasting[name] = float(np.argmax(left < 0.01 * left[0]) / rate)
    assert middle["kick"] < middle["tom"] < 200 < middle["cowbell"] < middle["stick"] < 2500
    assert 1000 < middle["snare"] < 4000 and 1500 < middle["clap"] < 3500
    assert min(middle[name] for name in ("closed-hat", "open-hat", "pedal-hat", "tambourine", "crash")) > 5000
    assert lasting["stick"] < 0.06 and lasting["closed-hat"] < 0.08 < 0.3 < lasting["open-hat"]
    assert lasting["kick"] < 0.35 and lasting["snare"] < 0.25 and lasting["crash"] > 0.5
