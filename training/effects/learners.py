"""Networks that are estimated from dry and wet sound at once, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...export.model import NeuralModel
from .compression import learn_compression
from .data import Pair
from .echo import learn_echo
from .linear import learn_linear
from .modulation import learn_modulation


def estimate(network: str, pairs: Sequence[Pair], progress: Callable[[float], None]) -> NeuralModel:
    """A model of an effect by least squares and search, without descent: one of `config.ESTIMATED`.

    Parameters
    ----------
    network : ``linear`` (filters, cabinets, reverb), ``echo`` (delay), ``modulation`` (chorus, vibrato),
        ``octave`` (pitch shift) or ``compression``
    pairs : of dry and wet sound
    progress : called with the part that is done, 0 to 1

    Raises
    ------
    TrainingError
        If the sound is not of such an effect.
    """
    if network == "linear":
        return learn_linear(pairs, progress=progress)
    if network == "echo":
        return learn_echo(pairs, progress=progress)
    if network == "modulation":
        return learn_modulation(pairs, progress=progress)
    if network == "compression":
        return learn_compression(pairs, progress=progress)
    from .octave import learn_octave  # needs librosa

    return learn_octave(pairs, progress=progress)
