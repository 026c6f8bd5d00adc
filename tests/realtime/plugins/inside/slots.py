"""Slots for tests: orders for real plugins, signals through them, and pedalboard by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pedalboard
from pedalboard._pedalboard import to_python_parameter_name
from tonerig.realtime.plugins.inside import native
from tonerig.realtime.plugins.inside.slot import Slot

from ..hosts import MADE, ZAM, Signal, Trouble, in_pieces

RATE = 48000.0
STATED = {
    "ZamComp": {"ratio": 8.0, "threshold_db": -30.0, "makeup_db": 6.0, "attack_ms": 5.0},
    "ZaMaximX2": {"threshold_db": -12.0},
    "ZamTube": {"tube_drive": 5.0, "bass": 7.0},
    "ZamDelay": {"time_ms": 120.0, "feedback": 0.5},
    "ZamGEQ31": {"master_gain_db": 3.0},
}
WIDTHS = {"ZaMaximX2": 2}
UNCERTAIN = {"ZamTube": 1e-2}
"""ZamTube begins with what its memory happens to hold: two runs of pedalboard itself may differ so much."""


def order(
    path: Path,
    *names: str,
    raw_state: str | None = None,
    vstpreset: Path | None = None,
    **stated: float | str | bool,
) -> dict[str, Any]:
    """What to load, with these parameters and those whose values are stated."""
    plugin = native.load(path)
    places = {to_python_parameter_name(parameter): parameter.index for parameter in plugin._parameters}
    return {
        "kind": "vst3",
        "path": str(path),
        "name": None,
        "instrument": plugin.is_instrument,
        "parameters": [{"name": name, "index": places[name]} for name in dict.fromkeys((*names, *stated))],
        "values": stated,
        "raw_state": raw_state,
        "vstpreset": None if vstpreset is None else str(vstpreset),
    }


def zam(name: str, *names: str, **stated: Any) -> dict[str, Any]:
    """The order for one of zam-plugins."""
    return order(ZAM / f"{name}.vst3", *names, **stated)


def trouble(name: str = "Trouble", **stated: Any) -> dict[str, Any]:
    """The order for a plugin made for the tests, all of its parameters named."""
    return order(MADE / f"{name}.vst3", *Trouble.places, **stated)


def effect(effect: str, glides: Mapping[str, str] | None = None, **values: float) -> dict[str, Any]:
    """The order for one of pedalboard's effects; what glides in another way than along a line is said."""
    rows = [{"name": name, "glide": (glides or {}).get(name, "linear")} for name in values]
    return {"kind": "pedalboard", "effect": effect, "parameters": rows, "values": values}


def ready(order: dict[str, Any], channels: int = 1, max_block: int = 512, rate: float = RATE) -> Slot:
    """A slot that is prepared."""
    slot = Slot(order)
    slot.prepare(rate, max_block, channels)
    return slot


def through(slot: Slot, signal: Signal, *sizes: int) -> Signal:
    """A signal in blocks of these sizes in turn, each of which must come out as long as it went in."""
    parts = []
    for part in in_pieces(signal, *sizes):
        parts.append(slot.process(np.ascontiguousarray(part)))
        assert parts[-1].shape == (slot.outputs, part.shape[1])
    return np.concatenate(parts, axis=1)


def alone(path: Path, signal: Signal, block: int, rate: float = RATE, **stated: Any) -> Signal:
    """What pedalboard gives for a signal by itself."""
    plugin = pedalboard.load_plugin(str(path))
    for name, value in stated.items():
        setattr(plugin, name, value)
    return np.asarray(plugin(signal, rate, buffer_size=block))


def pipe(notes: Sequence[tuple[int, int]], frames: int, rate: float) -> Signal:
    """Notes of the test instrument that are held: frame, key; velocity 100."""
    sound = np.zeros(frames)
    for frame, key in notes:
        n = np.arange(frames - frame)
        frequency = 440.0 * 2.0 ** ((key - 69) / 12.0)
        sound[frame:] += 0.2 * 100 / 127 * np.sin(2 * np.pi * frequency * n / rate)
    return np.repeat(sound[None], 2, axis=0).astype(np.float32)
