"""Hold a model's knobs, so that formats without knobs can say it."""

from __future__ import annotations

from .errors import CannotSayError
from .model import NeuralModel


def refuse_knobs(model: NeuralModel) -> None:
    """Refuse a model with knobs, for a format that has none.

    Raises
    ------
    CannotSayError : the model has knobs
    """
    if model.knobs is not None:
        held = " ".join(f"--set {knob.name}={knob.default:g}" for knob in model.knobs.knobs)
        raise CannotSayError(f"knobs (hold them in `tonerig convert` with {held})")
