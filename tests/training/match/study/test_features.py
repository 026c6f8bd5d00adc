"""The study's features, beside librosa called as its documentation has it."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
from tonerig.training.match.study.features import features

SOUNDS = (
    np.sin(2 * np.pi * 220 / 22050 * np.arange(22050)) * np.array([[1.0], [0.1], [0.0]])
    + np.array([[0.01], [0.1], [0.0]]) * np.random.default_rng(3).standard_normal((3, 22050))
).astype(np.float32)


def test_shapes() -> None:
    """A second has 44 windows, of 20 coefficients or 32 bands."""
    assert {name: heard.shape for name, heard in features(SOUNDS).items()} == {
        "mfcc": (3, 44, 20),
        "mel": (3, 44, 32),
        "mel_db": (3, 44, 32),
    }


@pytest.mark.parametrize("k", range(3))
def test_are_librosas(k: int) -> None:
    """Each sound's features are what librosa gives for it alone: a tone, a noisy one, silence."""
    heard = features(SOUNDS)
    settings = {"y": SOUNDS[k], "sr": 22050, "n_fft": 2048, "hop_length": 512}
    mel = librosa.feature.melspectrogram(n_mels=32, **settings)
    np.testing.assert_allclose(heard["mel"][k], mel.T, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(heard["mel_db"][k], librosa.power_to_db(mel).T, atol=1e-3)
    np.testing.assert_allclose(heard["mfcc"][k], librosa.feature.mfcc(n_mfcc=20, **settings).T, atol=2e-3)


def test_other_rates_are_converted() -> None:
    """A tone at twice the rate has the features of the same tone at 22 050 Hz, away from its ends."""
    high, low = (
        np.sin(2 * np.pi * 440 / rate * np.arange(int(rate)))[None].astype(np.float32)
        for rate in (44100.0, 22050.0)
    )
    found, expected = features(high, 44100.0)["mel_db"], features(low)["mel_db"]
    assert found.shape == expected.shape
    loud = expected[0, 5:-5] > expected.max() - 40
    np.testing.assert_allclose(found[0, 5:-5][loud], expected[0, 5:-5][loud], atol=0.1)
