"""What an ONNX file from a stranger may not contain, decided from the bytes, before any runtime sees it.

Nothing is loaded from outside the file, no operator runs code of its own, nothing loops without end
(a Loop of 228 bytes never returns), and nothing is absurdly large. A file that describes itself may have a
Scan of plain operators, which ends with the block.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

import onnx

from .errors import ModelFileError

MAX_ONNX_BYTES = 256 * 2**20
MAX_NODES = 50_000
MAX_ELEMENTS = 2**26
"""Numbers in one tensor."""
MAX_SCANNED = 16
"""Operators that a Scan repeats for each sample."""
CONTROL_FLOW = ("Loop", "Scan", "If", "SequenceMap")
DOMAINS = ("", "ai.onnx")
BYTES: dict[int, int] = {
    onnx.TensorProto.FLOAT: 4,
    onnx.TensorProto.DOUBLE: 8,
    onnx.TensorProto.INT32: 4,
    onnx.TensorProto.INT64: 8,
    onnx.TensorProto.BOOL: 1,
    onnx.TensorProto.INT8: 1,
    onnx.TensorProto.UINT8: 1,
    onnx.TensorProto.FLOAT16: 2,
}


OWN = "tonerig"
"""The property of a file that describes itself."""


def parse_onnx(data: bytes, path: Path) -> onnx.ModelProto:
    """The model in ``data``, checked to be safe to hand to a runtime.

    Raises
    ------
    ModelFileError : it is no ONNX, uses external data, operators of its own, control flow, or is too large
    """
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except Exception as error:  # protobuf's DecodeError has no public name that all its versions share
        raise ModelFileError(
            path, f"is not an ONNX file, or it is damaged ({type(error).__name__})"
        ) from None
    if not proto.graph.node or not proto.opset_import:
        raise ModelFileError(path, "is not an ONNX file, or it holds no network")
    newest, opset = onnx.defs.onnx_opset_version(), max(entry.version for entry in proto.opset_import)
    if opset > newest:
        raise ModelFileError(
            path, f"is of opset {opset}, but 1 to {newest} are known; export it with opset 17"
        )
    functions = {(function.domain, function.name): function for function in proto.functions}
    _check_calls(proto, functions, path)
    own = any(entry.key == OWN for entry in proto.metadata_props)
    for node in proto.graph.node:
        if own and node.op_type == "Scan" and node.domain in DOMAINS and not proto.functions:
            _check_scan(node, path)
        else:
            _check_node(node, functions, path)
    for function in proto.functions:
        for node in function.node:
            _check_node(node, functions, path)
    for tensor in _tensors(proto):
        _check_tensor(tensor, path)
    try:
        onnx.checker.check_model(proto)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(path, f"is not valid ONNX: {reason}") from None
    return proto


def _check_node(
    node: onnx.NodeProto, functions: dict[tuple[str, str], onnx.FunctionProto], path: Path
) -> None:
    if node.op_type in CONTROL_FLOW:
        raise ModelFileError(
            path, f"uses {node.op_type}, which may never return; export the network without control flow"
        )
    if any(a.HasField("g") or a.graphs for a in node.attribute):
        raise ModelFileError(path, f"has a graph inside its {node.op_type[:40]}, which is not allowed")
    if node.domain not in DOMAINS and (node.domain, node.op_type) not in functions:
        operator = f"{node.op_type[:40]} of {node.domain[:40]!r}"
        raise ModelFileError(path, f"uses the operator {operator}; only standard ONNX operators are run")


def _check_scan(scan: onnx.NodeProto, path: Path) -> None:
    """Check the operators that a Scan repeats."""
    bodies = [attribute.g for attribute in scan.attribute if attribute.HasField("g")]
    if any(attribute.graphs for attribute in scan.attribute) or len(bodies) != 1:
        raise ModelFileError(path, "has a Scan without exactly one graph inside")
    if len(bodies[0].node) > MAX_SCANNED:
        raise ModelFileError(
            path, f"has a Scan of {len(bodies[0].node)} operators, but at most {MAX_SCANNED} are run"
        )
    for node in bodies[0].node:
        _check_node(node, {}, path)


def _check_calls(
    proto: onnx.ModelProto, functions: dict[tuple[str, str], onnx.FunctionProto], path: Path
) -> None:
    """Count the nodes with all functions written out, and refuse functions that call themselves."""
    sizes: dict[tuple[str, str], int] = {}
    unknown = dict(functions)
    while unknown:
        ready = {
            key: function
            for key, function in unknown.items()
            if not any((node.domain, node.op_type) in unknown for node in function.node)
        }
        if not ready:
            raise ModelFileError(path, "has functions that call each other without end")
        for key, function in ready.items():
            sizes[key] = sum(sizes.get((node.domain, node.op_type), 1) for node in function.node)
            del unknown[key]
    total = sum(sizes.get((node.domain, node.op_type), 1) for node in proto.graph.node)
    if total > MAX_NODES:
        raise ModelFileError(path, f"has {total} operators, but at most {MAX_NODES} are run")


def _tensors(proto: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor stored anywhere in the file."""
    scanned = [a.g for node in proto.graph.node for a in node.attribute if a.HasField("g")]
    for graph in [proto.graph, *scanned]:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    plain = [graph.node for graph in (proto.graph, *scanned)]
    for nodes in [*plain, *(function.node for function in proto.functions)]:
        for node in nodes:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors
                for sparse in [attribute.sparse_tensor, *attribute.sparse_tensors]:
                    yield from (sparse.values, sparse.indices)


def _check_tensor(tensor: onnx.TensorProto, path: Path) -> None:
    name = tensor.name[:60] or "a constant"
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        places = [entry.value for entry in tensor.external_data if entry.key == "location"]
        where = f" ({places[0][:80]!r})" if places else ""
        raise ModelFileError(
            path, f"keeps {name} in another file{where}, which is never opened; save it as a single file"
        )
    if any(size < 0 for size in tensor.dims) or prod(tensor.dims) > MAX_ELEMENTS:
        raise ModelFileError(
            path, f"has {name} of {' × '.join(map(str, tensor.dims))} numbers, which is too large"
        )
    width = BYTES.get(tensor.data_type)
    if tensor.raw_data and width is not None and len(tensor.raw_data) != width * prod(tensor.dims):
        raise ModelFileError(
            path,
            f"has {len(tensor.raw_data)} bytes for {name}, but {width * prod(tensor.dims)} are expected",
        )
