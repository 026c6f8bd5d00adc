"""What the study's models are asked for and how well they answer: switches, and knobs from 0 to 10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....realtime.parameters import Parameter
from ....realtime.synths.two import DESTINATIONS

SCALE = 10.0
"""Of knobs: fully turned."""
_MOVED = (("lfo_destination", DESTINATIONS[1:]),)
GATES: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "pulse_width": (("osc_1_wave", ("pulse",)), ("osc_2_wave", ("pulse",))),
    "lfo_rate_hz": _MOVED,
    "lfo_amount": _MOVED,
}
"""Switches, and those of their positions, that a knob is heard with: one of them is enough."""


@dataclass(frozen=True)
class Targets:
    """A synthesizer's parameters as the study sees them."""

    parameters: tuple[Parameter, ...]

    @property
    def switches(self) -> tuple[int, ...]:
        """Places of the parameters with named positions."""
        return tuple(k for k, p in enumerate(self.parameters) if p.choices)

    @property
    def knobs(self) -> tuple[int, ...]:
        """Places of the others."""
        return tuple(k for k, p in enumerate(self.parameters) if not p.choices)

    def answers(self, levels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Levels as answers are given, shape (sounds, parameters): positions, and knobs from 0 to 10."""
        scale = [1.0 if p.choices else SCALE / (p.levels - 1) for p in self.parameters]
        return levels * np.array(scale)

    def gates(self) -> dict[int, tuple[tuple[int, tuple[int, ...]], ...]]:
        """`GATES` by places: of a knob, of switches and of their positions."""
        places = {p.name: k for k, p in enumerate(self.parameters)}
        return {
            places[knob]: tuple(
                (places[name], tuple(self.parameters[places[name]].choices.index(c) for c in positions))
                for name, positions in opened
            )
            for knob, opened in GATES.items()
            if knob in places
        }

    def heard(self, levels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the switches let a parameter be heard, shape (sounds, parameters)."""
        found = np.ones(levels.shape, bool)
        for knob, opened in self.gates().items():
            found[:, knob] = np.any([np.isin(levels[:, s], positions) for s, positions in opened], axis=0)
        return found

    def scores(self, answers: NDArray[np.float64], levels: NDArray[np.int64]) -> Scores:
        """How near some answers come to the levels that were played, shape (sounds, parameters) both."""
        truth, heard = self.answers(levels), self.heard(levels)
        away = np.abs(answers - truth)
        return Scores(
            {self.parameters[k].name: float(np.mean(answers[:, k] == truth[:, k])) for k in self.switches},
            {self.parameters[k].name: float(np.mean(away[:, k])) for k in self.knobs},
            {self.parameters[k].name: float(np.mean(away[heard[:, k], k])) for k in self.gates()},
        )


@dataclass(frozen=True)
class Scores:
    """What the study reports of a model.

    Attributes
    ----------
    accuracy : share of sounds with the right position, of each switch
    error : mean absolute error from 0 to 10 over all sounds, of each knob
    heard_error : the same over the sounds whose switches let the knob be heard, of those that have such
    """

    accuracy: dict[str, float]
    error: dict[str, float]
    heard_error: dict[str, float]

    @property
    def mean_accuracy(self) -> float:
        """Over the switches, as the study averages."""
        return float(np.mean(list(self.accuracy.values())))

    @property
    def mean_error(self) -> float:
        """Over the knobs, as the study averages."""
        return float(np.mean(list(self.error.values())))

    def as_json(self) -> dict[str, Any]:
        """Everything as numbers and names."""
        return {
            "accuracy": self.mean_accuracy,
            "error": self.mean_error,
            "switches": self.accuracy,
            "knobs": self.error,
            "knobs_heard": self.heard_error,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Scores:
        """What `as_json` told.

        Raises
        ------
        KeyError
        """
        return cls(dict(told["switches"]), dict(told["knobs"]), dict(told["knobs_heard"]))
