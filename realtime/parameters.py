"""The one definition of a parameter: its name, unit, range, curve and default, and both conversions.

The audio thread, preset files, the command line, MIDI mapping and the estimators' labels all read
this; nothing states a range a second time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Curve: TypeAlias = Literal["linear", "logarithmic"]


class ParameterError(ValueError):
    """A value that a parameter does not take, or a parameter that does not exist."""


@dataclass(frozen=True)
class Parameter:
    """A knob or a switch.

    Parameters
    ----------
    name : as in presets, with its unit as suffix where it has one: ``threshold_db``
    minimum, maximum, default : in ``unit``
    unit : what a musician reads: ``"dB"``, ``"Hz"``, ``"s"``, ``"ms"``, ``"%"`` or nothing
    curve : how a knob's turn maps to the value; ``"logarithmic"`` needs ``minimum`` > 0
    choices : names of a switch's positions 0, 1, …; the value is the position
    description : one sentence
    levels : points of the grid on which estimators tell values apart, evenly spaced in turns; a switch has
        its positions; 0: no grid
    """

    name: str
    minimum: float
    maximum: float
    default: float
    unit: str = ""
    curve: Curve = "linear"
    choices: tuple[str, ...] = ()
    description: str = ""
    levels: int = 0

    def __post_init__(self) -> None:
        if not self.minimum <= self.default <= self.maximum or self.minimum >= self.maximum:
            raise ValueError(f"{self.name}: the default must lie in a range that is not empty")
        if self.curve == "logarithmic" and self.minimum <= 0:
            raise ValueError(f"{self.name}: a logarithmic range starts above 0")
        if self.levels == 1 or self.levels < 0 or (self.choices and self.levels != len(self.choices)):
            raise ValueError(f"{self.name}: a grid has two levels or more, a switch's its positions")

    @classmethod
    def switch(cls, name: str, *choices: str, default: str, description: str = "") -> Parameter:
        """A switch between named positions."""
        position = float(choices.index(default))
        last = len(choices) - 1
        return cls(name, 0, last, position, choices=choices, description=description, levels=len(choices))

    def check(self, value: Any) -> float:
        """The value as a float in ``unit``, from a number, a switch position's name or its text.

        Raises
        ------
        ParameterError
            for anything that is not a number in the range or a position's name.
        """
        if isinstance(value, str) and value in self.choices:
            return float(self.choices.index(value))
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise ParameterError(f"{self.name} is {value!r:.60}, expected {self.range_text()}") from None
        if isinstance(value, bool) and not self.choices:
            raise ParameterError(f"{self.name} is {value!r}, expected {self.range_text()}")
        if not self.minimum <= number <= self.maximum:  # also refuses NaN
            raise ParameterError(f"{self.name} is {number:g}, expected {self.range_text()}")
        if self.choices and number != round(number):
            raise ParameterError(f"{self.name} is {number:g}, expected {self.range_text()}")
        return number

    def range_text(self) -> str:
        """The range in words: ``"-100 to 0 dB"`` or ``"one of saw, pulse"``."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return f"{self.minimum:g} to {self.maximum:g} {self.unit}".rstrip()

    def text(self, value: float) -> str:
        """A value as a musician reads it."""
        if self.choices:
            return self.choices[round(value)]
        return f"{value:g} {self.unit}".rstrip()

    def from_turn(self, turn: float) -> float:
        """The value at a knob's turn, 0 to 1 (clipped)."""
        turn = min(1.0, max(0.0, turn))
        if self.choices:
            return float(round(turn * self.maximum))
        if self.curve == "logarithmic":
            return self.minimum * (self.maximum / self.minimum) ** turn
        return self.minimum + turn * (self.maximum - self.minimum)

    def to_turn(self, value: float) -> float:
        """The knob's turn, 0 to 1, for a value in ``unit``."""
        if self.curve == "logarithmic":
            return math.log(value / self.minimum) / math.log(self.maximum / self.minimum)
        return (value - self.minimum) / (self.maximum - self.minimum)

    def grid(self) -> NDArray[np.float64]:
        """The values of its levels, in ``unit``, shape (levels,)."""
        return np.array([self.from_turn(k / (self.levels - 1)) for k in range(self.levels)])

    def sample(self, generator: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Levels drawn evenly, shape (count,)."""
        return generator.integers(0, self.levels, count)

    def encode(self, values: ArrayLike) -> NDArray[np.int64]:
        """The nearest level, in turns, for each value."""
        turns = [self.to_turn(float(value)) for value in np.ravel(values)]
        nearest = np.rint(np.array(turns) * (self.levels - 1)).astype(np.int64)
        return np.clip(nearest, 0, self.levels - 1).reshape(np.shape(values))

    def decode(self, levels: ArrayLike) -> NDArray[np.float64]:
        """The value of each level, in ``unit``."""
        return self.grid()[np.asarray(levels)]
