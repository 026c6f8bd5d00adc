"""Recordings with one fault each, made of the test signal: the fault is told, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.wav_writer import write_wav
from tonerig.training.capture.checks import PairCheck, check_pair
from tonerig.training.capture.pairs import load_pair
from tonerig.training.capture.recording import CaptureError
from tonerig.training.capture.signal import test_signal as make_signal

from .gear import delayed, noise, stretched

Array = NDArray[np.float32]

RATE = 16000
DRY = make_signal(0.25, RATE)


def checked(
    folder: Path, wet: Array, dry: Array = DRY, rate: float = RATE, wet_rate: float = RATE
) -> PairCheck:
    """Write both as float32 and check them."""
    write_wav(folder / "dry.wav", dry, rate)
    write_wav(folder / "wet.wav", wet, wet_rate)
    return check_pair(folder / "dry.wav", folder / "wet.wav")


def told(check: PairCheck) -> dict[str, str]:
    """What is not as it should be: name and verdict."""
    return {finding.name: finding.verdict for finding in check.findings if finding.verdict != "ok"}


def test_good_recording(tmp_path: Path) -> None:
    """Delayed, quieter, with noise at -70 dB: nothing to tell, and both come out in step."""
    wet = 0.5 * delayed(DRY, 321.0)
    check = checked(tmp_path, wet + noise(len(wet), -70))
    assert told(check) == {} and check.verdict == "ok" and check.pair is not None
    dry, back, rate = load_pair(tmp_path / "dry.wav", tmp_path / "wet.wav")
    assert rate == RATE and dry.dtype == back.dtype == np.float32 and dry.shape == back.shape == DRY.shape
    assert np.abs(back - 0.5 * dry).max() < 0.01


def test_fraction_is_left_in(tmp_path: Path) -> None:
    """After 100.6 samples the pair is 0.6 samples late, never early: a causal model can learn that."""
    checked(tmp_path, 0.5 * delayed(DRY, 100.6))
    dry, back, _ = load_pair(tmp_path / "dry.wav", tmp_path / "wet.wav")
    assert np.abs(back - 0.5 * delayed(dry, 0.6)[: len(back)]).max() < 0.005


def test_recording_that_began_late(tmp_path: Path) -> None:
    """Where the wet sound begins within the silence, the dry one is trimmed."""
    check = checked(tmp_path, 0.5 * DRY[1000:])
    assert told(check) == {} and check.pair is not None
    assert len(check.pair[0]) == len(DRY) - 1000
    np.testing.assert_allclose(check.pair[1], 0.5 * check.pair[0], atol=1e-6)


def _dropped(wet: Array) -> Array:
    middle = len(wet) // 2
    return np.concatenate([wet[:middle], wet[middle + 20 :]])


def _repeated(wet: Array) -> Array:
    middle = len(wet) // 2
    return np.concatenate([wet[:middle], wet[middle - 64 :]])


def _humming(wet: Array) -> Array:
    time = np.arange(len(wet)) / RATE
    return np.asarray(wet + 0.004 * np.sin(2 * np.pi * 60 * time), np.float32)


FAULTS = {
    "dropped": (_dropped, {"dropped samples": "fault"}),
    "repeated": (_repeated, {"dropped samples": "fault"}),
    "two clocks": (lambda wet: stretched(wet, 50.0), {"drift": "fault"}),
    "clipped": (lambda wet: np.clip(8 * wet, -1, 1), {"level": "warning", "clipping": "fault"}),
    "flat peaks": (lambda wet: np.clip(4 * wet, -0.5, 0.5), {"clipping": "warning"}),
    "noisy": (lambda wet: wet + noise(len(wet), -45), {"noise": "warning"}),
    "too noisy": (lambda wet: wet + noise(len(wet), -26), {"noise": "fault"}),
    "humming": (_humming, {"hum": "warning", "noise": "warning"}),
    "upside down": (lambda wet: -wet, {"polarity": "warning"}),
    "quiet": (lambda wet: 0.02 * wet, {"level": "warning"}),
    "silent": (lambda wet: 0 * wet, {"silence": "fault"}),
    "unrelated": (lambda wet: noise(len(wet), -20), {"latency": "fault"}),
    "NaN": (lambda wet: np.where(np.arange(len(wet)) == 9, np.nan, wet), {"samples": "fault"}),
    "cut off": (lambda wet: wet[: 2 * len(wet) // 3], {"length": "warning"}),
    "much cut off": (lambda wet: wet[: len(wet) // 3], {"length": "fault"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault(tmp_path: Path, name: str) -> None:
    """Each fault is told by its own line, the wet file is named, and `load_pair` refuses what is a fault."""
    make, expected = FAULTS[name]
    check = checked(tmp_path, np.asarray(make(0.4 * delayed(DRY, 200.0)), np.float32))
    assert told(check) == expected
    bad = [finding for finding in check.findings if finding.verdict == "fault"]
    if not bad:
        assert check.pair is not None
        return
    assert check.pair is None
    with pytest.raises(CaptureError) as error:
        load_pair(tmp_path / "dry.wav", tmp_path / "wet.wav")
    assert str(error.value) == f"wet.wav: {bad[0].sentence}"


def test_figures(tmp_path: Path) -> None:
    """Drift, jumps and noise are told with what they were."""
    drifting = checked(tmp_path, stretched(0.4 * DRY, 50.0)).timing
    assert drifting is not None and drifting.drift_ppm == pytest.approx(50.0, abs=0.5)
    jumping = checked(tmp_path, _dropped(0.4 * DRY)).timing
    assert jumping is not None and [round(jump.samples) for jump in jumping.jumps] == [-20]
    assert jumping.jumps[0].after < len(DRY) / 2 < jumping.jumps[0].before
    noisy = {f.name: f.figure for f in checked(tmp_path, 0.4 * DRY + noise(len(DRY), -60)).findings}
    assert noisy["noise"].startswith("-60 dBFS")


def test_rates(tmp_path: Path) -> None:
    """Different rates, and a rate that nothing is trained at, are refused."""
    assert told(checked(tmp_path, 0.4 * DRY, wet_rate=48000)) == {"sample rates": "fault"}
    assert told(checked(tmp_path, DRY, rate=4000, wet_rate=4000)) == {"sample rates": "fault"}


def test_8_khz(tmp_path: Path) -> None:
    """The lowest rate works."""
    dry = make_signal(0.25, 8000)
    check = checked(tmp_path, 0.4 * delayed(dry, 77.0), dry, 8000, 8000)
    assert told(check) == {} and check.timing is not None
    assert check.timing.latency == pytest.approx(77.0, abs=0.05)


def test_stereo(tmp_path: Path) -> None:
    """Equal channels are fine; of a silent one the other is taken; different ones give a warning."""
    wet = 0.4 * delayed(DRY, 10.0)
    assert told(checked(tmp_path, np.stack([wet, wet]))) == {}
    right = checked(tmp_path, np.stack([0 * wet, wet]))
    assert told(right) == {} and right.pair is not None and np.abs(right.pair[1]).max() > 0.3
    assert told(checked(tmp_path, np.stack([wet, -0.5 * wet]))) == {"channels": "warning"}


def test_short_and_unreadable(tmp_path: Path) -> None:
    """Half a second is too short; a text file and a missing one are named."""
    short = np.sin(np.arange(RATE // 2) / 9).astype(np.float32)
    assert told(checked(tmp_path, short, short)) == {"length": "fault"}
    (tmp_path / "wet.wav").write_text("no sound")
    with pytest.raises(CaptureError, match=r"wet\.wav"):
        load_pair(tmp_path / "dry.wav", tmp_path / "wet.wav")
    with pytest.raises(CaptureError, match=r"none\.wav.*does not exist"):
        load_pair(tmp_path / "none.wav", tmp_path / "wet.wav")
