"""Whether this machine can play live: what the system grants, what runs, and what each model costs here."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .processors.processor import Processor

RATE = 48000.0
BLOCKS = (32, 64, 128, 256)
PRIORITY = 70
LOCKED_MB = 64
"""Memory to keep out of the swap file: a few programs and their buffers."""
SAFE_LOAD = 0.7
"""Part of a block's time that a chain may take, the rest being for the system's own delays."""
LIMITS_FILE = "/etc/security/limits.d/audio.conf"


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes
    ----------
    name : of it
    good : whether it is as live playing wants it
    found : what there is, in words
    advice : what to change, in words; empty where there is nothing to do
    """

    name: str
    good: bool
    found: str
    advice: str = ""


@dataclass(frozen=True)
class ModelLoad:
    """Part of a block's time that a model takes on one core: block -> load; 1 is all of it.

    A model that cannot be played has no loads; ``problem`` says why.
    """

    model: str
    loads: dict[int, float]
    problem: str = ""


def examine() -> list[Check]:
    """All checks, in the order a person would go through them."""
    checks: Sequence[Callable[[], Check]] = (
        audio_devices,
        sound_servers,
        midi_ports,
        realtime_priority,
        locked_memory,
        cpu_governor,
        compiled_code,
    )
    return [check() for check in checks]


def audio_devices() -> Check:
    """Whether there is an input and an output."""
    from .engine.devices import DeviceError, devices

    name = "audio devices"
    try:
        found = devices()
    except DeviceError as error:
        return Check(name, False, str(error), "install PortAudio")
    inputs, outputs = [d for d in found if d.inputs], [d for d in found if d.outputs]
    if not inputs or not outputs:
        lacking = "no input" if outputs else "no output" if inputs else "none"
        return Check(name, False, lacking, "connect an audio interface, or start a JACK server")
    hosts = ", ".join(sorted({d.host for d in found}))
    return Check(name, True, f"{len(inputs)} in, {len(outputs)} out ({hosts})")


def sound_servers() -> Check:
    """Which of JACK, PipeWire and ALSA are there."""
    from .engine.devices import DeviceError, devices

    name = "sound server"
    if sys.platform != "linux":
        return Check(name, True, f"not looked at on {sys.platform}")
    found = []
    try:
        if any(device.host.startswith("JACK") for device in devices()):
            found.append("JACK is running")
    except DeviceError:
        pass
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    if Path(runtime, "pipewire-0").exists():
        found.append("PipeWire is running")
    cards = Path("/proc/asound/cards")
    if cards.exists() and "no soundcards" not in cards.read_text(errors="replace"):
        found.append("ALSA has a card")
    if not found:
        return Check(
            name, False, "neither JACK, PipeWire nor an ALSA card", "connect an interface, or start JACK"
        )
    advice = ""
    if found == ["PipeWire is running"]:
        advice = "for the lowest latency start with pw-jack tonerig live …"
    return Check(name, True, ", ".join(found), advice)


def midi_ports() -> Check:
    """Which MIDI inputs are seen; a guitar needs none."""
    from .midi.ports import ALSA_SEQUENCER, midi_inputs

    name = "MIDI inputs"
    found = midi_inputs()
    if found:
        return Check(name, True, ", ".join(f"{port.name} ({port.api})" for port in found))
    if sys.platform == "linux" and not ALSA_SEQUENCER.exists():
        return Check(name, True, "none, nor ALSA's sequencer", "for a keyboard: modprobe snd-seq")
    return Check(name, True, "none", "connect a keyboard to play patches from")


def realtime_priority() -> Check:
    """Whether a thread here may run before all ordinary ones."""
    name = "real-time priority"
    if sys.platform != "linux":
        return Check(name, True, f"the system grants it to audio on {sys.platform}")
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
        os.sched_setscheduler(0, *before)
    except PermissionError:
        advice = (
            f"put '@audio - rtprio 95' into {LIMITS_FILE}, add yourself to the group audio, and log in again"
        )
        return Check(name, False, f"not granted (limit {allowed}, wanted {PRIORITY})", advice)
    return Check(name, True, f"granted (SCHED_FIFO {PRIORITY})")


def locked_memory() -> Check:
    """Whether memory can be kept out of the swap file."""
    name = "locked memory"
    if sys.platform == "win32":
        return Check(name, True, "not limited")
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    if os.geteuid() == 0 or allowed == resource.RLIM_INFINITY:
        return Check(name, True, "not limited")
    found = f"{allowed // 2**20} MB"
    if allowed >= LOCKED_MB * 2**20:
        return Check(name, True, found)
    advice = f"put '@audio - memlock unlimited' into {LIMITS_FILE}, and log in again"
    return Check(name, False, f"{found}, wanted {LOCKED_MB} MB", advice)


def cpu_governor() -> Check:
    """Whether the processor keeps its clock up."""
    name = "processor clock"
    files = sorted(Path("/sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor"))
    governors = sorted({file.read_text().strip() for file in files})
    if not governors:
        return Check(name, True, f"fixed or not told, {os.cpu_count()} cores")
    found = f"{', '.join(governors)}, {os.cpu_count()} cores"
    if governors == ["performance"]:
        return Check(name, True, found)
    return Check(name, False, found, "while playing: cpupower frequency-set -g performance")


def compiled_code() -> Check:
    """Whether anything has to be compiled before the shipped presets sound."""
    from .compiler.unit import cache_folder, is_cached
    from .engine.program import ENGINE_UNIT
    from .library import listing
    from .patches import load_patch
    from .presets import load_preset

    chain: list[Processor] = []
    for path in listing("chains").values():
        with contextlib.suppress(ValueError):  # 'tonerig preset list' says what is wrong with it
            chain += load_preset(path).build()
    for path in listing("patches").values():
        with contextlib.suppress(ValueError):
            chain.append(load_patch(path).build())
    units = {ENGINE_UNIT, *(unit for processor in chain for unit in processor.units())}
    missing = sum(not is_cached(unit) for unit in units)
    found = f"{len(units) - missing} of {len(units)} parts of the presets' code are ready in {cache_folder()}"
    return Check("compiled code", missing == 0, found, "run tonerig compile" if missing else "")


def model_loads(
    blocks: Sequence[int] = BLOCKS, on_model: Callable[[str], None] = lambda name: None
) -> list[ModelLoad]:
    """What each model of the library costs through the whole path of the audio thread, median of some blocks.

    Compiles what is not in the cache. ``on_model`` is told each model first. A model that cannot be
    played says why, and the others go on.
    """
    from .engine.control import measure
    from .engine.program import Program
    from .library import listing
    from .presets import model_preset

    loads = []
    for name, path in listing("models").items():
        on_model(name)
        try:
            program = Program(model_preset(path).build(), RATE, max(blocks), 1)
            times = {block: measure(program, block, 200) for block in blocks}
        except (ValueError, OSError, RuntimeError) as error:
            loads.append(ModelLoad(name, {}, str(error)))
            continue
        loads.append(ModelLoad(name, {block: times[block] * RATE / block for block in blocks}))
    return loads


def verdict(checks: Sequence[Check], loads: Sequence[ModelLoad]) -> str:
    """One sentence: whether this machine can play live, and how."""
    devices = next(check for check in checks if check.name == "audio devices")
    if not devices.good:
        return "This machine cannot play live yet: it has no audio input and output."
    fitting = [block for block in BLOCKS if all(load.loads.get(block, 0.0) <= SAFE_LOAD for load in loads)]
    if not fitting:
        return "This machine is too slow for some of the models at every block size; use the lighter ones."
    quick = f"every model fits into {min(fitting)} frames ({1000 * min(fitting) / RATE:.1f} ms)"
    granted = next(check for check in checks if check.name == "real-time priority").good
    if not granted:
        return f"This machine can play live, {quick}, but without real-time priority it will click when busy."
    return f"This machine can play live: {quick}."
