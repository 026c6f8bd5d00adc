"""The tone stack against the transfer function that Yeh and Smith publish, and against the circuit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import bilinear, butter, freqz, sosfilt
from tonerig.realtime.processors.tone_stack import ToneStack

from tests.realtime.run import RATE, noise, prepared, response, run, sine

FREQUENCIES = np.geomspace(20, 20000, 40)
R1, R2, R3, R4 = 250e3, 1e6, 25e3, 56e3
C1, C2, C3 = 250e-12, 20e-9, 20e-9
KNOBS = [(5, 5, 5), (0, 0, 0), (10, 10, 10), (10, 0, 3), (2, 10, 7.5), (0, 5, 10)]


def published(bass: float, middle: float, treble: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Numerator and denominator in s, highest power first: DAFx-06, the table after equation 1."""
    low, m, t = np.exp(3.4 * (bass / 10 - 1)), middle / 10, treble / 10
    b1 = t * C1 * R1 + m * C3 * R3 + low * (C1 + C2) * R2 + (C1 + C2) * R3
    b2 = (
        t * (C1 * C2 + C1 * C3) * R1 * R4
        - m**2 * (C1 * C3 + C2 * C3) * R3**2
        + m * (C1 * C3 * R1 * R3 + C1 * C3 * R3**2 + C2 * C3 * R3**2)
        + low * (C1 * C2 * R1 * R2 + C1 * C2 * R2 * R4 + C1 * C3 * R2 * R4)
        + low * m * (C1 * C3 + C2 * C3) * R2 * R3
        + C1 * C2 * R1 * R3 + C1 * C2 * R3 * R4 + C1 * C3 * R3 * R4
    )  # fmt: skip
    c = C1 * C2 * C3
    b3 = c * (
        low * m * (R1 * R2 * R3 + R2 * R3 * R4)
        - m**2 * (R1 * R3**2 + R3**2 * R4)
        + m * (R1 * R3**2 + R3**2 * R4)
        + t * R1 * R3 * R4
        - t * m * R1 * R3 * R4
        + t * low * R1 * R2 * R4
    )
    a1 = C1 * R1 + C1 * R3 + C2 * R3 + C2 * R4 + C3 * R4 + m * C3 * R3 + low * (C1 + C2) * R2
    a2 = (
        m * (C1 * C3 * R1 * R3 - C2 * C3 * R3 * R4 + C1 * C3 * R3**2 + C2 * C3 * R3**2)
        + low * m * (C1 * C3 + C2 * C3) * R2 * R3
        - m**2 * (C1 * C3 + C2 * C3) * R3**2
        + low * (C1 * C2 * R2 * R4 + C1 * C2 * R1 * R2 + C1 * C3 * R2 * R4 + C2 * C3 * R2 * R4)
        + C1 * C2 * R1 * R4 + C1 * C3 * R1 * R4 + C1 * C2 * R3 * R4
        + C1 * C2 * R1 * R3 + C1 * C3 * R3 * R4 + C2 * C3 * R3 * R4
    )  # fmt: skip
    a3 = c * (
        low * m * (R1 * R2 * R3 + R2 * R3 * R4)
        - m**2 * (R1 * R3**2 + R3**2 * R4)
        + m * (R3**2 * R4 + R1 * R3**2 - R1 * R3 * R4)
        + low * R1 * R2 * R4
        + R1 * R3 * R4
    )
    return np.array([b3, b2, b1, 0.0]), np.array([a3, a2, a1, 1.0])


@pytest.mark.parametrize("knobs", KNOBS)
def test_the_response_is_the_published_one(knobs: tuple[float, float, float]) -> None:
    """Magnitude and phase are those of the published function, bilinearly transformed."""
    b, a = bilinear(*published(*knobs), fs=RATE)
    expected = freqz(b, a, FREQUENCIES, fs=RATE)[1]
    stack = prepared(ToneStack(dict(zip(("bass", "middle", "treble"), knobs, strict=True))))
    np.testing.assert_allclose(response(stack, FREQUENCIES), expected, atol=2e-6)


def test_the_published_middle_scoop() -> None:
    """At noon the mids around 500 Hz lie more than 5 dB under the bass at 80 Hz and the treble at 5 kHz."""
    bass, middle, treble = 20 * np.log10(np.abs(response(prepared(ToneStack()), [80.0, 500.0, 5000.0])))
    assert middle < bass - 5
    assert middle < treble - 5


def test_turned_knobs_make_no_zipper_noise() -> None:
    """All knobs from one end to the other under a 100 Hz sine stay 60 dB down above 2 kHz (a jump: 12)."""
    low_end, high_end = (dict.fromkeys(("bass", "middle", "treble"), v) for v in (0.0, 10.0))
    output = run(prepared(ToneStack(low_end)), sine(100, 0.4), changes={9600: high_end})[0]
    high_pass = butter(8, 2000, "highpass", fs=RATE, output="sos")
    assert np.abs(sosfilt(high_pass, output)[9000:]).max() < 1e-3 * np.abs(output).max()


def test_knobs_thrown_about_stay_stable() -> None:
    """A passive circuit: whatever the knobs do, the output stays near the input's level, and rings out."""
    rng, stack = np.random.default_rng(0), prepared(ToneStack())
    changes = {
        k: {name: float(rng.choice([0, 10])) for name in ("bass", "middle", "treble")}
        for k in range(0, 48000, 40)
    }
    signal = noise(1.0)
    signal[:, 24000:] = 0
    output = run(stack, signal, changes=changes)[0]
    assert np.abs(output).max() < 2 * np.abs(signal).max()
    assert np.abs(output[-4800:]).max() < 1e-3
