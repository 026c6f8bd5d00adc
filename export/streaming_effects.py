"""Gains, responses, echoes, modulations and compressions as ONNX operators.

Signals have the shape [1, 1, frames]. What must stay exact over hours (an oscillator's phase) or over many
small steps (an envelope) is computed in double precision.
"""

from __future__ import annotations

import math

import numpy as np
from onnx import TensorProto, helper

from .description_effects import Effect, weights_of
from .graph import END, Graph
from .model import Array, Compression, Echo, Gain, Modulation, Response
from .reference_effects import QUIET


def add_effect(graph: Graph, network: Effect, signal: str, prefix: str, features: str, rate: float) -> str:
    """Add an effect's operators; gives the name of its output.

    Parameters
    ----------
    features : the name of the knobs' features, [1, features, 1], or "" without knobs
    rate : Hz
    """
    weights = weights_of(network)
    if isinstance(network, Modulation):
        return _modulation(graph, network, weights, signal, prefix, rate)
    named = {name: graph.constant(f"{prefix}{name}", weight) for name, weight in weights.items()}
    if isinstance(network, Gain):
        exponent = graph.node("MatMul", [named["exponent"], _affine(graph, features)])
        return graph.node("Mul", [signal, graph.node("Exp", [exponent])])
    if isinstance(network, Response):
        extended = graph.remember(signal, network.taps.shape[1] - 1, f"{prefix}past")
        row = graph.node("Transpose", [_affine(graph, features)], perm=[0, 2, 1])
        return graph.node("Conv", [extended, graph.node("MatMul", [row, named["taps"]])])
    if isinstance(network, Echo):
        return _echo(graph, network, named, signal, prefix)
    return _compression(graph, network, named, signal, prefix)


def _affine(graph: Graph, features: str) -> str:
    """The features after a 1: [1, 1 + features, 1]."""
    one = graph.constant("one", np.ones((1, 1, 1), np.float32))
    return graph.node("Concat", [one, features], axis=1) if features else one


def _echo(graph: Graph, network: Echo, named: dict[str, str], signal: str, prefix: str) -> str:
    """All of a block side by side: what it hears of itself is older than the block is long."""
    delay, entering, direct = network.delay, len(network.enter), len(network.direct)
    memory = max(delay + entering, direct) - 1
    extended = graph.remember(signal, memory, f"{prefix}past")
    early = graph.slice(extended, graph.integers(memory - delay - entering + 1), graph.integers(-delay))
    late = graph.slice(extended, graph.integers(memory - direct + 1), graph.integers(END))
    looping = delay + len(network.loop) - 1
    past = graph.settled(f"{prefix}looped", np.zeros(looping))
    source, target = graph.state(f"{prefix}looped", past.reshape(1, 1, -1))
    frames = graph.node("Shape", [signal], start=2, end=3)
    end = graph.node("Add", [frames, graph.integers(len(network.loop) - 1)])
    heard = graph.slice(source, graph.integers(0), end)
    again = graph.node("Conv", [heard, named["loop"]])
    wet = graph.node("Add", [graph.node("Conv", [early, named["enter"]]), again])
    whole = graph.node("Concat", [source, wet], axis=2)
    graph.slice(whole, graph.integers(-looping), graph.integers(END), [target])
    return graph.node("Add", [graph.node("Conv", [late, named["direct"]]), wet])


def _modulation(
    graph: Graph, network: Modulation, weights: dict[str, Array], signal: str, prefix: str, rate: float
) -> str:
    """Every voice reads the past at its own place for every frame."""
    named = {name: graph.constant(f"{prefix}{name}", weight) for name, weight in weights.items()}
    points, direct = len(network.delay) - 1, len(network.direct)
    memory = max(math.floor(float(network.delay.max())) + 1, direct - 1)
    extended = graph.remember(signal, memory, f"{prefix}past")
    count = graph.node("Squeeze", [graph.node("Shape", [signal], start=2, end=3)])
    frame = graph.node("Range", [graph.integer(0), count, graph.integer(1)])

    phase, target = graph.precise_state(f"{prefix}phase", network.phase)
    step = graph.double(network.rate_hz / rate)
    offsets = np.arange(network.voices, dtype=np.float64).reshape(-1, 1) / network.voices
    voices = graph.constant(f"voices:{network.voices}", offsets)

    def turned(frames: str) -> str:
        time = graph.node("Cast", [frames], to=TensorProto.DOUBLE)
        return graph.node("Add", [phase, graph.node("Mul", [time, step])])

    def within_one(turn: str) -> str:
        return graph.node("Sub", [turn, graph.node("Floor", [turn])])

    graph.keep_precise(within_one(turned(count)), target)
    place = graph.node(
        "Mul", [within_one(graph.node("Add", [voices, turned(frame)])), graph.double(float(points))]
    )
    before = graph.node("Min", [graph.node("Floor", [place]), graph.double(float(points - 1))])
    part = graph.node("Sub", [place, before])
    index = graph.node("Cast", [before], to=TensorProto.INT64)
    after = graph.node("Add", [index, graph.integer(1)])

    def line(name: str) -> str:
        table = graph.node("Cast", [named[name]], to=TensorProto.DOUBLE)
        first, second = (graph.node("Gather", [table, at]) for at in (index, after))
        rise = graph.node("Mul", [part, graph.node("Sub", [second, first])])
        return graph.node("Add", [first, rise])

    delay = line("delay")
    whole = graph.node("Floor", [delay])
    share = graph.node("Cast", [graph.node("Sub", [delay, whole])], to=TensorProto.FLOAT)
    newest = graph.node("Add", [frame, graph.integer(memory)])
    newer = graph.node("Sub", [newest, graph.node("Cast", [whole], to=TensorProto.INT64)])
    older = graph.node("Sub", [newer, graph.integer(1)])
    flat = graph.node("Reshape", [extended, graph.integers(-1)])
    first, second = (graph.node("Gather", [flat, at]) for at in (newer, older))
    moving = graph.node("Add", [first, graph.node("Mul", [share, graph.node("Sub", [second, first])])])
    gain = graph.node("Cast", [line("gain")], to=TensorProto.FLOAT)
    summed = graph.node("ReduceSum", [graph.node("Mul", [gain, moving]), graph.integers(0)], keepdims=1)
    voiced = graph.node("Unsqueeze", [summed, graph.integers(0)])
    wet = graph.remember(voiced, len(network.wet) - 1, f"{prefix}voiced")
    late = graph.slice(extended, graph.integers(memory - direct + 1), graph.integers(END))
    return graph.node(
        "Add", [graph.node("Conv", [late, named["direct"]]), graph.node("Conv", [wet, named["wet"]])]
    )


def _compression(graph: Graph, network: Compression, named: dict[str, str], signal: str, prefix: str) -> str:
    """The envelope sample by sample in a Scan, all else side by side."""
    level, target = graph.precise_state(f"{prefix}envelope", 0.0)
    flat = graph.node("Reshape", [signal, graph.integers(-1)])
    magnitude = graph.node("Cast", [graph.node("Abs", [flat])], to=TensorProto.DOUBLE)
    last, envelope = f"{prefix}envelope.last", f"{prefix}envelope.all"
    graph.node("Scan", [level, magnitude], [last, envelope], num_scan_inputs=1, body=_follower(network))
    graph.keep_precise(last, target)
    audible = graph.node("Max", [envelope, graph.double(QUIET)])
    decibels = graph.node("Mul", [graph.node("Log", [audible]), graph.double(20.0 / math.log(10.0))])
    gain_db = _curve(graph, len(network.levels_db), named, decibels)
    gain = graph.node("Exp", [graph.node("Mul", [gain_db, graph.double(math.log(10.0) / 20.0)])])
    narrow = graph.node("Cast", [gain], to=TensorProto.FLOAT)
    compressed = graph.node("Mul", [signal, narrow])
    extended = graph.remember(compressed, len(network.response) - 1, f"{prefix}past")
    return graph.node("Conv", [extended, named["response"]])


def _follower(network: Compression) -> object:
    """The body of the Scan: one step of the envelope. Of max(d, 0) and min(d, 0), one is 0."""
    constants = {"rising": 1.0 - network.attack, "falling": 1.0 - network.release, "zero": 0.0}
    scalars = [helper.make_tensor(name, TensorProto.DOUBLE, [], [value]) for name, value in constants.items()]
    nodes = [
        helper.make_node("Sub", ["magnitude", "level"], ["difference"]),
        helper.make_node("Max", ["difference", "zero"], ["above"]),
        helper.make_node("Min", ["difference", "zero"], ["below"]),
        helper.make_node("Mul", ["above", "rising"], ["rise"]),
        helper.make_node("Mul", ["below", "falling"], ["fall"]),
        helper.make_node("Add", ["rise", "fall"], ["change"]),
        helper.make_node("Add", ["level", "change"], ["next"]),
        helper.make_node("Identity", ["next"], ["each"]),
    ]
    infos = {
        name: helper.make_tensor_value_info(name, TensorProto.DOUBLE, [])
        for name in ("level", "magnitude", "next", "each")
    }
    inputs, outputs = [infos["level"], infos["magnitude"]], [infos["next"], infos["each"]]
    return helper.make_graph(nodes, "envelope", inputs, outputs, scalars)


def _curve(graph: Graph, points: int, named: dict[str, str], decibels: str) -> str:
    """The gains on the straight lines that join the points, for levels of the shape [frames]."""
    levels, gains = (
        graph.node("Cast", [named[name]], to=TensorProto.DOUBLE) for name in ("levels_db", "gains_db")
    )
    if points == 1:
        return gains
    column = graph.node("Unsqueeze", [decibels, graph.integers(1)])
    reached = graph.node("Cast", [graph.node("GreaterOrEqual", [column, levels])], to=TensorProto.INT64)
    count = graph.node("ReduceSum", [reached, graph.integers(1)], keepdims=0)
    before = graph.node("Max", [graph.node("Sub", [count, graph.integer(1)]), graph.integer(0)])
    index = graph.node("Min", [before, graph.integer(points - 2)])
    after = graph.node("Add", [index, graph.integer(1)])
    low, high, first, second = (
        graph.node("Gather", [table, at]) for table in (levels, gains) for at in (index, after)
    )
    along = graph.node("Div", [graph.node("Sub", [decibels, low]), graph.node("Sub", [high, low])])
    inside = graph.node("Min", [graph.node("Max", [along, graph.double(0.0)]), graph.double(1.0)])
    return graph.node("Add", [first, graph.node("Mul", [inside, graph.node("Sub", [second, first])])])
