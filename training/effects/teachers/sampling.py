"""Settings drawn by chance, from which a network learns knobs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .teacher import Teacher, TeacherError

END_SHARE = 0.2
"""How often a knob is at one of its ends, where a network would else hear little."""


def sample_settings(
    teacher: Teacher, names: Iterable[str], generator: np.random.Generator
) -> dict[str, float]:
    """A value for each of some parameters, drawn evenly in turns and more often at the ends.

    Parameters
    ----------
    teacher : whose parameters they are
    names : of those that are drawn
    generator : the same state gives the same values

    Returns
    -------
    dict of str to float
        The drawn values alone, in the parameters' units and in the order of ``names``.

    Raises
    ------
    TeacherError
        For a name that the teacher does not have.
    """
    known = {parameter.name: parameter for parameter in teacher.parameters}
    drawn = {}
    for name in names:
        if name not in known:
            raise TeacherError(f"{teacher.name} has no parameter {name!r} to draw; it has {', '.join(known)}")
        parameter = known[name]
        if parameter.choices:
            drawn[name] = float(generator.integers(len(parameter.choices)))
        elif generator.random() < END_SHARE:
            drawn[name] = float(generator.choice((parameter.minimum, parameter.maximum)))
        else:
            drawn[name] = parameter.from_turn(generator.random())
    return drawn
