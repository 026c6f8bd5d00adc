"""Sounds of the four-oscillator synthesizer for data sets, sixteen at a time. Imports numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cfunc, types

from ..compiler import lanes
from ..compiler.floating_point import flush_denormals, restore_mode
from ..compiler.memory import float32_at, float64_at, record_at
from ..compiler.simd import store
from ..processors.smoothing_code import compiled
from .four import ESTIMATED, FourOscillators
from .four_voice import WAVES, Coefficients, Memory, voice
from .layout import LANES
from .target_code import sixteen

COUNT = len(ESTIMATED)
INDEX = {parameter.name: k for k, parameter in enumerate(ESTIMATED)}
STRETCH = 16


def compile(modulation: str) -> dict[str, Any]:
    """Compile ``render(values, sounds, frames, key_up, rate, record, scratch, output)``, see `dataset`."""
    step = voice(sixteen(), band_limited=False, reading=modulation).step
    dtype = FourOscillators.record
    lanes_at = record_at(dtype)
    load_coefficients, _ = lanes.access(Coefficients, dtype)
    load_memory, _ = lanes.access(Memory, dtype)
    SINE, SAW, TRIANGLE, SQUARE = (INDEX[f"{wave}_frequency_hz"] for wave in WAVES)  # noqa: N806
    ATTACK, DECAY, SUSTAIN = INDEX["attack_s"], INDEX["decay_s"], INDEX["sustain"]  # noqa: N806
    RELEASE, CUTOFF, RESONANCE = INDEX["release_s"], INDEX["cutoff_hz"], INDEX["resonance"]  # noqa: N806
    GATE = INDEX["gate_hz"]  # noqa: N806
    by_phase = modulation == "phase"

    @compiled
    def phase(cycles: Any) -> Any:
        """A step of so many cycles, as an integer of 2³² to the cycle."""
        return np.int32(np.int64(np.rint(cycles * 4294967296.0)))

    @compiled
    def depth(f: Any, v: Any, b: Any, rate: Any) -> Any:
        """Cycles: a sample or, where modulators move the phase, in all.

        A frequency that moves on a sine is summed exactly by its values halfway between samples, times
        sinc(v / rate): a telescoping sum of cosines.
        """
        if by_phase:
            return b / (2.0 * np.pi)
        x = np.pi * v / rate
        return b / rate * np.sin(x) / x

    @compiled
    def halfway(step: Any) -> Any:
        return np.int32(0) if by_phase else np.int32(step >> 1)

    @compiled
    def set_up(record: Any, lane: Any, p: Any, rate: Any) -> None:
        """Make a lane ready for a sound of these values."""
        record.sine_increment[lane] = phase(p[SINE] / rate)
        record.saw_increment[lane] = phase(p[SAW] / rate)
        record.triangle_increment[lane] = phase(p[TRIANGLE] / rate)
        record.square_increment[lane] = phase(p[SQUARE] / rate)
        record.sine_modulation[lane] = phase(p[SINE + 1] / rate)
        record.saw_modulation[lane] = phase(p[SAW + 1] / rate)
        record.triangle_modulation[lane] = phase(p[TRIANGLE + 1] / rate)
        record.square_modulation[lane] = phase(p[SQUARE + 1] / rate)
        record.sine_depth[lane] = depth(p[SINE], p[SINE + 1], p[SINE + 3], rate)
        record.saw_depth[lane] = depth(p[SAW], p[SAW + 1], p[SAW + 3], rate)
        record.triangle_depth[lane] = depth(p[TRIANGLE], p[TRIANGLE + 1], p[TRIANGLE + 3], rate)
        record.square_depth[lane] = depth(p[SQUARE], p[SQUARE + 1], p[SQUARE + 3], rate)
        record.sine_amplitude[lane], record.saw_amplitude[lane] = p[SINE + 2], p[SAW + 2]
        record.triangle_amplitude[lane], record.square_amplitude[lane] = p[TRIANGLE + 2], p[SQUARE + 2]
        record.sine_modulator[lane] = halfway(record.sine_modulation[lane])
        record.saw_modulator[lane] = halfway(record.saw_modulation[lane])
        record.triangle_modulator[lane] = halfway(record.triangle_modulation[lane])
        record.square_modulator[lane] = halfway(record.square_modulation[lane])
        record.sine_phase[lane] = record.saw_phase[lane] = 0
        record.triangle_phase[lane] = record.square_phase[lane] = 0
        record.attack_rate[lane] = 1.0 / (p[ATTACK] * rate)
        record.attack_frames[lane] = p[ATTACK] * rate
        record.decay_rate[lane] = (1.0 - p[SUSTAIN]) / (p[DECAY] * rate)
        record.sustain[lane] = p[SUSTAIN]
        record.release_rate[lane] = 1.0 / (p[RELEASE] * rate)
        record.held[lane] = 1.0
        record.age[lane] = record.released[lane] = 0.0
        g = np.tan(np.pi * p[CUTOFF] / rate)
        a1 = 1.0 / (1.0 + g * (g + 1.0 / p[RESONANCE]))
        record.a1[lane], record.a2[lane], record.a3[lane] = a1, g * a1, g * g * a1
        record.mid_1[lane] = record.mid_2[lane] = 0.0
        record.gate_increment[lane], record.gate_phase[lane] = phase(p[GATE] / rate), 0
        record.gate_slope[lane], record.gate_amount[lane] = 1e9, 1.0

    @compiled
    def write(scratch: Any, output: Any, frames: Any, start: Any, count: Any, sounds: Any) -> None:
        """Turn a stretch of sixteen sounds side by side into sixteen stretches of sound."""
        x, y = float32_at(scratch), float32_at(output)
        for lane in range(sounds):
            for t in range(count):
                y[lane * frames + start + t] = x[LANES * t + lane]

    @compiled
    def run(record: Any, scratch: Any, output: Any, frames: Any, begin: Any, end: Any, memory: Any, sounds: Any) -> Any:
        coefficients = load_coefficients(record)
        t = begin
        while t < end:
            count = min(STRETCH, end - t)
            for k in range(count):
                mid, _, memory = step(0, coefficients, memory)
                store(scratch + 4 * LANES * k, mid)
            write(scratch, output, frames, t, count, sounds)
            t += count
        return memory

    word, real = types.int64, types.float64

    @cfunc(types.void(word, word, word, word, real, word, word, word), nopython=True, error_model="numpy")
    def render(
        values: Any, sounds: Any, frames: Any, key_up: Any, rate: Any, record: Any, scratch: Any, output: Any
    ) -> None:
        mode = flush_denormals()
        for first in range(0, sounds, LANES):
            present = min(LANES, sounds - first)
            here = lanes_at(record)
            for lane in range(LANES):
                set_up(here, lane, float64_at(values + 8 * COUNT * (first + min(lane, present - 1))), rate)
            target = output + 4 * frames * first
            memory = load_memory(record)
            memory = run(record, scratch, target, frames, 0, key_up, memory, present)
            for lane in range(LANES):
                here.held[lane] = 0.0
            run(record, scratch, target, frames, key_up, frames, memory, present)
        restore_mode(mode)

    return {"render": render}
