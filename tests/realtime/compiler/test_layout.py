"""A state and the states it owns."""

from __future__ import annotations

import numpy as np
from tonerig.realtime.compiler.layout import State

COUNT = np.dtype([("count", "i8")])


def test_parts_are_sealed_and_reset_with_their_owner() -> None:
    """What was sealed through the owner comes back in a part of a part."""
    owner, part, inner = State(COUNT), State(COUNT), State(COUNT)
    owner.parts.append(part)
    part.parts.append(inner)
    for state, count in ((owner, 1), (part, 2), (inner, 3)):
        state.record["count"] = count
    owner.seal()
    for state in (owner, part, inner):
        state.record["count"] = 9
    owner.reset()
    assert [int(state.record["count"]) for state in (owner, part, inner)] == [1, 2, 3]


def test_a_part_that_cannot_be_locked_is_told() -> None:
    """Memory counts as kept out of the swap file when all parts are."""

    class Unlockable(State):
        def lock(self) -> bool:
            return False

    owner = State(COUNT)
    owner.parts.append(Unlockable(COUNT))
    assert not owner.lock()
