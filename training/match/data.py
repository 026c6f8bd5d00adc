"""Sounds to learn from, drawn by number and rendered when they are needed; kept in no file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...realtime.match.synths import MatchedSynth, Part

DRAWN_AT_ONCE = 4096


class Sounds:
    """The sounds of one part of one seed.

    Parameters
    ----------
    synth : that plays them
    part : whose settings no other part has
    seed : of the draw
    threads : that render; all cores by default
    """

    def __init__(self, synth: MatchedSynth, part: Part, seed: int, threads: int | None = None) -> None:
        self.synth, self.part, self.seed, self.threads = synth, part, seed, threads
        self._drawn: dict[int, NDArray[np.uint8]] = {}

    def levels(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Levels of the sounds of these numbers, shape (sounds, parameters)."""
        blocks, places = np.divmod(np.asarray(numbers), DRAWN_AT_ONCE)
        found = np.empty((len(blocks), len(self.synth.parameters)), np.int64)
        for block in np.unique(blocks):
            here = blocks == block
            found[here] = self._block(int(block))[places[here]]
        return found

    def rendered(self, levels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Their sounds, shape (sounds, frames)."""
        return self.synth.render(self.synth.values(levels), threads=self.threads)

    def _block(self, block: int) -> NDArray[np.uint8]:
        if block not in self._drawn:
            first = block * DRAWN_AT_ONCE
            self._drawn[block] = self.synth.drawn(self.seed, self.part, first, DRAWN_AT_ONCE).astype(np.uint8)
        return self._drawn[block]


def order(seed: int, sounds: int, epochs: int, batch: int, step: int) -> Iterator[NDArray[np.int64]]:
    """Numbers of the sounds of each batch, from a step on: every epoch in an order of its own.

    Each is int64 of shape (batch,); an epoch's last sounds are left out where they fill no batch.
    """
    steps = sounds // batch
    for epoch in range(step // steps, epochs):
        numbers = np.arange(sounds)
        if epochs > 1:
            numbers = np.random.Generator(np.random.PCG64([seed, epoch])).permutation(sounds)
        for k in range(step - epoch * steps if epoch == step // steps else 0, steps):
            yield numbers[k * batch : (k + 1) * batch]
