"""The plugins made for the tests do what they say, seen by pedalboard alone."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from .play import BLOCK, RATE, begin, play

FRAMES = 4 * BLOCK


def noise(channels: int, frames: int = FRAMES) -> NDArray[np.float32]:
    """White noise, shape (channels, frames)."""
    return np.random.default_rng(1).normal(0, 0.3, (channels, frames)).astype(np.float32)


@pytest.mark.parametrize(("name", "channels"), [("Trouble", 2), ("TroubleMono", 1)])
def test_trouble_sounds_like_its_formula(
    test_plugins: Path, tmp_path: Path, name: str, channels: int
) -> None:
    """Gain, first difference, tanh and delay, in both shapes."""
    x = noise(channels)
    turns = {"Gain": "-4.000000", "Bright": "on", "Voicing": "warm", "Late By": "100"}
    played = play(test_plugins / f"{name}.vst3", tmp_path, sound=x, turns=[turns])
    loud = 10 ** (-4 / 20) * x.astype(float)
    before = np.pad(loud, ((0, 0), (1, 0)))[:, :-1]
    expected = np.pad(np.tanh(loud - before / 2), ((0, 0), (100, 0)))[:, :FRAMES]
    np.testing.assert_allclose(played.output, expected, atol=1e-6)


def test_hard_voicing_clips(test_plugins: Path, tmp_path: Path) -> None:
    """The third word of an enumeration arrives."""
    x = noise(2)
    played = play(test_plugins / "Trouble.vst3", tmp_path, sound=x, turns=[{"Voicing": "hard"}])
    np.testing.assert_array_equal(played.output, np.clip(x, -0.25, 0.25))


def test_parameters_have_texts_and_units(test_plugins: Path, tmp_path: Path) -> None:
    """A unit, words, whole numbers and switches are what a host reads of them."""
    knobs = play(test_plugins / "Trouble.vst3", tmp_path, sound=noise(2)).knobs
    assert knobs["Gain"] == ["dB", "-60.000000", "20.000000"]
    assert knobs["Mode"] == ["", "fine", "fork"]
    assert knobs["Late By"] == ["", "0", "4000"]
    assert knobs["Voicing"] == ["", "clean", "hard"]
    assert knobs["Bright"] == ["", "off", "on"]


@pytest.mark.parametrize(("late", "says"), [(480, 480), (480, 100), (0, 480)])
def test_latency_is_what_it_says_and_the_delay_what_it_is(
    test_plugins: Path, tmp_path: Path, late: int, says: int
) -> None:
    """pedalboard takes off what it knows from the start, from a state; so the difference remains."""
    x, plugin = noise(2), test_plugins / "Trouble.vst3"
    turned = play(plugin, tmp_path, sound=x, turns=[{"Late By": str(late), "Says Late By": str(says)}])
    assert turned.latency == says
    played = play(plugin, tmp_path, sound=x, state=turned.state)
    assert played.latency == says
    np.testing.assert_array_equal(played.output, np.pad(x, ((0, 0), (late, 0)))[:, says:FRAMES])


def test_state_beyond_parameters_comes_back(test_plugins: Path, tmp_path: Path) -> None:
    """A learned note is in the state, and is heard from a plugin that was given that state."""
    x, plugin = np.full((2, BLOCK), 0.125, np.float32), test_plugins / "Trouble.vst3"
    learned = play(plugin, tmp_path, sound=x, turns=[{"Learn": "on"}, {"Learn": "off", "Gain": "-60.000000"}])
    again = play(plugin, tmp_path, sound=np.zeros_like(x), state=learned.state)
    np.testing.assert_array_equal(again.output, 0.125)
    assert again.state == learned.state


@pytest.mark.parametrize(
    ("mode", "ending"), [("crash", -signal.SIGSEGV), ("abort", -signal.SIGABRT), ("exit", 0)]
)
def test_modes_that_end_the_process(test_plugins: Path, tmp_path: Path, mode: str, ending: int) -> None:
    """The plugin loads, and the process is gone before it has played."""
    with begin(test_plugins / "Trouble.vst3", tmp_path, sound=noise(2), turns=[{"Mode": mode}]) as child:
        assert child.stdout is not None
        assert child.stdout.read() == b"ready\n"
    assert child.returncode == ending
    assert not (tmp_path / "facts.json").exists()


@pytest.mark.parametrize("mode", ["hang", "sleep"])
def test_modes_that_never_return(test_plugins: Path, tmp_path: Path, mode: str) -> None:
    """The plugin loads, and playing what takes microseconds is not done in half a second."""
    with begin(test_plugins / "Trouble.vst3", tmp_path, sound=noise(2), turns=[{"Mode": mode}]) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(0.5)
        finally:
            child.kill()


def test_leak_takes_memory_with_each_block(test_plugins: Path, tmp_path: Path) -> None:
    """Four blocks take four times 20 MiB."""
    played = play(test_plugins / "Trouble.vst3", tmp_path, sound=noise(2), turns=[{"Mode": "leak"}])
    assert 80 * 2**20 <= played.memory < 100 * 2**20


def test_flood_writes_with_each_block(test_plugins: Path, tmp_path: Path) -> None:
    """Four blocks bring four times 64 KiB on standard error."""
    played = play(test_plugins / "Trouble.vst3", tmp_path, sound=noise(2), turns=[{"Mode": "flood"}])
    assert played.errors.count(b"!") >= 4 * 2**16


@pytest.mark.parametrize(("mode", "sample"), [("nan", np.nan), ("quiet", 0.0)])
def test_modes_that_spoil_the_sound(test_plugins: Path, tmp_path: Path, mode: str, sample: float) -> None:
    """Every sample is the same, and the sound is back with the mode "fine"."""
    x = noise(2)
    turns: list[Mapping[str, str]] = [{"Mode": mode}, {"Mode": "fine"}]
    played = play(test_plugins / "Trouble.vst3", tmp_path, sound=x, turns=turns)
    np.testing.assert_array_equal(played.output[:, :FRAMES], sample)
    np.testing.assert_array_equal(played.output[:, FRAMES:], x)


def test_slow_takes_twice_real_time(test_plugins: Path, tmp_path: Path) -> None:
    """It is busy for as long at least, however fast the computer."""
    played = play(test_plugins / "Trouble.vst3", tmp_path, sound=noise(2), turns=[{"Mode": "slow"}])
    assert played.seconds >= 2 * FRAMES / RATE


def test_fork_leaves_a_child_behind(test_plugins: Path, tmp_path: Path) -> None:
    """One for the plugin, not one for each block, and it is there when its parent is gone."""
    played = play(test_plugins / "Trouble.vst3", tmp_path, sound=noise(2), turns=[{"Mode": "fork"}])
    (orphan,) = played.children
    os.kill(orphan, signal.SIGKILL)


@pytest.mark.parametrize("name", ["CrashAtLoad", "HangAtLoad"])
def test_plugins_that_never_load(test_plugins: Path, tmp_path: Path, name: str) -> None:
    """One ends its host, the other keeps it waiting."""
    with begin(test_plugins / f"{name}.vst3", tmp_path, sound=noise(2)) as child:
        if name == "HangAtLoad":
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(1.0)
            child.kill()
        assert child.stdout is not None
        assert child.stdout.read() == b""
    assert child.returncode == (-signal.SIGKILL if name == "HangAtLoad" else -signal.SIGSEGV)


def test_eight_channels_come_out_as_they_went_in(test_plugins: Path, tmp_path: Path) -> None:
    """With a gain of 20 dB, ten times as loud."""
    x = noise(8)
    played = play(test_plugins / "Eight.vst3", tmp_path, sound=x, turns=[{"Gain": "20.000000"}])
    np.testing.assert_array_equal(played.output, 10 * x)


def test_a_source_takes_no_sound(test_plugins: Path, tmp_path: Path) -> None:
    """It loads, is no instrument, and a host that gives it sound is refused."""
    with pytest.raises(subprocess.CalledProcessError):
        play(test_plugins / "Source.vst3", tmp_path, sound=noise(2))
    assert b"does not accept audio input" in (tmp_path / "errors").read_bytes()


def test_pipe_plays_notes_to_the_sample(test_plugins: Path, tmp_path: Path) -> None:
    """Three notes within blocks, one ended: sines from their frames on, a straight fade from the end."""
    notes = [((0x90, 69, 127), 10), ((0x90, 64, 50), 300), ((0x80, 69, 0), 1001), ((0x90, 81, 1), 1500)]
    turns = [{"Volume": "-12.000000"}]
    played = play(test_plugins / "Pipe.vst3", tmp_path, notes=notes, frames=2000, turns=turns)
    assert played.instrument

    n = np.arange(2000)
    level = 10 ** (-12 / 20) * 0.2

    def sine(key: int, velocity: int, start: int) -> NDArray[np.float64]:
        frequency = 440 * 2 ** ((key - 69) / 12)
        return np.where(n >= start, velocity / 127 * np.sin(2 * np.pi * frequency * (n - start) / RATE), 0)

    fade = np.clip(1 - (n - 1001) / 240, 0, 1)
    expected = level * (fade * sine(69, 127, 10) + sine(64, 50, 300) + sine(81, 1, 1500))
    np.testing.assert_allclose(played.output, np.tile(expected, (2, 1)), atol=1e-7)


def test_a_key_struck_again_begins_anew(test_plugins: Path, tmp_path: Path) -> None:
    """The note before fades out under the new one; controller 123 ends that, where a block begins."""
    notes = [((0x90, 69, 127), 0), ((0x90, 69, 127), 500), ((0xB0, 123, 0), 1024)]
    played = play(test_plugins / "Pipe.vst3", tmp_path, notes=notes, frames=1500)
    n = np.arange(1500)
    first = np.clip(1 - (n - 500) / 240, 0, 1) * np.sin(2 * np.pi * 440 * n / RATE)
    second = np.clip(1 - (n - 1024) / 240, 0, 1) * np.sin(2 * np.pi * 440 * (n - 500) / RATE) * (n >= 500)
    np.testing.assert_allclose(played.output[0], 0.2 * (first + second), atol=1e-7)


def test_broken_bundles_do_not_load(broken_plugins: Path, tmp_path: Path) -> None:
    """Each makes pedalboard raise ImportError, or ends the process."""
    for bundle in sorted(broken_plugins.iterdir()):
        with begin(bundle, tmp_path, sound=noise(2)) as child:
            assert child.stdout is not None
            assert child.stdout.read() == b"", bundle
        refused = b"ImportError" in (tmp_path / "errors").read_bytes()
        assert refused or child.returncode == -signal.SIGBUS, bundle


def test_nothing_is_built_twice(test_plugins: Path) -> None:
    """The script leaves alone what is newer than its sources."""
    script = Path(__file__).resolve().parents[2] / "scripts" / "test-plugins"
    assert subprocess.run([script], capture_output=True, text=True, check=True).stdout == ""
