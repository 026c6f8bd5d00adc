"""Plugins described in processes of their own, those among them that resist it."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tonerig.realtime.plugins import probe_process
from tonerig.realtime.plugins.description import PluginDescription
from tonerig.realtime.plugins.inside.probe import parameters_of
from tonerig.realtime.plugins.probe_process import describe_all

from .test_scale import Knob
from .test_tether import wait_for_end

INSTALLED = Path("/usr/lib/vst3")
CONSTRUCTOR = """
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>
static int answer() {  // the socket, from the command line
    static char words[4096];
    FILE* file = fopen("/proc/self/cmdline", "rb");
    const char* end = words + fread(words, 1, sizeof words - 1, file);
    for (const char* word = words; word < end; word += strlen(word) + 1)
        if (strstr(word, "inside.probe")) return atoi(word + strlen(word) + 1);
    return -1;
}
__attribute__((constructor)) static void begin() { %s }
"""


def described(path: Path) -> PluginDescription:
    (outcome,) = describe_all([path])
    assert outcome.left_alone == [] and outcome.path == path
    (plugin,) = outcome.plugins
    return plugin


def refused(path: Path) -> str:
    (outcome,) = describe_all([path])
    (reason,) = outcome.left_alone
    assert outcome.plugins == [] and reason.isprintable() and path.stem in reason
    return reason


def installed(name: str) -> Path:
    path = INSTALLED / f"{name}.vst3"
    if not path.exists():
        pytest.skip(f"{name} is not installed (Debian package zam-plugins)")
    return path


def bundle(folder: Path, name: str, does: str) -> Path:
    """A library that does something when it is opened, as a bundle."""
    path = folder / f"{name}.vst3"
    binary = path / f"Contents/{platform.machine()}-linux/{name}.so"
    binary.parent.mkdir(parents=True)
    source = folder / f"{name}.cpp"
    source.write_text(CONSTRUCTOR % does)
    subprocess.run(["g++", "-shared", "-fPIC", "-o", binary, source], check=True)
    return path


def test_facts_of_test_plugins(test_plugins: Path) -> None:
    """What their sources say: channels, versions, knobs; meters and MIDI controllers are no parameters."""
    trouble, pipe = described(test_plugins / "Trouble.vst3"), described(test_plugins / "Pipe.vst3")
    assert (trouble.name, trouble.version, trouble.instrument) == ("Trouble", "1.2.3", False)
    assert trouble.channels == (2,) and described(test_plugins / "TroubleMono.vst3").channels == (1,)
    names = [part.parameter.name for part in trouble.parameters]
    assert names == ["gain_db", "mode", "late_by", "says_late_by", "voicing", "bright", "learn"]
    assert [part.native for part in trouble.parameters][:3] == ["Gain", "Mode", "Late By"]
    assert (trouble.latency, trouble.tail_s) == (0, 0.0)
    assert (pipe.instrument, pipe.channels) == (True, ())
    assert [part.parameter.name for part in pipe.parameters] == ["volume_db"], "Sounding is a meter"


def test_facts_of_real_plugins() -> None:
    """A limiter's latency, a delay's echo as tail, knobs that hosts may not automate, and no meters."""
    limiter, delay, head = (described(installed(name)) for name in ("ZaMaximX2", "ZamDelay", "ZamHeadX2"))
    assert (limiter.latency, limiter.channels, limiter.tail_s) == (480, (2,), 0.0)
    assert [part.parameter.name for part in limiter.parameters] == [
        "release_ms",
        "output_ceiling_db",
        "threshold_db",
    ]
    time_ms = next(part.parameter for part in delay.parameters if part.parameter.name == "time_ms")
    assert time_ms.default == 160.0 and abs(delay.tail_s - 0.160) < 0.002
    assert "delaytime_ms" not in [part.parameter.name for part in delay.parameters], "it shows the time"
    assert [part.parameter.name for part in head.parameters] == ["azimuth", "elevation", "width"]


def test_a_reverb_and_its_rooms() -> None:
    """ZamVerb's rooms are a knob of seven steps, which hosts may not automate; it rings on for a second."""
    reverb = described(installed("ZamVerb"))
    room = next(part for part in reverb.parameters if part.parameter.name == "room")
    assert (room.parameter.minimum, room.parameter.maximum, room.stepped) == (0.0, 6.0, True)
    assert 0.5 < reverb.tail_s < 3.0


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Eight", "takes 8 channels and puts out 8; a chain has 1 or 2 channels"),
        ("Source", "has no audio input"),
        ("CrashAtLoad", "crashed (SIGSEGV)"),
    ],
)
def test_what_is_left_alone(test_plugins: Path, name: str, reason: str) -> None:
    """Other channels than a chain has, nothing to process, a crash: a sentence each."""
    assert reason in refused(test_plugins / f"{name}.vst3")


def test_hang(test_plugins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that sleeps for ever takes as long as the limit, and no other plugin with it."""
    for limit in (2, 10, 50):  # a busy machine needs more for the others
        monkeypatch.setattr(probe_process, "TIME_LIMIT_S", float(limit))
        paths = sorted(test_plugins.glob("[HT]*.vst3"))
        found = {outcome.path.stem: outcome for outcome in describe_all(paths)}
        reason = f"HangAtLoad: was not loaded and tried within {limit} s"
        assert reason in found["HangAtLoad"].left_alone[0]
        if found["Trouble"].plugins and found["TroubleMono"].plugins:
            break
    assert found["Trouble"].plugins and found["TroubleMono"].plugins


@pytest.mark.parametrize("name", ["Text", "Library", "Truncated", "Zero", "Empty", "Gone", "Windows"])
def test_what_is_no_plugin(broken_plugins: Path, name: str) -> None:
    """Files that are no plugins of this system, a truncated library that ends the process among them."""
    assert refused(broken_plugins / f"{name}.vst3")


def test_flood(test_plugins: Path, tmp_path: Path) -> None:
    """More output than is kept does no harm, and the last of what is kept is told."""
    path = bundle(
        tmp_path, "Flood", 'for (long k = 0; k < 1L << 20; k++) puts("all work and no play"); exit(3);'
    )
    reason = refused(path)
    assert "ended by itself with code 3 (a" in reason and len(reason) < 500


@pytest.mark.parametrize(
    "words",
    [
        '{"description": {"name": "Nice"}}',
        '{"names": [1, 2]}',
        '{"names": ["Forger"]}',
        "[" * 100_000,
        '{"refused": 1e999}',
        "12345",
        "no JSON",
        "\\xff\\x00",
    ],
)
def test_forged_answer(test_plugins: Path, tmp_path: Path, words: str) -> None:
    """A plugin that finds the socket of the answer and writes there itself is refused."""
    written = words.replace('"', '\\"')
    does = f'const char* text = "{written}"; size_t size = strlen(text);'
    path = bundle(
        tmp_path, "Forger", f"{does} write(answer(), &size, 8); write(answer(), text, size); _exit(0);"
    )
    assert "Forger: does not let itself be described" in refused(path)


def test_answer_without_a_length(test_plugins: Path, tmp_path: Path) -> None:
    """One that writes there what is no message at all is refused too."""
    path = bundle(tmp_path, "Stray", 'dprintf(answer(), "%s", "no message"); _exit(0);')
    assert "Stray: does not let itself be described" in refused(path)


def test_endless_answer(test_plugins: Path, tmp_path: Path) -> None:
    """One that writes there without end is cut off."""
    does = "static char much[1 << 16]; memset(much, 'x', sizeof much); for (int to = answer();;)"
    path = bundle(tmp_path, "Chatter", f"{does} if (write(to, much, sizeof much) < 0) abort();")
    assert "Chatter: does not let itself be described" in refused(path)


def test_names() -> None:
    """Names of ours get an underscore, of two with one name the second a number, MIDI controllers none."""
    natives = [
        Knob("{:.3f}".format, name=name)
        for name in (
            "Late",
            "Gain",
            "gain",
            "Gain!",
            "MIDI Ch. 1 CC 7",
            "MIDI CC 0|7",
            "♥",
            "Plugin",
            "Gain 2",
        )
    ]
    found, left_out = parameters_of(natives)
    names = [scale.parameter.name for _, scale in found]
    assert names == ["late_", "gain", "gain_2", "gain_3", "parameter_6", "plugin_", "gain_2_2"]
    assert [index for index, _ in found] == [0, 1, 2, 3, 6, 7, 8] and left_out == 0


def test_too_many_parameters() -> None:
    """The first 512 are taken, the rest is counted."""
    found, left_out = parameters_of([Knob("{:.1f}".format, name=f"Knob {k}") for k in range(600)])
    assert (len(found), left_out) == (512, 88)


def test_ends_with_its_host(test_plugins: Path) -> None:
    """No process is left when the host is killed while a plugin hangs."""
    path = test_plugins / "HangAtLoad.vst3"
    code = (
        "import sys; from pathlib import Path\n"
        "from tonerig.realtime.plugins.probe_process import describe_all\n"
        "list(describe_all([Path(sys.argv[1])]))"
    )
    host = subprocess.Popen([sys.executable, "-c", code, str(path)])
    deadline = time.monotonic() + 60
    while not (children := probes_of(host.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(children) == 1
    while os.getpgid(children[0]) != children[0] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert os.getpgid(children[0]) == children[0]
    time.sleep(0.5)  # the plugin hangs by now
    host.send_signal(signal.SIGKILL)
    host.wait()
    assert wait_for_end(*children)


def probes_of(process: int) -> list[int]:
    """The processes that it started."""
    text = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for file in text for child in file.read_text().split()]
