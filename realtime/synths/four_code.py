"""The four-oscillator synthesizer on the audio thread, compiled. Imports numba."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from ..compiler import lanes
from ..compiler.simd import store
from ..processors.smoothing import GRID
from ..processors.smoothing_code import SHARE, compiled
from .four import FourOscillators
from .four_voice import WAVES, Coefficients, Memory, Modulation, voice
from .instrument_code import instrument
from .layout import named
from .oscillators import ONE, band_limited, f, oscillators, powers
from .synth import instrument_state
from .target_code import sixteen

INDEX = {parameter.name: k for k, parameter in enumerate(FourOscillators.parameters)}
LONGER = np.float32(4.0)
"""Octaves of time that controllers 72 and 73 reach each way."""
GATE_EDGE_S = 0.001
"""The gater's edges last so long when it is played, so that they do not click."""
INAUDIBLE = np.float32(1e-6)
BAND = f(0.45)
"""Of the sample rate: the highest cutoff."""
CYCLES = f(0.4999)
ROW_OF_LANES = 4 * lanes.LANES

Gains = named("Gains", ["left", "right", "left_step", "right_step"])
Wanted = named("Wanted", ["pitch", "octaves", "peak"])
Rows = named("Rows", [f"{wave}_{name}" for wave in WAVES[1:] for name in ("row", "next")])
OSCILLATION = ("increment", "modulation", "depth", "amplitude")
Derived = named(
    "Derived",
    [
        *(f"{wave}_{name}" for wave in WAVES for name in OSCILLATION),
        *(f"{wave}_{name}" for wave in WAVES[1:] for name in ("row", "next")),
        *("width", "a1", "a2", "a3", "gate_increment", "gate_slope", "gate_amount"),
    ],
)


def kind(modulation: Modulation) -> SimpleNamespace:
    """What `instrument_code.instrument` needs of this synth."""
    ops = sixteen()
    step, fading_step = voice(ops, "tables", modulation), voice(ops, "fading tables", modulation)
    o, p, row = oscillators(ops), powers(ops), band_limited(ops).row
    exp2, warped, step_of, sine, turns = p.exp2, p.warped, o.step_of, o.sine, o.turns
    splat, at_most, splat_integer, where_less = ops.splat, ops.at_most, ops.splat_integer, ops.where_less
    record = FourOscillators.record
    load_gains, store_gains = lanes.access(Gains, record)
    load_rows, _ = lanes.access(Rows, record)
    load_wanted, _ = lanes.access(Wanted, record)
    load_coefficients, _ = lanes.access(Coefficients, record)
    load_memory, store_memory = lanes.access(Memory, record)
    _, store_derived = lanes.access(Derived, record)
    ATTACK, DECAY, SUSTAIN = INDEX["attack_s"], INDEX["decay_s"], INDEX["sustain"]  # noqa: N806
    RELEASE, WIDTH, GATER = INDEX["release_s"], INDEX["width"], INDEX["gater"]  # noqa: N806
    CUTOFF, RESONANCE, GATE = INDEX["cutoff_hz"], INDEX["resonance"], INDEX["gate_hz"]  # noqa: N806
    SINE, SAW, TRIANGLE, SQUARE = (INDEX[f"{wave}_frequency_hz"] for wave in WAVES)  # noqa: N806
    by_phase = modulation == "phase"

    @compiled
    def first(frequency: Any, rate: Any) -> Any:
        """A modulator's first phase: half a step on where frequencies are summed, see `dataset.lanes_of`."""
        return np.int32(0) if by_phase else np.int32(np.int64(frequency / rate * 2147483648.0))

    @compiled
    def start(state: Any, record: Any, lane: Any, values: Any, channel: Any, key: Any, hard: Any) -> None:
        rate = state.rate
        attack = max(1.0, values[ATTACK] * 2.0 ** (LONGER * channel.attack) * rate)
        decay = max(1.0, values[DECAY] * rate)
        record.attack_rate[lane] = 1.0 / attack
        record.attack_frames[lane] = attack
        record.sustain[lane] = values[SUSTAIN]
        record.decay_rate[lane] = (1.0 - values[SUSTAIN]) / decay
        record.release_rate[lane] = 0.0
        record.held[lane] = 1.0
        record.age[lane] = record.released[lane] = 0.0
        record.mid_1[lane] = record.mid_2[lane] = record.side_1[lane] = record.side_2[lane] = 0.0
        record.sine_phase[lane] = record.saw_phase[lane] = 0
        record.triangle_phase[lane] = record.square_phase[lane] = 0
        record.sine_modulator[lane] = first(values[SINE + 1], rate)
        record.saw_modulator[lane] = first(values[SAW + 1], rate)
        record.triangle_modulator[lane] = first(values[TRIANGLE + 1], rate)
        record.square_modulator[lane] = first(values[SQUARE + 1], rate)
        record.gate_phase[lane] = 0
        record.saw_row[lane] = record.triangle_row[lane] = record.square_row[lane] = -1  # for `derive`

    @compiled
    def release(state: Any, record: Any, lane: Any, values: Any, channel: Any) -> None:
        frames = max(1.0, values[RELEASE] * 2.0 ** (LONGER * channel.release) * state.rate)
        record.release_rate[lane] = 1.0 / frames
        record.held[lane] = 0.0

    @compiled
    def ended(record: Any, lane: Any) -> Any:
        if record.released[lane] * record.release_rate[lane] < 1.0:
            return False
        mid = max(abs(record.mid_1[lane]), abs(record.mid_2[lane]))
        return max(mid, abs(record.side_1[lane]), abs(record.side_2[lane])) < INAUDIBLE

    @ops.inline
    def carrier(frequency: Any, ratio: Any, rate: Any) -> Any:
        """Cycles a sample, kept under half a cycle."""
        return at_most(ratio * f(frequency / rate), splat(CYCLES))

    @ops.inline
    def depth_of(now: Any, k: Any, ratio: Any, rate: Any) -> Any:
        if by_phase:
            return splat(f(now[k + 3] / (2.0 * np.pi)))
        return at_most(ratio * f(now[k + 3] / rate), splat(CYCLES))

    @ops.inline
    def swing(now: Any, k: Any, depth: Any, modulator: Any, rate: Any) -> Any:
        """Cycles a sample that the modulator moves its carrier by, at this moment."""
        if by_phase:
            return depth * f(2.0 * np.pi * now[k + 1] / rate) * sine(turns(add_quarter(modulator)))
        return depth * sine(turns(modulator))

    @ops.inline
    def add_quarter(phase: Any) -> Any:
        return lanes.add(phase, splat_integer(np.int32(1 << 30)))

    @ops.inline
    def slow(frequency: Any, rate: Any) -> Any:
        """A phase's step for a frequency far below the sample rate."""
        return splat_integer(np.int32(np.int64(np.float64(frequency) / rate * 4294967296.0)))

    @ops.inline
    def fade(present: Any, following: Any, wanted: Any, at_grid: Any) -> Any:
        """Rows to fade from and to: a new note's at once, others from one grid point to the next."""
        new = lanes.to_float(present)
        begin = where_less(
            new, splat(f(0.0)), wanted, where_less(splat(f(0.5)), splat(at_grid), following, present)
        )
        end = where_less(splat(f(0.5)), splat(at_grid), wanted, following)
        return begin, where_less(new, splat(f(0.0)), wanted, end)

    @compiled
    def derive(state: Any, address: Any) -> None:
        now, rate = state.now, state.rate
        wanted, memory = load_wanted(address), load_memory(address)
        ratio = exp2((wanted.pitch - f(69.0)) * f(1 / 12))
        a, b = carrier(now[SINE], ratio, rate), carrier(now[SAW], ratio, rate)
        c, d = carrier(now[TRIANGLE], ratio, rate), carrier(now[SQUARE], ratio, rate)
        a_depth, b_depth = depth_of(now, SINE, ratio, rate), depth_of(now, SAW, ratio, rate)
        c_depth, d_depth = depth_of(now, TRIANGLE, ratio, rate), depth_of(now, SQUARE, ratio, rate)
        b_next = row(b + swing(now, SAW, b_depth, memory.saw_modulator, rate), 0)
        c_next = row(c + swing(now, TRIANGLE, c_depth, memory.triangle_modulator, rate), 1)
        d_next = row(d + swing(now, SQUARE, d_depth, memory.square_modulator, rate), 2)
        before, at_grid = load_rows(address), f(state.at_grid)
        b_row, b_next = fade(before.saw_row, before.saw_next, b_next, at_grid)
        c_row, c_next = fade(before.triangle_row, before.triangle_next, c_next, at_grid)
        d_row, d_next = fade(before.square_row, before.square_next, d_next, at_grid)
        g = warped(at_most(exp2(wanted.octaves) * f(now[CUTOFF] / rate), splat(BAND)))
        damping = exp2(wanted.peak * f(-2.0)) * f(1.0 / now[RESONANCE])
        a1 = ONE / (g * (g + damping) + ONE)
        a2 = g * a1
        store_derived(
            address,
            Derived(
                step_of(a),
                slow(now[SINE + 1], rate),
                a_depth,
                splat(now[SINE + 2]),
                step_of(b),
                slow(now[SAW + 1], rate),
                b_depth,
                splat(now[SAW + 2]),
                step_of(c),
                slow(now[TRIANGLE + 1], rate),
                c_depth,
                splat(now[TRIANGLE + 2]),
                step_of(d),
                slow(now[SQUARE + 1], rate),
                d_depth,
                splat(now[SQUARE + 2]),
                b_row,
                b_next,
                c_row,
                c_next,
                d_row,
                d_next,
                splat(now[WIDTH]),
                a1,
                a2,
                g * a2,
                slow(now[GATE], rate),
                splat(f(1.0 / (GATE_EDGE_S * max(now[GATE], np.float32(0.5))))),
                splat(now[GATER]),
            ),
        )

    @ops.inline
    def put(at: Any, mid: Any, side: Any, left: Any, right: Any) -> None:
        other = at + ROW_OF_LANES * GRID
        store(at, lanes.row_at(at) + (mid + side) * left)
        store(other, lanes.row_at(other) + (mid - side) * right)

    @compiled
    def render(state: Any, address: Any, sums: Any, frames: Any) -> None:
        table = state.table
        coefficients, memory, gains = load_coefficients(address), load_memory(address), load_gains(address)
        left, right = gains.left, gains.right
        rows = load_rows(address)
        fades = lanes.differ(rows.saw_row, rows.saw_next) or lanes.differ(
            rows.triangle_row, rows.triangle_next
        )
        if fades or lanes.differ(rows.square_row, rows.square_next):
            for t in range(frames):
                share = splat(f(state.phase + t + 1) * SHARE)
                mid, side, memory = fading_step(table, share, coefficients, memory)
                left, right = left + gains.left_step, right + gains.right_step
                put(sums + ROW_OF_LANES * t, mid, side, left, right)
        else:
            for t in range(frames):
                mid, side, memory = step(table, f(0.0), coefficients, memory)
                left, right = left + gains.left_step, right + gains.right_step
                put(sums + ROW_OF_LANES * t, mid, side, left, right)
        store_memory(address, memory)
        store_gains(address, Gains(left, right, gains.left_step, gains.right_step))

    return SimpleNamespace(
        parameters=FourOscillators.parameters,
        index=INDEX,
        record=record,
        state=instrument_state(FourOscillators.parameters),
        start=start,
        release=release,
        ended=ended,
        derive=derive,
        render=render,
    )


def compile(modulation: Modulation) -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    return {"process": instrument(kind(modulation))}
