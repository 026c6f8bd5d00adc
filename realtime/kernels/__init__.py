"""Compiled inference for neural models of known shapes, and which kernel plays which model.

Each kernel module states which networks it takes (`takes`), the units of compiled code that a
network's shape needs (`units`, the first of which has ``process``) and the memory it starts from
(`make_state`); its ``compile`` runs in the compiling process only. All run one channel at the
model's own rate, under the processors' ABI.
"""

from __future__ import annotations

from typing import Protocol

from ...export.model import NeuralModel
from ..compiler.layout import State
from ..compiler.unit import Unit
from . import chain, compression, convolution, echo, feedforward, gain, knobs, modulation, recurrent, response


class Kernel(Protocol):
    """What a kernel's module offers."""

    def takes(self, model: NeuralModel) -> bool: ...
    def units(self, model: NeuralModel) -> tuple[Unit, ...]: ...
    def make_state(self, model: NeuralModel) -> State: ...


KERNELS: tuple[Kernel, ...] = (
    recurrent,
    feedforward,
    convolution,
    gain,
    echo,
    modulation,
    compression,
    response,
    chain,
)


def kernel_for(model: NeuralModel) -> Kernel | None:
    """The kernel that plays a model; None where ONNX Runtime has to."""
    if model.knobs is not None:
        return knobs if knobs.takes(model) else None
    return next((kernel for kernel in KERNELS if kernel.takes(model)), None)
