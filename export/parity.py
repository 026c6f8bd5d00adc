"""How closely two computations of one model agree, and whether a written ONNX file plays what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .document import read_bytes
from .errors import ModelFileError
from .model import Array, Chain, Compression, Container, Echo, Gru, Lstm, Network, NeuralModel, Stack, WaveNet
from .reference import evaluate, turns_of
from .reference_effects import Signal

BLOCKS = (1, 16, 64, 96, 441, 2048)
"""Block lengths at which a file is tried; blocks of 1 only over the first `SHORT` frames."""
SHORT = 512
TURNED = (0.8, 0.1, 0.6)
"""Where the knobs stand that are tried beside their defaults."""


@dataclass(frozen=True)
class Parity:
    """The largest difference of any sample, and the energy of the difference over that of the reference."""

    max_error: float
    esr: float

    def holds(self, network: Network) -> bool:
        """Within 1e-5 for each sample; in recurrent networks rounding feeds back: 1e-4 and an ESR of 1e-8."""
        if is_recurrent(network):
            return self.max_error <= 1e-4 and self.esr < 1e-8
        return self.max_error <= 1e-5


def is_recurrent(network: Network) -> bool:
    """Whether any part of a network has unlimited memory."""
    if isinstance(network, Stack):
        return any(isinstance(layer, Lstm | Gru) for layer in network.layers)
    if isinstance(network, Chain):
        return any(is_recurrent(model.network) for model in network.models)
    if isinstance(network, Container):
        return is_recurrent(network.active.network)
    if isinstance(network, WaveNet):
        return network.condition is not None and is_recurrent(network.condition.network)
    return isinstance(network, Echo | Compression)


def compare(output: ArrayLike, reference: ArrayLike) -> Parity:
    """The parity of two signals of one shape.

    Raises
    ------
    ValueError : they have different shapes
    """
    a, b = np.asarray(output, np.float64), np.asarray(reference, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"the output has the shape {a.shape}, but the reference has {b.shape}")
    difference = a - b
    error = float(np.abs(difference).max(initial=0.0))
    energy = float(np.sum(b * b))
    return Parity(error, float(np.sum(difference * difference)) / energy if energy else float(error > 0.0))


def check_parity(model: NeuralModel, input: ArrayLike, reference: ArrayLike) -> Parity:
    """Compare what a model should compute for ``input``, from its first sample, with a reference.

    Parameters
    ----------
    input, reference : shape (frames,)
    """
    return compare(evaluate(model, input), reference)


def excitation(frames: int = 4096, seed: int = 0) -> NDArray[np.float32]:
    """A test signal: an impulse, silence, noise that swells to full scale, and a low sine."""
    signal = np.random.default_rng(seed).uniform(-1.0, 1.0, frames) * np.linspace(0.0, 1.0, frames) ** 2
    signal[: frames // 16] = 0.0
    signal[0] = 1.0
    third = frames // 3
    signal[third : 2 * third] = 0.8 * np.sin(0.02 * np.arange(third))
    return signal.astype(np.float32)


def verify_file(path: Path | str, blocks: Sequence[int] = BLOCKS) -> Parity:
    """Play one of our ONNX files in onnxruntime, and compare with what its network should compute.

    Returns
    -------
    the worst parity over all block lengths

    Raises
    ------
    ModelFileError : the file is not one of ours, or onnxruntime cannot play it
    """
    from .onnx_file import read_onnx
    from .onnx_safety import MAX_ONNX_BYTES
    from .streaming import longest_block

    path = Path(path)
    model = read_onnx(path)
    if not isinstance(model, NeuralModel):
        raise ModelFileError(path, "does not say what its network is, so there is nothing to compare with")
    signal = excitation()
    expected = evaluate(model, signal)
    worst = Parity(0.0, 0.0)
    data = read_bytes(path, MAX_ONNX_BYTES)
    longest = longest_block(model.network) or max(blocks)
    shorter = sorted({min(block, longest) for block in blocks})
    plays: list[tuple[int, Array | None, Signal]] = [(block, None, expected) for block in shorter]
    if model.knobs is not None:
        knobs = model.knobs.knobs
        values = {knob.name: knob.from_turn(TURNED[n % len(TURNED)]) for n, knob in enumerate(knobs)}
        turns = turns_of(model, values).astype(np.float32).reshape(1, -1, 1)
        plays.append((min(64, longest), turns, evaluate(model, signal, knobs=values)))
    for block, set_to, reference in plays:
        frames = SHORT if block == 1 else len(signal)
        parity = compare(_play(data, signal[:frames], block, path, set_to), reference[:frames])
        worst = Parity(max(worst.max_error, parity.max_error), max(worst.esr, parity.esr))
    return worst


def _play(data: bytes, signal: Array, block: int, path: Path, turns: Array | None = None) -> Array:
    """The output of a streaming file for a signal, block by block; the first call leaves the states out.

    ``turns`` are those of the knobs, or None for their defaults.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of every state that has a default
    options.intra_op_num_threads = 1
    states: dict[str, NDArray[np.float32]] = {}
    outputs = []
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        for start in range(0, len(signal), block):
            feed = {"input": signal[np.newaxis, np.newaxis, start : start + block]} | states
            if turns is not None:
                feed["knobs"] = turns
            results = dict(zip(names, session.run(None, feed), strict=True))
            outputs.append(results.pop("output")[0, 0])
            states = {name.removesuffix("_out"): value for name, value in results.items()}
    except Exception as error:  # onnxruntime's exceptions share no public base
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(path, f"cannot be played by onnxruntime: {reason}") from None
    return np.concatenate(outputs)
