"""How to stream an ONNX model that somebody else wrote: which tensor is the sound, which are its states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from .check import MAX_MEMORY, MAX_RATE, MIN_RATE
from .errors import ModelFileError
from .foreign import DEFAULT_RATE, AudioTensor, ForeignOnnx, StatePair
from .model import Array, Metadata

MAX_DIMENSIONS = 8
KNOBS = "knobs"


@dataclass(frozen=True)
class _Tensor:
    name: str
    shape: tuple[int | None, ...]

    @property
    def moving(self) -> list[int]:
        return [axis for axis, size in enumerate(self.shape) if size is None]

    def described(self) -> str:
        return f"{self.name!r} [{', '.join('?' if size is None else str(size) for size in self.shape)}]"


def describe_foreign(proto: onnx.ModelProto, path: Path) -> ForeignOnnx:
    """The streaming contract of a checked ONNX model.

    The audio input is the one with a dimension of any length, all others of which are 1; so is the audio
    output. Every other input is a state and belongs to the output of the same shape whose name says so
    (``h`` → ``h_out``, ``hn``, ``new_h`` …), or else to the one at its place among the other outputs. An
    input ``knobs`` [1, knobs, 1] with a default is no state, but what `streaming` writes for knobs.

    Raises
    ------
    ModelFileError : the model cannot stream
    """
    defaults = {tensor.name: tensor for tensor in proto.graph.initializer}
    inputs = [_tensor(info, path) for info in proto.graph.input]
    outputs = [_tensor(info, path) for info in proto.graph.output]
    audio_in = _audio([tensor for tensor in inputs if tensor.name not in defaults], "input", path)
    audio_out = _audio(outputs, "output", path)
    returned = [tensor for tensor in outputs if tensor is not audio_out]
    knobs = next((t for t in inputs if _are_knobs(t, defaults) and _named_after(t, returned) is None), None)
    others = [tensor for tensor in inputs if tensor is not audio_in and tensor is not knobs]
    states = tuple(
        StatePair(source.name, target.name, _initial(source, defaults.get(source.name), path))
        for source, target in _pair(others, returned, set(defaults), path)
    )
    properties = {entry.key: entry.value for entry in proto.metadata_props}
    return ForeignOnnx(
        path,
        _layout(audio_in),
        _layout(audio_out),
        states,
        _rate(properties, path),
        _metadata(properties),
        None if knobs is None else (knobs.name, knobs.shape[1] or 0),
    )


def _are_knobs(tensor: _Tensor, defaults: dict[str, onnx.TensorProto]) -> bool:
    """Whether an input is the turns of knobs, as `streaming` writes it."""
    fits = len(tensor.shape) == 3 and tensor.shape[0] == tensor.shape[2] == 1 and bool(tensor.shape[1])
    return tensor.name == KNOBS and fits and tensor.name in defaults


def _tensor(info: onnx.ValueInfoProto, path: Path) -> _Tensor:
    kind = info.type.tensor_type
    if not info.type.HasField("tensor_type") or kind.elem_type != onnx.TensorProto.FLOAT:
        names = onnx.TensorProto.DataType
        found = names.Name(kind.elem_type) if kind.elem_type in names.values() else "another type"
        raise ModelFileError(path, f"has {info.name[:40]!r} of {found.lower()}, but float32 is expected")
    if not kind.HasField("shape"):
        raise ModelFileError(path, f"does not say the shape of {info.name[:40]!r}; export it with shapes")
    return _Tensor(info.name, tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim))


def _audio(tensors: list[_Tensor], what: str, path: Path) -> _Tensor:
    moving = [tensor for tensor in tensors if tensor.moving]
    listed = ", ".join(tensor.described() for tensor in tensors) or "none"
    if not moving:
        raise ModelFileError(
            path,
            f"has no audio {what} for blocks of any length (found {listed}); export it with a dynamic axis",
        )
    if len(moving) > 1:
        raise ModelFileError(path, f"has {len(moving)} {what}s of any length ({listed}), but one is expected")
    audio = moving[0]
    if len(audio.moving) > 1:
        raise ModelFileError(
            path,
            f"has the {what} {audio.described()} with {len(audio.moving)} dimensions of any length, not one",
        )
    if len(audio.shape) > MAX_DIMENSIONS:
        raise ModelFileError(
            path,
            f"has the {what} {audio.name[:40]!r} of {len(audio.shape)} dimensions, "
            f"but at most {MAX_DIMENSIONS} are expected",
        )
    if any(size != 1 for size in audio.shape if size is not None):
        raise ModelFileError(path, f"has the {what} {audio.described()}, but one channel is expected")
    return audio


def _layout(tensor: _Tensor) -> AudioTensor:
    return AudioTensor(tensor.name, len(tensor.shape), tensor.moving[0])


def _pair(
    sources: list[_Tensor], targets: list[_Tensor], defaults: set[str], path: Path
) -> list[tuple[_Tensor, _Tensor]]:
    """Every state's input with its output; an input with a default and no output is a constant."""
    named = [(source, target) for source in sources if (target := _named_after(source, targets)) is not None]
    paired = {source.name for source, _ in named}
    distinct = len({target.name for _, target in named}) == len(named)
    if distinct and all(source.name in paired | defaults for source in sources):
        return named
    for candidates in (sources, [source for source in sources if source.name not in defaults]):
        if [source.shape for source in candidates] == [target.shape for target in targets]:
            return list(zip(candidates, targets, strict=True))
    lists = (", ".join(t.described() for t in tensors) or "none" for tensors in (sources, targets))
    raise ModelFileError(path, "has inputs beside the audio ({}) that match no outputs ({})".format(*lists))


def _named_after(source: _Tensor, targets: Iterable[_Tensor]) -> _Tensor | None:
    name = source.name
    stem = name.removesuffix("_in").removesuffix("0").removesuffix("_")
    wanted = {f"{name}{suffix}" for suffix in ("_out", "_new", "_next", "_n", "n", ".1", "_o", "1")}
    wanted |= {f"{prefix}{name}" for prefix in ("out_", "new_", "next_", "output_")}
    wanted |= {f"{stem}{suffix}" for suffix in ("_out", "n", "_n", "1", "_new", "_next")}
    wanted |= {name.replace("in", "out"), name.replace("input", "output")} - {name}
    matches = [target for target in targets if target.name in wanted and target.shape == source.shape]
    return matches[0] if len(matches) == 1 else None


def _initial(source: _Tensor, default: onnx.TensorProto | None, path: Path) -> Array:
    shape = tuple(0 if size is None else size for size in source.shape)
    if any(size < 1 for size in shape) or np.prod(shape, dtype=np.float64) > MAX_MEMORY:
        raise ModelFileError(
            path, f"has the state {source.described()}, but a fixed and sane size is expected"
        )
    if default is None:
        return np.zeros(shape, np.float32)
    initial = numpy_helper.to_array(default)
    if initial.dtype != np.float32 or initial.shape != shape:
        raise ModelFileError(path, f"has a default for {source.described()} of another shape or type")
    return initial


def _rate(properties: dict[str, str], path: Path) -> float:
    text = properties.get("sample_rate") or properties.get("samplerate")
    if text is None:
        return DEFAULT_RATE
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not MIN_RATE <= rate <= MAX_RATE:
        raise ModelFileError(
            path, f"says a sample rate of {text[:20]!r}, but {MIN_RATE:g} to {MAX_RATE:g} is expected"
        )
    return rate


def _metadata(properties: dict[str, str]) -> Metadata:
    return Metadata(name=properties.get("name"), author=properties.get("author"))
