"""The four-oscillator synthesizer on the audio thread, compiled. Imports numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler import lanes
from ..processors.smoothing_code import compiled
from .four import FourOscillators
from .four_voice import WAVES, Coefficients, Memory, Modulation, voice
from .instrument_code import instrument
from .kind_code import (
    HIGHEST_FREQUENCY,
    INAUDIBLE,
    Kind,
    Wanted,
    index_of,
    left_right,
    loop,
    rows_of,
    slow_step,
    straight_release,
    stretched,
)
from .layout import A4, OCTAVE, named
from .low_pass import coefficients
from .oscillators import ONE, ZERO, band_limited, f, oscillators, powers
from .target_code import sixteen

INDEX = index_of(FourOscillators)
GATE_EDGE_S = 0.001
"""The gater's edges last so long when it is played, so that they do not click."""

Rows = named("Rows", [f"{wave}_{name}" for wave in WAVES[1:] for name in ("row", "next")])
OSCILLATION = ("increment", "modulation", "depth", "amplitude")
Derived = named(
    "Derived",
    [
        *(f"{wave}_{name}" for wave in WAVES for name in OSCILLATION),
        *Rows._fields,
        *("width", "a1", "a2", "a3", "gate_increment", "gate_slope", "gate_amount"),
    ],
)


def kind(modulation: Modulation) -> Kind:
    """What `instrument_code.instrument` needs of this synth."""
    ops = sixteen()
    o, exp2, row, low_passed = oscillators(ops), powers(ops).exp2, band_limited(ops).row, coefficients(ops)
    step_of, sine, turns = o.step_of, o.sine, o.turns
    splat, at_most, splat_integer, where_less = ops.splat, ops.at_most, ops.splat_integer, ops.where_less
    record = FourOscillators.record
    load_rows, _ = lanes.access(Rows, record)
    load_wanted, _ = lanes.access(Wanted, record)
    load_memory, _ = lanes.access(Memory, record)
    _, store_derived = lanes.access(Derived, record)
    ATTACK, DECAY, SUSTAIN = INDEX["attack_s"], INDEX["decay_s"], INDEX["sustain"]  # noqa: N806
    WIDTH, GATER = INDEX["width"], INDEX["gater"]  # noqa: N806
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
        attack = max(1.0, stretched(values[ATTACK], channel.attack, rate))
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
    def ended(record: Any, lane: Any) -> Any:
        if record.released[lane] * record.release_rate[lane] < 1.0:
            return False
        mid = max(abs(record.mid_1[lane]), abs(record.mid_2[lane]))
        return max(mid, abs(record.side_1[lane]), abs(record.side_2[lane])) < INAUDIBLE

    @ops.inline
    def carrier(frequency: Any, ratio: Any, rate: Any) -> Any:
        """Cycles a sample, kept under half a cycle."""
        return at_most(ratio * f(frequency / rate), splat(HIGHEST_FREQUENCY))

    @ops.inline
    def depth_of(now: Any, k: Any, ratio: Any, rate: Any) -> Any:
        if by_phase:
            return splat(f(now[k + 3] / (2.0 * np.pi)))
        return at_most(ratio * f(now[k + 3] / rate), splat(HIGHEST_FREQUENCY))

    @ops.inline
    def swing(now: Any, k: Any, depth: Any, modulator: Any, rate: Any) -> Any:
        """Cycles a sample that the modulator moves its carrier by, at this moment."""
        if by_phase:
            return depth * f(2.0 * np.pi * now[k + 1] / rate) * sine(turns(add_quarter(modulator)))
        return depth * sine(turns(modulator))

    @ops.inline
    def add_quarter(phase: Any) -> Any:
        return lanes.add(phase, splat_integer(np.int32(1 << 30)))

    @compiled
    def derive(state: Any, address: Any) -> None:
        now, rate = state.now, state.rate
        wanted, memory = load_wanted(address), load_memory(address)
        ratio = exp2((wanted.pitch - A4) * OCTAVE)
        a, b = carrier(now[SINE], ratio, rate), carrier(now[SAW], ratio, rate)
        c, d = carrier(now[TRIANGLE], ratio, rate), carrier(now[SQUARE], ratio, rate)
        a_depth, b_depth = depth_of(now, SINE, ratio, rate), depth_of(now, SAW, ratio, rate)
        c_depth, d_depth = depth_of(now, TRIANGLE, ratio, rate), depth_of(now, SQUARE, ratio, rate)
        b_next = row(b + swing(now, SAW, b_depth, memory.saw_modulator, rate), 0)
        c_next = row(c + swing(now, TRIANGLE, c_depth, memory.triangle_modulator, rate), 1)
        d_next = row(d + swing(now, SQUARE, d_depth, memory.square_modulator, rate), 2)
        before, at_grid = load_rows(address), state.at_grid
        fresh = where_less(lanes.to_float(before.saw_row), splat(ZERO), splat(ONE), splat(ZERO))
        b_row, b_next = rows_of(at_grid, fresh, before.saw_row, before.saw_next, b_next)
        c_row, c_next = rows_of(at_grid, fresh, before.triangle_row, before.triangle_next, c_next)
        d_row, d_next = rows_of(at_grid, fresh, before.square_row, before.square_next, d_next)
        a1, a2, a3 = low_passed(now[CUTOFF] / rate, now[RESONANCE], wanted.octaves, wanted.peak)
        store_derived(
            address,
            Derived(
                step_of(a),
                slow_step(now[SINE + 1], rate),
                a_depth,
                splat(now[SINE + 2]),
                step_of(b),
                slow_step(now[SAW + 1], rate),
                b_depth,
                splat(now[SAW + 2]),
                step_of(c),
                slow_step(now[TRIANGLE + 1], rate),
                c_depth,
                splat(now[TRIANGLE + 2]),
                step_of(d),
                slow_step(now[SQUARE + 1], rate),
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
                a3,
                slow_step(now[GATE], rate),
                splat(f(1.0 / (GATE_EDGE_S * max(now[GATE], np.float32(0.5))))),
                splat(now[GATER]),
            ),
        )

    run = loop(record, Coefficients, Memory, left_right(voice(ops, "tables", modulation)))
    run_fading = loop(record, Coefficients, Memory, left_right(voice(ops, "fading tables", modulation)))

    @compiled
    def render(state: Any, address: Any, sums: Any, frames: Any) -> None:
        rows = load_rows(address)
        fades = lanes.differ(rows.saw_row, rows.saw_next) or lanes.differ(
            rows.triangle_row, rows.triangle_next
        )
        if fades or lanes.differ(rows.square_row, rows.square_next):
            run_fading(state, state.table, address, sums, frames)
        else:
            run(state, state.table, address, sums, frames)

    release = straight_release(INDEX["release_s"])
    return Kind(FourOscillators, start, release, ended, derive, render)


def compile(modulation: Modulation) -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    return {"process": instrument(kind(modulation))}
