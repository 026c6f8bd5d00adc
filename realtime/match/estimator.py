"""An estimator: an ONNX file that tells the levels of a synthesizer's parameters from a spectrogram.

Its input ``magnitudes`` is what `spectrogram.magnitudes` gives, its output ``logits`` has for each parameter
one number a level, all side by side. A JSON text in its metadata says which synthesizer it was made for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...export.errors import ModelFileError
from ..documents import printable
from .spectrogram import HOP
from .synths import MatchedSynth, matched_synth

KEY = "tonerig.estimator"
"""Of the metadata."""
OPERATORS = frozenset(
    {
        *(
            "Add",
            "AveragePool",
            "BatchNormalization",
            "Cast",
            "Clip",
            "Concat",
            "Constant",
            "Conv",
            "Div",
            "Erf",
        ),
        *("Erf", "Flatten", "Gather", "Gelu", "Gemm", "GlobalAveragePool", "Identity", "Log"),
        *("LayerNormalization",),
        *("MatMul", "Max", "MaxPool", "Mul", "Pad", "ReduceMax", "ReduceMean", "Relu", "Reshape", "Shape"),
        *("Sigmoid", "Slice", "Softmax", "Sqrt", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze"),
    }
)
"""What a file may compute: nothing that loops, calls or reads other files."""
LARGEST_FILE = 64 * 2**20


class EstimatorError(ValueError):
    """A file that is no estimator, or one of another synthesizer."""


def described(synth: MatchedSynth) -> dict[str, Any]:
    """What an estimator's file says of its synthesizer."""
    return {
        "format": 1,
        "synth": synth.name,
        "parameters": [[parameter.name, parameter.levels] for parameter in synth.parameters],
        "rate": synth.rate,
        "frames": synth.frames,
        "key": synth.key,
        "key_up_s": synth.key_up_s,
        "window": synth.window,
        "hop": HOP,
    }


@dataclass(frozen=True)
class Estimator:
    """Tells levels from spectrograms.

    Attributes
    ----------
    synth : whose parameters
    training : what the file says of how it was made
    file : its name
    """

    synth: MatchedSynth
    training: Mapping[str, Any]
    file: str
    _session: Any

    def logits(self, heard: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logarithms of unscaled probabilities.

        Parameters
        ----------
        heard : shape (sounds, windows, bins), from `spectrogram.magnitudes`

        Returns
        -------
        ndarray, shape (sounds, sum of the parameters' levels)

        Raises
        ------
        EstimatorError
            If they are no numbers.
        """
        (found,) = self._session.run(["logits"], {"magnitudes": np.ascontiguousarray(heard, np.float32)})
        logits = np.asarray(found)
        if not np.isfinite(logits).all():
            raise EstimatorError(f"{self.file}: tells values that are no numbers; train it again")
        return logits

    def probabilities(self, heard: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """For each parameter the probabilities of its levels, shape (sounds, levels)."""
        return probabilities(self.logits(heard), self.synth.levels)


def probabilities(logits: NDArray[np.float32], levels: Sequence[int]) -> list[NDArray[np.float32]]:
    """Softmax within each parameter's levels; ``logits`` has shape (sounds, sum of the levels)."""
    parts = np.split(logits, np.cumsum(levels)[:-1], axis=1)
    raised = [np.exp(part - part.max(axis=1, keepdims=True)) for part in parts]
    return [part / part.sum(axis=1, keepdims=True) for part in raised]


def shipped_estimator(synth: str) -> Path:
    """The file of the estimator that comes with tonerig."""
    return Path(str(resources.files("tonerig.presets"))) / "estimators" / f"{matched_synth(synth).name}.onnx"


def load_estimator(path: Path, synth: MatchedSynth | None = None, threads: int = 1) -> Estimator:
    """Read an estimator.

    Parameters
    ----------
    synth : whose parameters it has to tell; None: whichever it says
    threads : of ONNX Runtime

    Raises
    ------
    EstimatorError
        when the file cannot be read, is no estimator, or is one of another synthesizer or another grid.
    """
    import onnxruntime

    from ...export.onnx_safety import parse_onnx

    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise EstimatorError(f"{path}: has {size / 2**20:.0f} MB, an estimator has 64 at most")
        content = path.read_bytes()
        model = parse_onnx(content, path)
    except OSError as error:
        raise EstimatorError(f"{path}: cannot be read ({error.strerror})") from None
    except ModelFileError as error:
        raise EstimatorError(printable(f"{path}: {error.problem}")) from None
    said = {entry.key: entry.value for entry in model.metadata_props}.get(KEY)
    if said is None:
        raise EstimatorError(f"{path}: is no estimator; tonerig train match writes them")
    found, training = _check(path, said, synth)
    strange = sorted(
        {node.op_type for node in model.graph.node if node.domain or node.op_type not in OPERATORS}
    )
    if strange or model.functions:
        what = printable(", ".join(name[:40] for name in strange[:5])) or "functions"
        raise EstimatorError(f"{path}: computes {what}, which no estimator needs")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        estimator = Estimator(found, training, path.name, session)
        silence = np.zeros((2, -(-found.frames // HOP), found.window // 2 + 1), np.float32)
        shape = estimator.logits(silence).shape
    except EstimatorError:
        raise
    except Exception as error:  # ONNX Runtime's own, of several kinds
        why = printable(" ".join(str(error).split()))
        raise EstimatorError(f"{path}: cannot be run ({why:.120})") from None
    if shape != (2, sum(found.levels)):
        raise EstimatorError(f"{path}: tells {shape} levels of two sounds, expected {(2, sum(found.levels))}")
    return estimator


def _check(path: Path, said: str, synth: MatchedSynth | None) -> tuple[MatchedSynth, Mapping[str, Any]]:
    try:
        text = json.loads(said)
        name, training = str(text["synth"]), dict(text.get("training", {}))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise EstimatorError(f"{path}: its description cannot be read") from None
    if synth is not None and name != synth.name:
        raise EstimatorError(f"{path}: tells the parameters of the synth {name!r:.40}, not of {synth.name!r}")
    try:
        found = matched_synth(name)
    except ValueError as error:
        raise EstimatorError(f"{path}: {error}") from None
    expected = json.loads(json.dumps(described(found)))
    differing = [key for key, value in expected.items() if text.get(key) != value]
    if differing:
        what = ", ".join(differing)
        raise EstimatorError(
            f"{path}: was made for another form of the synth {name!r} ({what}); train it again"
        )
    return found, training
