"""The checks, made on effects that are formulas, so that each does wrong what it is told to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import signal
from tonerig.realtime.plugins.inside import checks
from tonerig.realtime.plugins.inside.check_stand import RATE, Report, Sound, Stand, noise


class Formula:
    """y[n] = gain x[n] + feedback y[n - 1] + floor, one channel like the other, after ``late_by`` samples.

    Parameters
    ----------
    forgets : whether a reset, and being prepared, clears what it has heard
    steps : whether the sound is softer in long blocks
    skew : gain of the second channel
    pops : first sample
    """

    notices = ()
    shortfall = 0
    outputs = 2

    def __init__(
        self,
        feedback: float = 0.0,
        floor: float = 0.0,
        late_by: int = 0,
        latency: int = 0,
        forgets: bool = True,
        steps: bool = False,
        skew: float = 1.0,
        pops: float = 0.0,
        gain: float = 1.0,
    ) -> None:
        self.feedback, self.floor, self.forgets, self.steps = feedback, floor, forgets, steps
        self.late_by, self.latency, self.skew, self.pops = late_by, latency, skew, pops
        self.gain = gain
        self._memory = np.zeros((2, max(1, late_by)))
        self._fresh = True

    def prepare(self, rate: float, max_block: int, channels: int) -> None:
        self.reset()

    def reset(self) -> None:
        self._fresh = True
        if self.forgets:
            self._memory = np.zeros_like(self._memory)

    def process(self, block: Sound, events: Any = ()) -> Sound:
        both = np.repeat(block, 2, axis=0)[:2] if len(block) == 1 else block
        b, a = np.zeros(max(2, self.late_by + 1)), (1.0, -self.feedback) if self.feedback else 1.0
        b[self.late_by] = self.gain
        sound, self._memory = signal.lfilter(b, a, both, zi=self._memory)
        sound = sound + self.floor
        sound[1:] *= self.skew
        if self.steps and block.shape[1] > 1000:
            sound *= 0.5
        if self._fresh:
            sound[:, 0] += self.pops
        self._fresh = False
        with np.errstate(over="ignore"):
            return sound.astype(np.float32)


class FormulaStand(Stand):
    """A stand for such an effect."""

    def __init__(self, channels: tuple[int, ...] = (2,), **formula: Any) -> None:
        order = {"instrument": False, "scales": [], "channels": list(channels), "category": "Fx"}
        super().__init__(order, lambda stage, loading: None, lambda: None)
        self._formula = formula

    def load(self, **changes: Any) -> Any:
        return Formula(**self._formula)


def said(report: Report) -> str:
    """What is in a report, a line for each verdict and sentence."""
    return "\n".join(": ".join(row) for row in report.rows)


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (checks.loading, "good: ready after "),
        (checks.rates, "good: 44.1, 48, 88.2, 96, 176.4 and 192 kHz, mono and stereo"),
        (checks.blocks, "good: 16 to 4096 frames and changing lengths, the same sound"),
        (checks.channels, "good: stereo; a mono signal goes to both sides"),
        (checks.reset, "good: sounds as at first"),
        (checks.silence, "good: silent 0.00 s after the sound"),
        (checks.not_a_number, "good: recovers by itself"),
        (checks.parameters, "good: it has none"),
        (checks.latency, "good: 0 samples, as it reports"),
    ],
)
def test_a_wire_is_good(check: checks.Check, sentence: str) -> None:
    """What changes nothing is praised by every check."""
    assert said(check(FormulaStand())).startswith(sentence)


def test_what_a_reset_leaves_is_a_fault() -> None:
    """A filter that goes on with what it heard before the reset."""
    assert said(checks.reset(FormulaStand(feedback=0.99, forgets=False))).startswith(
        "fault: a reset leaves something of the sound before it:"
    )


def test_blocks_that_change_the_sound_are_named() -> None:
    """Half the level in long blocks is a difference of -6 dB in these."""
    assert said(checks.blocks(FormulaStand(steps=True))) == (
        "remark: sounds otherwise than in blocks of 512 in those of 1024 (-6 dB), of 2048 (-6 dB), "
        "of 4096 (-6 dB), of changing length (-6 dB)"
    )


def test_two_that_are_not_alike() -> None:
    """Two of a mono plugin must sound alike for the same signal."""
    found = said(checks.channels(FormulaStand(channels=(1,), skew=0.5)))
    assert found == "remark: two of it side by side do not sound alike (-6 dB)"


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ({"feedback": 0.999}, "good: silent 0.2"),  # ln(1e-5 / level) / ln(0.999) samples
        ({"floor": 1e-3}, "remark: makes a sound of its own: -60 dBFS with silence in"),
        ({"feedback": 1.0, "gain": 1e-3}, "remark: does not come to silence: "),
        ({"feedback": 0.99999}, "good: fades; at "),
        ({"feedback": 1.00005}, "fault: howls: +"),
        ({"feedback": 2.0}, "fault: puts out NaN or Inf"),
        ({"pops": 0.1}, "remark: begins with a click: -20 dBFS with silence in"),
    ],
)
def test_ways_to_silence(formula: dict[str, float], sentence: str) -> None:
    """How a sound ends, and what is heard without one."""
    assert said(checks.silence(FormulaStand(**formula))).startswith(sentence)


@pytest.mark.parametrize(
    ("forgets", "sentence"),
    [
        (True, "remark: does not recover before it is reset after NaN, Inf"),
        (False, "fault: does not recover, not even by a reset, after NaN, Inf"),
    ],
)
def test_a_nan_that_stays(forgets: bool, sentence: str) -> None:
    """A recursive filter holds a NaN until it is cleared, if it is."""
    assert said(checks.not_a_number(FormulaStand(feedback=0.5, forgets=forgets))) == sentence


@pytest.mark.parametrize(
    ("late_by", "latency", "sentence"),
    [
        (480, 480, "good: 480 samples, as it reports"),
        (480, 0, "fault: delays sound by 480 samples and reports 0"),
        (0, 480, "fault: delays sound by 0 samples and reports 480"),
        (20, 0, "good: 0 samples, as it reports"),
    ],
)
def test_latency_is_measured(late_by: int, latency: int, sentence: str) -> None:
    """A delay that is reported is good, one that is not is a fault, unless a filter could have it."""
    assert said(checks.latency(FormulaStand(late_by=late_by, latency=latency))) == sentence


@pytest.mark.parametrize("lag", [0, 1, 777, 20000])
def test_distance_of_a_shifted_sound(lag: int) -> None:
    """Noise that comes later, softer and upside down is found where it is."""
    given = np.zeros(RATE, np.float32)
    given[:12000] = noise()[0]
    found, likeness = checks.distance(given, -0.1 * np.roll(given, lag))
    assert found == lag
    assert math.isclose(likeness, 1.0, abs_tol=1e-4)


def test_distance_of_strangers() -> None:
    """Two noises are not alike, and silence is like nothing."""
    one, other = np.random.default_rng(3).normal(size=(2, 12000)).astype(np.float32)
    assert checks.distance(one, other)[1] < checks.LIKE
    assert checks.distance(one, np.zeros_like(one)) == (0, 0.0)


def test_many_places_are_counted() -> None:
    """A sentence names the first few stages, each once."""
    report = Report()
    for place in ("here", "here", *map(str, range(9))):
        report.collect("remark", "found", place)
    assert report.close("nothing").rows == [["remark", "found here, 0, 1, 2, 3 and 5 more"]]
    assert Report().close("nothing").rows == [["good", "nothing"]]
