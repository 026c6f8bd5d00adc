"""What ONNX Runtime is given for a model: a streaming graph, our own writing or a stranger's file.

A stranger's file is first tried in a process of its own with limits on time and memory, since a model
can be made that never returns.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from ...export.contract import describe_foreign
from ...export.errors import ModelFileError
from ...export.foreign import ForeignOnnx
from ...export.model import NeuralModel
from .onnx_runtime import StreamingGraph

TRIAL_S = 30
TRIAL_BYTES = 4 << 30
"""Address space of a trial, most of which ONNX Runtime reserves and never touches."""


def streaming_graph(model: NeuralModel | ForeignOnnx) -> StreamingGraph:
    """The bytes of a model with the names and initial values of its states.

    Raises
    ------
    ModelFileError
        for a stranger's file that is not the one that `try_stranger` has seen.
    """
    if isinstance(model, ForeignOnnx):
        data = model.path.read_bytes()
        if _digest(data) not in _tried:
            raise ModelFileError(model.path, "changed since it was tried; load it again")
        return graph_of(model, data)
    from ...export.streaming import longest_block, to_onnx

    proto = to_onnx(model)
    foreign = describe_foreign(proto, Path("model.onnx"))
    graph = graph_of(foreign, proto.SerializeToString())
    return replace(
        graph,
        knobs=None if foreign.knobs is None or model.knobs is None else (foreign.knobs[0], model.knobs),
        sample_rate=model.sample_rate,
        longest=longest_block(model.network) or graph.longest,
    )


def graph_of(foreign: ForeignOnnx, data: bytes) -> StreamingGraph:
    """A graph from its description and the bytes of its file; knobs rest."""
    return StreamingGraph(
        model=data,
        input=foreign.input.name,
        output=foreign.output.name,
        input_shape=foreign.input.shape(0),
        output_shape=foreign.output.shape(0),
        states=tuple((pair.input, pair.output, pair.initial) for pair in foreign.states),
    )


def try_stranger(path: Path) -> None:
    """Run a stranger's ONNX file over a few blocks in a limited process, once for the same contents.

    Raises
    ------
    ModelFileError
        when it fails there, does not come back, puts out NaN or Inf, or another output for other blocks.
    """
    digest = _digest(path.read_bytes())
    if digest in _tried:
        return
    command = [sys.executable, "-m", __package__ + ".trial", str(path)]
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TRIAL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise ModelFileError(
            path, f"did not finish a short test within {TRIAL_S} s; it cannot play"
        ) from None
    if result.returncode != 0:
        words = result.stderr.strip().splitlines()
        raise ModelFileError(path, f"failed a short test: {words[-1][:300] if words else 'it crashed'}")
    _tried.add(digest)


_tried: set[bytes] = set()
"""Digests of the files that have passed."""


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
