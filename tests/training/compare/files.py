"""Three small sound files to compare."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tonerig.realtime.wav_writer import write_wav

RATE = 48000.0
FRAMES = 24000


def dry_sound(frames: int = FRAMES, seed: int = 0) -> NDArray[np.float32]:
    """White noise, which is above the floor in every mel band."""
    return (0.1 * np.random.default_rng(seed).standard_normal(frames)).astype(np.float32)


def three_files(folder: Path) -> tuple[Path, Path, Path]:
    """Dry, wet (its hard distortion) and a model's output, which is the wet sound at half its level."""
    folder.mkdir(parents=True, exist_ok=True)
    dry = dry_sound()
    wet = np.tanh(20 * dry).astype(np.float32) / 2
    sounds = {"dry.wav": dry, "wet.wav": wet, "model.wav": wet / 2}
    first, second, third = (write_wav(folder / name, sound, RATE) for name, sound in sounds.items())
    return first, second, third
