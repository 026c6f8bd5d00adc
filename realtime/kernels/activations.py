"""Element-wise functions on vectors. Imported only where code is compiled.

``tanh`` is an odd rational function of degree 9/8, fitted to tanh on 0 to 9 by Lawson's weighted least
squares on the Sanathanan-Koerner linearisation, its last bits chosen by search for an error without
bias: at most 2.4e-7 in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from ..compiler.simd import absolute, fma, maximum, minimum, splat, where_positive

LIMIT = np.float32(8.98132515)
P = [np.float32(c) for c in (0.99999988, 0.133731976, 0.00348658138, 2.04718253e-05, 1.31842119e-08)]
Q = [np.float32(c) for c in (0.99999994, 0.467064947, 0.0258419774, 0.000327138463, 7.70266183e-07)]
P0, P1, P2, P3, P4 = P
Q0, Q1, Q2, Q3, Q4 = Q
ZERO, ONE, HALF, THREE, SIX, SIXTH = (np.float32(c) for c in (0.0, 1.0, 0.5, 3.0, 6.0, 1.0 / 6.0))


def functions(lanes: int) -> dict[str, Any]:
    """``tanh`` and ``sigmoid`` for vectors of a width."""

    @njit(forceinline=True)
    def tanh(x: Any) -> Any:
        x = maximum(minimum(x, splat(LIMIT, lanes)), splat(-LIMIT, lanes))
        u = x * x
        v = u * u
        # Estrin's scheme: half the latency of Horner's, which a recurrent network waits for.
        top = fma(v, fma(v, splat(P4, lanes), fma(u, splat(P3, lanes), splat(P2, lanes))),
                  fma(u, splat(P1, lanes), splat(P0, lanes)))  # fmt: skip
        bottom = fma(v, fma(v, splat(Q4, lanes), fma(u, splat(Q3, lanes), splat(Q2, lanes))),
                     fma(u, splat(Q1, lanes), splat(Q0, lanes)))  # fmt: skip
        return x * top / bottom

    @njit(forceinline=True)
    def sigmoid(x: Any) -> Any:
        half = splat(HALF, lanes)
        return fma(tanh(x * half), half, half)

    return {"tanh": tanh, "sigmoid": sigmoid}


def activation(kind: str, parameters: Sequence[float], lanes: int) -> Any:
    """A compiled element-wise function by its name in `.nam` files."""
    smooth = functions(lanes)
    tanh, sigmoid = smooth["tanh"], smooth["sigmoid"]
    if kind == "Tanh":
        return tanh
    if kind == "Sigmoid":
        return sigmoid
    if kind == "ReLU":
        return njit(forceinline=True)(lambda x: maximum(x, splat(ZERO, lanes)))
    if kind == "LeakyReLU":
        slope = np.float32(parameters[0])
        return njit(forceinline=True)(lambda x: where_positive(x, x, x * splat(slope, lanes)))
    if kind == "Hardtanh":
        return njit(forceinline=True)(lambda x: maximum(minimum(x, splat(ONE, lanes)), splat(-ONE, lanes)))
    if kind == "SiLU":
        return njit(forceinline=True)(lambda x: x * sigmoid(x))
    if kind == "Softsign":
        return njit(forceinline=True)(lambda x: x / (splat(ONE, lanes) + absolute(x)))
    if kind == "Hardswish":
        return njit(forceinline=True)(
            lambda x: (
                x
                * splat(SIXTH, lanes)
                * maximum(minimum(x + splat(THREE, lanes), splat(SIX, lanes)), splat(ZERO, lanes))
            )
        )
    if kind == "LeakyHardtanh":
        low, high, low_slope, high_slope = (np.float32(p) for p in parameters)
        return njit(forceinline=True)(
            lambda x: (
                maximum(minimum(x, splat(high, lanes)), splat(low, lanes))
                + minimum(x - splat(low, lanes), splat(ZERO, lanes)) * splat(low_slope, lanes)
                + maximum(x - splat(high, lanes), splat(ZERO, lanes)) * splat(high_slope, lanes)
            )
        )
    raise ValueError(f"no compiled activation {kind}")
