"""Sounds of the four-oscillator synthesizer for data sets, sixteen at a time. Imports numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cfunc, types

from ..compiler import lanes
from ..compiler.floating_point import flush_denormals, restore_mode
from ..compiler.memory import record_at
from ..compiler.simd import store
from ..processors.smoothing_code import compiled
from .dataset_output_code import write
from .four import FourOscillators
from .four_voice import Coefficients, Memory, Modulation, voice
from .layout import LANES
from .target_code import sixteen

STRETCH = 16


def compile(modulation: Modulation) -> dict[str, Any]:
    """Compile ``render(records, sounds, frames, key_up, scratch, output)``, see `dataset`."""
    step, none = voice(sixteen(), "formulas", modulation), np.float32(0.0)
    dtype = FourOscillators.record
    lanes_at, size = record_at(dtype), dtype.itemsize
    load_coefficients, _ = lanes.access(Coefficients, dtype)
    load_memory, _ = lanes.access(Memory, dtype)

    @compiled
    def run(
        record: Any, memory: Any, scratch: Any, output: Any, frames: Any, begin: Any, end: Any, sounds: Any
    ) -> Any:
        coefficients = load_coefficients(record)
        t = begin
        while t < end:
            count = min(STRETCH, end - t)
            for k in range(count):
                mid, _, memory = step(0, none, coefficients, memory)
                store(scratch + 4 * LANES * k, mid)
            write(scratch, output, frames, t, count, sounds)
            t += count
        return memory

    word = types.int64

    @cfunc(types.void(*[word] * 6), nopython=True, error_model="numpy")
    def render(records: Any, sounds: Any, frames: Any, key_up: Any, scratch: Any, output: Any) -> None:
        mode = flush_denormals()
        for first in range(0, sounds, LANES):
            present = min(LANES, sounds - first)
            record, target = records + size * (first // LANES), output + 4 * frames * first
            memory = run(record, load_memory(record), scratch, target, frames, 0, key_up, present)
            here = lanes_at(record)
            for lane in range(LANES):
                here.held[lane] = 0.0
            run(record, memory, scratch, target, frames, key_up, frames, present)
        restore_mode(mode)

    return {"render": render}
