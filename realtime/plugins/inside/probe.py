"""Describe one plugin: what it says of itself, and what a few seconds of its sound say.

``python -m tonerig.realtime.plugins.inside.probe SOCKET TETHER`` is run in a process of its own by
`probe_process`. Asked on the socket for a ``path`` and a ``name``, which may be null, it answers with a
``description``, or a sentence under ``refused``, or under ``names`` what a file with several plugins holds.
"""

from __future__ import annotations

import math
import os
import re
import resource
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pedalboard._pedalboard import PARAMETER_NAME_REGEXES_TO_IGNORE, to_python_parameter_name

from .. import messages
from ..description import (
    MAX_LATENCY,
    MAX_PARAMETERS,
    MAX_TEXT,
    RATE,
    PluginDescription,
    PluginParameter,
    legible,
)
from ..errors import PluginError
from . import native
from .limits import limit
from .scale import NoChoiceError, Scale
from .tether import tie

LIMITS = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 2**24, resource.RLIMIT_DATA: 2**32}
"""In bytes: what a plugin may write into a file, what it prints included, and what memory it may take."""
RESERVED = ("exchange", "isolate", "late", "plugin", "processor", "raw_state", "vstpreset")
"""What a preset and the exchange say of a plugin beside its parameters; those names get a ``_`` behind."""
NO_KNOB = re.compile(r"MIDI (Ch\. \d+ )?CC |Current Program$")
"""What hosts and frameworks call parameters behind which they hide MIDI controllers and DPF's programs.

Hosted by pedalboard, a program of DPF's changes what the parameters show, and not the sound.
"""
BLOCK = 4096
BURST = 3
"""Blocks of noise, or of a note, of which the tail is heard: a quarter of a second."""
QUIET = 1e-5  # -100 dBFS
TAIL_S = 10.0
TAIL_TIME_S = 2.0
"""How long the tail is listened to: of sound, and of time."""
TURNING_TIME_S = 3.0
SILENCE = -1

Play: TypeAlias = Callable[[int], NDArray[np.float32]]
"""The plugin's sound, shape (channels, frames), in a block: in 0 to `BURST` - 1 it has something to do."""


def describe(path: Path, name: str | None = None) -> PluginDescription:
    """Load a plugin and describe it.

    Raises
    ------
    PluginError
        when it cannot be loaded, or has no place in a chain: it takes neither 1 nor 2 channels.
    """
    plugin = native.load(path, name)
    instrument = bool(plugin.is_instrument)
    channels = () if instrument else _channels(plugin)
    if channels == (1,):  # one that has refused 2 channels does not work properly from then on
        plugin = native.load(path, name)
    natives = plugin._parameters
    found, left_out = parameters_of(natives)
    play = _note(plugin) if instrument else _noise(plugin, channels[-1])
    play(SILENCE)
    latency = int(plugin.reported_latency_samples)
    if not 0 <= latency <= MAX_LATENCY:
        raise PluginError(
            f"{legible(plugin.name)}: says that it delays sound by {latency} samples, which is more "
            f"than {MAX_LATENCY}"
        )
    for _ in range(latency // BLOCK + 2):  # pedalboard takes the latency off what comes first
        play(SILENCE)
    tail_s = _tail_s(play, latency)
    knobs = _knobs(plugin, natives, [index for index, _ in found], lambda: play(SILENCE))
    return PluginDescription(
        name=legible(plugin.name),
        path=path,
        manufacturer=legible(plugin.manufacturer_name),
        version=legible(plugin.version),
        category=legible(plugin.category),
        instrument=instrument,
        channels=channels,
        latency=latency,
        tail_s=tail_s,
        parameters=tuple(
            PluginParameter(scale.parameter, legible(natives[index].name), index, scale.stepped)
            for index, scale in found
            if index in knobs
        ),
        left_out=left_out,
    )


def parameters_of(natives: list[Any]) -> tuple[list[tuple[int, Scale]], int]:
    """The parameters with their places, as many as are taken, and how many more there may be."""
    found: list[tuple[int, Scale]] = []
    names = set(RESERVED)
    for index, parameter in enumerate(natives):
        if any(pattern.match(parameter.name) for pattern in (NO_KNOB, *PARAMETER_NAME_REGEXES_TO_IGNORE)):
            continue
        if len(found) == MAX_PARAMETERS:
            return found, len(natives) - index
        plain = (to_python_parameter_name(parameter) or f"parameter_{index}")[:MAX_TEXT]
        name = f"{plain}_" if plain in RESERVED else plain
        number = 2
        while name in names:
            name, number = f"{plain}_{number}", number + 1
        try:
            found.append((index, Scale(parameter, name)))
        except NoChoiceError:
            continue
        names.add(name)
    return found, 0


def _channels(plugin: Any) -> tuple[int, ...]:
    """How many channels an effect takes, of 1 and 2."""
    takes: list[int] = []
    reason = ""
    for channels in (1, 2):
        try:
            _process(plugin, np.zeros((channels, BLOCK), np.float32))
        except ValueError as error:
            reason = str(error)
        else:
            takes.append(channels)
    if not takes:
        raise PluginError(f"{legible(plugin.name)}: {_misfit(reason)}; a chain has 1 or 2 channels")
    return tuple(takes)


def _process(plugin: Any, block: NDArray[np.float32]) -> NDArray[np.float32]:
    return plugin.process(block, RATE, BLOCK, reset=False)


def _noise(plugin: Any, channels: int) -> Play:
    """An effect's sound for noise."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (BURST, channels, BLOCK)).astype(np.float32)
    silence = np.zeros((channels, BLOCK), np.float32)
    return lambda block: _process(plugin, noise[block] if 0 <= block < BURST else silence)


def _misfit(reason: str) -> str:
    """Why pedalboard refuses 1 and 2 channels alike."""
    counts = re.search(r"expects (\d+) input channels and (\d+) output channels", reason)
    if counts is None:
        return "has no audio input" if "does not accept audio input" in reason else "takes no audio"
    inputs, outputs = counts.groups()
    return "has no audio input" if inputs == "0" else f"takes {inputs} channels and puts out {outputs}"


def _note(plugin: Any) -> Play:
    """An instrument's sound for a note."""

    def play(block: int, channels: int) -> NDArray[np.float32]:
        messages = {0: [(bytes((0x90, 60, 100)), 0.0)], BURST: [(bytes((0x80, 60, 64)), 0.0)]}
        duration_s = (BLOCK + 0.5) / RATE  # pedalboard cuts off what is no whole frame
        return plugin.process(
            messages.get(block, []), duration_s, RATE, num_channels=channels, buffer_size=BLOCK, reset=False
        )

    for channels in (2, 1):
        try:
            play(SILENCE, channels)
        except ValueError:
            continue
        return partial(play, channels=channels)
    raise PluginError(f"{legible(plugin.name)}: is an instrument that puts out neither 1 nor 2 channels")


def _tail_s(play: Play, lag: int) -> float:
    """How long the sound goes on after the burst, in s; infinite where no end was heard.

    Parameters
    ----------
    lag : samples that went in before the burst and are not out yet
    """
    deadline = monotonic() + TAIL_TIME_S
    position = 0
    end = start = BURST * BLOCK + lag
    for block in range(BURST + math.ceil(TAIL_S * RATE / BLOCK)):
        sound = play(block)
        loud = np.flatnonzero(~(np.abs(sound).max(axis=0, initial=0) <= QUIET))  # what is no number is loud
        if loud.size:
            end = max(end, position + int(loud[-1]) + 1)
        position += sound.shape[1]
        if monotonic() > deadline:
            break
    return (end - start) / RATE if position - end > RATE // 2 else math.inf


def _knobs(plugin: Any, natives: list[Any], indices: list[int], play: Callable[[], object]) -> set[int]:
    """Which parameters can be turned, of those at ``indices``; others show what the plugin does.

    A parameter that hosts may automate can. One that they may not, such as a list of rooms whose
    change takes long, is told from a meter by the plugin's state: what is turned is saved in it.
    """
    knobs = {index for index in indices if natives[index].is_automatable}
    doubtful = [index for index in indices if index not in knobs]
    deadline = monotonic() + TURNING_TIME_S
    if doubtful:
        play()
        before = plugin.raw_state
        play()
        if plugin.raw_state != before:  # the clock is in it, or the like
            return set(indices)
    for index in doubtful:
        knob, raw = natives[index], natives[index].raw_value
        before = plugin.raw_state
        knob.raw_value = 0.0 if raw >= 0.5 else 1.0
        play()
        if plugin.raw_state != before or monotonic() > deadline:
            knobs.add(index)
        knob.raw_value = raw
        play()
    return knobs


def _answer(path: Path, name: str | None) -> dict[str, Any]:
    """What is said of a plugin.

    Raises
    ------
    PluginError
    """
    try:
        return {"description": describe(path, name).as_dict()}
    except PluginError as error:
        if name is None and len(names := native.names(path)) > 1:
            return {"names": [str(name) for name in names]}
        return {"refused": str(error)}


def main(end: socket.socket) -> None:
    """Answer one request."""
    request, _ = messages.receive(end)
    path = Path(request["path"])
    try:
        answer = _answer(path, request["name"])
    except PluginError as error:
        answer = {"refused": str(error)}
    except Exception as error:
        answer = {"refused": f"{legible(path.stem)}: cannot be described: {native.said(error)}"}
    messages.send(end, answer)


if __name__ == "__main__":
    tie(int(sys.argv[2]))
    limit(LIMITS)
    main(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)  # a plugin that is taken down may hang or crash
