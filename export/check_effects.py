"""Are a gain, a response, an echo, a modulation, a compression, and a model's knobs sound?"""

from __future__ import annotations

import math
import re

import numpy as np

from .check_values import array_of
from .errors import UnsoundError
from .model import (
    Activation,
    Array,
    Chain,
    Compression,
    Container,
    Dense,
    Echo,
    Gain,
    Knob,
    Knobs,
    Modulation,
    Network,
    Response,
)

MAX_FEATURES = 64
MAX_KNOBS = 16
MAX_NAME, MAX_UNIT, MAX_DESCRIPTION = 40, 20, 500
"""Letters in what a knob says of itself."""
MAX_LIMIT = 1e9
"""Of a knob's range."""
MAX_FILTER = 2**23
MIN_DELAY, MAX_DELAY = 64, 2**22
MAX_POINTS = 2**16
MAX_MOVED = 2**20
"""Samples by which an oscillator delays at most."""
MAX_VOICES = 16
MAX_LEVELS = 4096
MAX_LEVEL_DB = 500.0
MAX_EXPONENT = 50.0
"""Of e in a gain, for every turn of the knobs whose features lie within -1 and 1."""
NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def check_knobs(knobs: Knobs) -> None:
    """Refuse knobs with unusable names or ranges, and features that are no small dense network.

    Raises
    ------
    UnsoundError : with what is wrong
    """
    if not 1 <= len(knobs.knobs) <= MAX_KNOBS:
        raise UnsoundError(f"has {len(knobs.knobs)} knobs, but 1 to {MAX_KNOBS} are expected")
    for knob in knobs.knobs:
        _check_knob(knob)
    names = [knob.name for knob in knobs.knobs]
    if len(set(names)) < len(names):
        raise UnsoundError(f"has knobs of the same name ({', '.join(names)})")
    layers = knobs.features.layers
    if not all(isinstance(layer, Dense | Activation) for layer in layers):
        raise UnsoundError("computes features of its knobs with layers other than dense ones and activations")
    if not any(isinstance(layer, Dense) for layer in layers):
        raise UnsoundError("has no dense layer between its knobs and their features")
    plain = (knobs.features.skip, knobs.features.input_gain, knobs.features.output_gain)
    if plain != (False, 1.0, 1.0):
        raise UnsoundError("has features with a skip or a gain of their own, but plain layers are expected")


def _check_knob(knob: Knob) -> None:
    if len(knob.name) > MAX_NAME or NAME.fullmatch(knob.name) is None:
        raise UnsoundError(
            f"has a knob named {knob.name[:MAX_NAME]!r}, "
            f"but up to {MAX_NAME} letters, digits and _ are expected"
        )
    if len(knob.unit) > MAX_UNIT or len(knob.description) > MAX_DESCRIPTION:
        raise UnsoundError(f"says too much about its knob {knob.name}")
    if not (knob.unit.isprintable() and knob.description.isprintable()):
        raise UnsoundError(f"says of its knob {knob.name} what cannot be printed on a line")
    low, high, default = knob.minimum, knob.maximum, knob.default
    if not (-MAX_LIMIT <= low <= default <= high <= MAX_LIMIT and low < high):
        raise UnsoundError(
            f"has the knob {knob.name} from {low:g} to {high:g} with the default {default:g}, "
            "but a default within a range is expected"
        )
    if knob.curve not in ("linear", "logarithmic"):
        raise UnsoundError(f"has the knob {knob.name} with the unknown curve {str(knob.curve)[:40]!r}")
    if knob.curve == "logarithmic" and not (low >= 1.0 / MAX_LIMIT and high >= (1.0 + 1e-6) * low):
        raise UnsoundError(
            f"has the logarithmic knob {knob.name} from {low:g} to {high:g}, but it starts above 0, "
            "and turning it changes it"
        )


def check_effect(
    network: Gain | Response | Echo | Modulation | Compression, features: int, rate: float
) -> None:
    """Refuse a network with unfit shapes, numbers that are not finite, or absurd sizes.

    Parameters
    ----------
    features : of the whole model's knobs, 0 without
    rate : Hz

    Raises
    ------
    UnsoundError : with what is wrong
    """
    if isinstance(network, Gain):
        array_of(network.exponent, (1 + features,), "gain (exponent)")
        if float(np.abs(network.exponent).sum(dtype=np.float64)) > MAX_EXPONENT:
            raise UnsoundError(f"has a gain with an exponent beyond {MAX_EXPONENT:g}")
    elif isinstance(network, Response):
        taps = network.taps
        if taps.ndim != 2:
            raise UnsoundError(f"response (taps) has {taps.ndim} dimensions, but 2 are expected")
        _between(taps.shape[1], 1, MAX_FILTER, "response (taps) has {} taps")
        array_of(taps, (1 + features, taps.shape[1]), "response (taps)")
    elif isinstance(network, Echo):
        for name in ("direct", "enter", "loop"):
            _filter(getattr(network, name), f"echo ({name})")
        _between(network.delay, MIN_DELAY, MAX_DELAY, "echo has a delay of {} samples")
        if _peak(network.loop) > 1.0:
            raise UnsoundError(
                f"has an echo whose loop amplifies {_peak(network.loop):.3g} times, but 1 is the most"
            )
    elif isinstance(network, Modulation):
        _check_modulation(network, rate)
    else:
        _check_compression(network)


def _check_modulation(network: Modulation, rate: float) -> None:
    _filter(network.direct, "modulation (direct)")
    _filter(network.wet, "modulation (wet)")
    _line(network.delay, "modulation (delay)", 2, MAX_POINTS + 1)
    array_of(network.gain, network.delay.shape, "modulation (gain)")
    low, high = float(network.delay.min()), float(network.delay.max())
    if not 0.0 <= low <= high <= MAX_MOVED:
        raise UnsoundError(
            f"has a modulation with delays from {low:g} to {high:g} samples, "
            f"but 0 to {MAX_MOVED} are expected"
        )
    if not 0.0 < network.rate_hz < rate / 2:
        raise UnsoundError(
            f"has a modulation at {network.rate_hz:g} Hz, but above 0 and below {rate / 2:g} is expected"
        )
    if not 0.0 <= network.phase <= 1.0:
        raise UnsoundError(f"has a modulation with the phase {network.phase:g}, but 0 to 1 is expected")
    _between(network.voices, 1, MAX_VOICES, "modulation has {} voices")


def _check_compression(network: Compression) -> None:
    for name, value in (("attack", network.attack), ("release", network.release)):
        if not 0.0 <= value < 1.0:
            raise UnsoundError(f"has a compression with the {name} {value:g}, but 0 to below 1 is expected")
    _line(network.levels_db, "compression (levels)", 1, MAX_LEVELS)
    array_of(network.gains_db, network.levels_db.shape, "compression (gains)")
    _filter(network.response, "compression (response)")
    if bool((np.diff(network.levels_db) <= 0.0).any()):
        raise UnsoundError("has a compression whose levels do not ascend")
    for values in (network.levels_db, network.gains_db):
        if float(np.abs(values).max()) > MAX_LEVEL_DB:
            raise UnsoundError(f"has a compression with levels or gains beyond {MAX_LEVEL_DB:g} dB")


def _filter(taps: Array, name: str) -> None:
    _line(taps, name, 1, MAX_FILTER)


def _line(values: Array, name: str, minimum: int, maximum: int) -> None:
    """Check an array of one dimension."""
    if values.ndim != 1:
        raise UnsoundError(f"{name} has {values.ndim} dimensions, but 1 is expected")
    _between(len(values), minimum, maximum, name + " has {} numbers")
    array_of(values, values.shape, name)


def _between(value: int, minimum: int, maximum: int, found: str) -> None:
    if not minimum <= value <= maximum:
        raise UnsoundError(f"{found.format(value)}, but {minimum} to {maximum} are expected")


def _peak(taps: Array) -> float:
    """The largest gain of a filter at any frequency of a fine grid, less a rounding."""
    bins = max(2**16, 2 ** math.ceil(math.log2(2 * len(taps))))
    spectrum = np.fft.rfft(taps.astype(np.float64), bins)
    return float(np.abs(spectrum).max()) - 1e-6


def count_taps(network: Network) -> int:
    """Numbers in all filters of a network's effects."""
    if isinstance(network, Chain):
        return sum(count_taps(model.network) for model in network.models)
    if isinstance(network, Container):
        return sum(count_taps(model.network) for _, model in network.submodels)
    if isinstance(network, Response):
        return network.taps.size
    if isinstance(network, Echo):
        return len(network.direct) + len(network.enter) + len(network.loop)
    if isinstance(network, Modulation):
        return len(network.direct) + len(network.wet)
    return len(network.response) if isinstance(network, Compression) else 0


def effect_memory(network: Gain | Response | Echo | Modulation | Compression) -> int:
    """Past samples that an effect keeps."""
    if isinstance(network, Response):
        return network.taps.shape[1]
    if isinstance(network, Echo):
        entering = max(network.delay + len(network.enter), len(network.direct))
        return entering + network.delay + len(network.loop)
    if isinstance(network, Modulation):
        moved = math.ceil(float(network.delay.max())) + 1
        return max(moved, len(network.direct)) + len(network.wet)
    return len(network.response) if isinstance(network, Compression) else 0
