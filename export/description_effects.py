"""Gains, responses, echoes, modulations and compressions as JSON without their weights, and back.

Filters are stored as a convolution's weight, [1, 1, taps] with the newest sample last; the taps of a
`Response` likewise as [1 + features, taps].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from .check_effects import MAX_DELAY, MAX_VOICES, MIN_DELAY
from .document import Json, Node
from .model import Array, Compression, Echo, Gain, Modulation, Response

Tensors: TypeAlias = Callable[[str, int], Array]
"""Gives a weight by its name and number of dimensions."""
Effect: TypeAlias = Gain | Response | Echo | Modulation | Compression
EFFECTS = (Gain, Response, Echo, Modulation, Compression)
KINDS = ", ".join(["stack", "chain", "wavenet", *(kind.__name__.lower() for kind in EFFECTS)])


def describe_effect(network: Effect) -> Json:
    """Everything about an effect that is no weight."""
    document: dict[str, Json] = {"type": type(network).__name__.lower()}
    if isinstance(network, Echo):
        document["delay"] = network.delay
    elif isinstance(network, Modulation):
        document |= {"rate_hz": network.rate_hz, "phase": network.phase, "voices": network.voices}
    elif isinstance(network, Compression):
        document |= {"attack": network.attack, "release": network.release}
    return document


def weights_of(network: Effect) -> dict[str, Array]:
    """The weights of an effect by name, in the shapes that a file has them in."""
    if isinstance(network, Gain):
        return {"exponent": network.exponent[np.newaxis]}
    if isinstance(network, Response):
        return {"taps": network.taps[:, ::-1]}
    if isinstance(network, Echo):
        return {name: _kernel(getattr(network, name)) for name in ("direct", "enter", "loop")}
    if isinstance(network, Modulation):
        lines = {"delay": network.delay, "gain": network.gain}
        return {name: _kernel(getattr(network, name)) for name in ("direct", "wet")} | lines
    lines = {"levels_db": network.levels_db, "gains_db": network.gains_db}
    return lines | {"response": _kernel(network.response)}


def build_effect(kind: str, node: Node, tensors: Tensors, prefix: str) -> Effect:
    """The effect of `describe_effect` with its weights.

    Raises
    ------
    ModelFileError : the kind is unknown, or something is missing or of another type
    """

    def taps(name: str) -> Array:
        return np.ascontiguousarray(tensors(f"{prefix}{name}", 3)[..., ::-1]).reshape(-1)

    def line(name: str) -> Array:
        return tensors(f"{prefix}{name}", 1)

    if kind == "gain":
        return Gain(tensors(f"{prefix}exponent", 2).reshape(-1))
    if kind == "response":
        return Response(np.ascontiguousarray(tensors(f"{prefix}taps", 2)[:, ::-1]))
    if kind == "echo":
        delay = node["delay"].integer(MIN_DELAY, MAX_DELAY)
        return Echo(taps("direct"), taps("enter"), taps("loop"), delay)
    if kind == "modulation":
        return Modulation(
            taps("direct"),
            taps("wet"),
            line("delay"),
            line("gain"),
            node["rate_hz"].number(),
            node["phase"].number(0.0, 1.0),
            node["voices"].integer(1, MAX_VOICES),
        )
    if kind == "compression":
        attack, release = (node[key].number(0.0, 1.0) for key in ("attack", "release"))
        return Compression(attack, release, line("levels_db"), line("gains_db"), taps("response"))
    raise node["type"].expected(f"one of {KINDS}")


def _kernel(taps: Array) -> Array:
    """A filter as a convolution's weight."""
    return taps[::-1].reshape(1, 1, -1)
