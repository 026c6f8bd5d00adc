"""Kernels against what NeuralAmpModelerCore, the C++ reference, made of the same captures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from tonerig.export.nam import read_nam

from .play import BLOCKS, Player, esr

CAPTURES = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "nam"
pytestmark = pytest.mark.skipif(not CAPTURES.exists(), reason="no captures in ../shared/data/nam")


@pytest.mark.parametrize("name", ["wavenet_a1_standard", "BossWN-nano", "A2"])
def test_convolutional_captures_match_the_reference_from_the_first_sample(name: str) -> None:
    """A WaveNet is within 1e-5 of the C++ reference everywhere, with the same bits at every block size."""
    _, signal = wavfile.read(CAPTURES / "input.wav")
    _, reference = wavfile.read(CAPTURES / f"{name}.output.wav")
    player = Player(read_nam(CAPTURES / f"{name}.nam").playable())
    output = player.play(signal, 64)
    assert np.abs(output - reference).max() < 1e-5
    for block in BLOCKS:
        assert np.array_equal(player.play(signal, block), output)


@pytest.mark.parametrize("name", ["BossLSTM-1x16", "lstm"])
def test_recurrent_captures_match_the_reference_from_the_first_sample(name: str) -> None:
    """An LSTM is within 1e-4 and ESR 1e-8 of the C++ reference, with the same bits at every block size."""
    _, signal = wavfile.read(CAPTURES / "input.wav")
    _, reference = wavfile.read(CAPTURES / f"{name}.output.wav")
    player = Player(read_nam(CAPTURES / f"{name}.nam").playable())
    output = player.play(signal, 64)
    assert np.abs(output - reference).max() < 1e-4
    assert esr(output, reference) < 1e-8
    for block in BLOCKS:
        assert np.array_equal(player.play(signal, block), output)
