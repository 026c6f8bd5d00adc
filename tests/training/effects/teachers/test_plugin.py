"""Plugins as teachers: they sound as pedalboard plays them, and one that breaks costs its rendering alone."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.plugins import hosting
from tonerig.training.effects.teachers import (
    Teacher,
    TeacherError,
    find_teacher,
    wet_signal,
)
from tonerig.training.signals import dry_signal

RATE = 48000.0
ZAM = Path("/usr/lib/vst3")

needs_zam = pytest.mark.skipif(
    not (ZAM / "ZamTube.vst3").exists(), reason="zam-plugins is not installed: apt install zam-plugins"
)


@needs_zam
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("zamcomp", {"threshold_db": -40.0, "makeup_db": "12"}),
        (str(ZAM / "ZamTube.vst3"), {"tube_drive": 8.0, "tone_stack_model": "JTM 45"}),
    ],
)
def test_any_plugin_teaches_as_pedalboard_plays_it(name: str, settings: dict[str, float | str]) -> None:
    """By name or by path, with the plugin's own parameters, and the same sound but for the level after it."""
    from pedalboard import VST3Plugin

    teacher = find_teacher(name)
    assert {parameter.name for parameter in teacher.parameters} >= {*settings, "output_db"}
    assert teacher.plugin is not None and teacher.plugin.stem == teacher.name
    dry = dry_signal(2.0, RATE, 3)
    plugin = VST3Plugin(str(teacher.plugin))
    for knob, value in settings.items():
        setattr(plugin, knob, float(value) if str(value).isdecimal() else value)
    rested = np.concatenate((np.zeros(round(RATE), np.float32), dry))
    direct = plugin(rested[None], RATE)[0, round(RATE) :]
    wet = wet_signal(teacher, dry, RATE, {**settings, "output_db": -6.0})
    np.testing.assert_allclose(wet, 10 ** (-6 / 20) * direct, atol=1e-6)


@needs_zam
def test_the_shipped_teacher_is_the_plugin_with_its_settings() -> None:
    """Set alike, ZamTube's own parameters and those that the teacher states give the same samples."""
    dry = dry_signal(0.5, RATE, 4)
    shipped = find_teacher("zamtube")
    stated = {p.name: p.text(p.default) if p.choices else p.default for p in shipped.parameters}
    ours = wet_signal(shipped, dry, RATE, {})
    np.testing.assert_allclose(wet_signal(find_teacher("ZamTube"), dry, RATE, stated), ours, atol=1e-6)


@pytest.fixture
def trouble(test_plugins: Path) -> Teacher:
    """The plugin made for the tests, which misbehaves on command, as a teacher."""
    return find_teacher(str(test_plugins / "Trouble.vst3"))


@pytest.mark.parametrize(("late_by", "says"), [(0, 0), (100, 0), (100, 100), (100, 64), (64, 100), (0, 4000)])
def test_a_wrong_latency_is_found_out(trouble: Teacher, late_by: int, says: int) -> None:
    """Whatever the plugin reports, wet and dry sound stand in one place; here one is the other at -20 dB."""
    dry = dry_signal(0.2, RATE, 1)
    given = {"gain_db": -20.0, "late_by": late_by, "says_late_by": says}
    np.testing.assert_allclose(wet_signal(trouble, dry, RATE, given), 0.1 * dry, rtol=1e-5)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("crash", r"crashed \(SIGSEGV\)"),
        ("abort", r"crashed \(SIGABRT\)"),
        ("exit", "ended by itself with code 0"),
        ("hang", "was not loaded within 3 s"),
        ("nan", "put out NaN or Inf"),
    ],
)
def test_a_plugin_that_breaks_costs_its_rendering_alone(
    trouble: Teacher, mode: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence names it and what happened, in two workers; then the next sound is rendered as ever."""
    dry = dry_signal(0.2, RATE, 1)
    tried = rf"^Trouble {words}.*2 workers were tried; change the settings"
    with monkeypatch.context() as patch, pytest.raises(TeacherError, match=tried):
        if mode == "hang":
            patch.setattr(hosting, "START_S", 3.0)
        wet_signal(trouble, dry, RATE, {"mode": mode})
    np.testing.assert_array_equal(wet_signal(trouble, dry, RATE, {}), dry)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP])
def test_a_rendering_is_made_again_when_its_worker_ends(
    trouble: Teacher, ending: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first worker of three sounds is ended while it loads or plays: they are as if nothing had been.

    One that stands still is given up after a time that the next one must not need; on a busy machine it may.
    """
    sounds = [dry_signal(0.2, RATE, seed) for seed in range(3)]
    for patience_s in (5.0, 60.0):
        if ending == signal.SIGSTOP:
            monkeypatch.setattr(hosting, "START_S", patience_s)
            monkeypatch.setattr(hosting, "OFFLINE_HANG_S", patience_s / 5)
        try:
            with _first_worker_gets(ending) as ended:
                wet = [wet_signal(trouble, dry, RATE, {"late_by": 100}) for dry in sounds]
            break
        except TeacherError:
            if ending != signal.SIGSTOP or patience_s == 60.0:
                raise
    assert len(ended) == 1
    for dry, sound in zip(sounds, wet, strict=True):
        np.testing.assert_array_equal(sound, dry)


@contextmanager
def _first_worker_gets(ending: signal.Signals) -> Iterator[list[int]]:
    """End the next worker process that this one starts; gives a list with its number, once that is done."""
    gc.collect()  # workers of other tests
    before, ended, over = _workers(), [], threading.Event()

    def look() -> None:
        while not over.is_set():
            for pid in _workers() - before:
                os.kill(pid, ending)
                ended.append(pid)
                return
            time.sleep(0.002)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield ended
    finally:
        over.set()
        thread.join()


def _workers() -> set[int]:
    """Worker processes that this one has started."""
    lists = [path.read_text().split() for path in Path("/proc/self/task").glob("*/children")]
    found = {int(number) for numbers in lists for number in numbers}
    return {n for n in found if b"plugins.inside.worker" in _command(n)}


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def test_plugins_that_teach_nothing_are_refused(test_plugins: Path) -> None:
    """One that is not there, an instrument, and one that crashes when it is loaded."""
    with pytest.raises(TeacherError, match=r"no teacher '.*Nope\.vst3'.*Nope\.vst3: is not there"):
        find_teacher(str(test_plugins / "Nope.vst3"))
    with pytest.raises(TeacherError, match="Pipe is an instrument"):
        find_teacher(str(test_plugins / "Pipe.vst3"))
    with pytest.raises(TeacherError, match=r"CrashAtLoad: crashed \(SIGSEGV\)"):
        find_teacher(str(test_plugins / "CrashAtLoad.vst3"))
