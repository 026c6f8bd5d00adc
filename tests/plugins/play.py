"""Plays a VST3 plugin by pedalboard alone, in a process of its own, so that the worst may happen there.

The child, this file run as a program, gets an order as JSON, prints ``ready`` once the plugin is loaded, and
leaves its output and its facts in the order's folder.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RATE = 48000.0
BLOCK = 256


@dataclass(frozen=True)
class Played:
    """What a plugin gave."""

    output: NDArray[np.float32]  # (channels, frames), without the first reported latency
    latency: int  # reported, in samples
    state: str  # its whole state, base 16
    knobs: dict[str, list[str]]  # name -> unit, text at the lowest and at the highest value
    instrument: bool
    memory: int  # grown while it played, in bytes
    seconds: float  # that playing took
    children: list[int]  # of the process
    errors: bytes  # all of its standard error


def begin(
    plugin: Path,
    folder: Path,
    sound: ArrayLike = (),
    turns: Sequence[Mapping[str, str]] = ({},),
    notes: Sequence[tuple[Sequence[int], int]] = (),
    frames: int = 0,
    state: str = "",
) -> subprocess.Popen[bytes]:
    """The child at work.

    Parameters
    ----------
    sound : input, shape (channels, frames); played once for each of the turns, without a reset between
    turns : parameters by the plugin's own names, values as its own texts
    notes : for an instrument instead of a sound: bytes of a MIDI message and its frame
    frames : that an instrument plays
    state : as in `Played`, given to the plugin first
    """
    order = {"turns": list(turns), "notes": list(notes), "frames": frames, "state": state}
    order["sound"] = np.asarray(sound, np.float32).tolist()
    (folder / "order.json").write_text(json.dumps(order))
    command = [sys.executable, __file__, str(plugin), str(folder)]
    with (folder / "errors").open("wb") as errors:  # no pipe: a child of the child could hold it open
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)


def play(plugin: Path, folder: Path, **order: Any) -> Played:
    """Load, turn parameters, play; takes what `begin` takes, CalledProcessError when the child ends badly."""
    with begin(plugin, folder, **order) as child:
        child.wait(timeout=300)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, child.args)
    facts = json.loads((folder / "facts.json").read_text())
    return Played(np.load(folder / "output.npy"), errors=(folder / "errors").read_bytes(), **facts)


def main(path: str, folder: Path) -> None:
    """The child."""
    from pedalboard import VST3Plugin, _pedalboard

    # pedalboard tries 1001 values of each of the 2080 controllers that DPF gives an instrument
    mixin: Any = _pedalboard._PythonExternalPluginMixin
    mixin.__set_initial_parameter_values__ = lambda self, values: None
    order = json.loads((folder / "order.json").read_text())
    plugin = VST3Plugin(path, initialization_timeout=0.01)
    print("ready", flush=True)
    knobs = {knob.name: knob for knob in plugin._parameters if not knob.name.startswith("MIDI ")}
    if order["state"]:
        plugin.raw_state = bytes.fromhex(order["state"])
    if not plugin.is_instrument:
        plugin.reset()  # or the latency counts as over with what was played to see how the plugin resets
    sound, outputs = np.asarray(order["sound"], np.float32), []
    notes: list[Any] = [(bytes(message), (frame + 0.5) / RATE) for message, frame in order["notes"]]
    memory, start = resident(), time.perf_counter()
    for turn in order["turns"]:
        for name, text in turn.items():
            knobs[name].raw_value = knobs[name].get_raw_value_for_text(text)
        if plugin.is_instrument:
            seconds = (order["frames"] + 0.5) / RATE
            outputs.append(plugin.process(notes, seconds, RATE, buffer_size=BLOCK, reset=False))
        else:
            outputs.append(plugin.process(sound, RATE, BLOCK, reset=False))
    facts = {
        "seconds": time.perf_counter() - start,
        "memory": resident() - memory,
        "latency": plugin.reported_latency_samples,
        "state": plugin.raw_state.hex(),
        "knobs": {
            name: (knob.label, *map(knob.get_text_for_raw_value, (0, 1))) for name, knob in knobs.items()
        },
        "instrument": plugin.is_instrument,
        "children": [int(pid) for pid in Path("/proc/thread-self/children").read_text().split()],
    }
    np.save(folder / "output.npy", np.concatenate(outputs, axis=1))
    (folder / "facts.json").write_text(json.dumps(facts))


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
