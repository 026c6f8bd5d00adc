"""The sampler on the audio thread, compiled. Imports numba."""

from __future__ import annotations

from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..compiler import lanes
from ..compiler.memory import address_of, record_at
from ..compiler.simd import store
from ..processors.smoothing import GRID
from ..processors.smoothing_code import compiled
from .instrument_code import instrument
from .layout import LANES, VOICES
from .notes_code import give_way, voice_at
from .oscillators import ONE, ZERO, f, powers
from .recordings import OVERSAMPLING
from .sampler import KIT, OPEN_HZ, ZONE, Sampler
from .sampler_voice import PER_PLACE, Coefficients, Memory, voice
from .synth import instrument_state
from .target_code import sixteen

INDEX = {parameter.name: k for k, parameter in enumerate(Sampler.parameters)}
LONGER = np.float32(4.0)
"""Octaves of time that controllers 72 and 73 reach each way."""
REACH = f(5.0)
"""Octaves that a recording is moved at most, each way."""
BLEND = 1 / np.log2(1.25)
"""The low-pass is blended in from `OPEN_HZ` down to 4/5 of it."""
INAUDIBLE = np.float32(1e-6)
BAND = f(0.45)
"""Of the sample rate: the highest cutoff."""
ROW_OF_LANES = 4 * lanes.LANES
ZONE_BYTES = ZONE.itemsize

Gains = namedtuple("Gains", "left right left_step right_step")
Wanted = namedtuple("Wanted", "pitch octaves peak root")
Derived = namedtuple("Derived", "step step_fraction narrow closed a1 a2 a3")

kit_at, zone_at = record_at(KIT), record_at(ZONE)


def kind() -> SimpleNamespace:
    """What `instrument_code.instrument` needs of this synth."""
    ops = sixteen()
    step, power = voice(ops), powers(ops)
    exp2, warped = power.exp2, power.warped
    splat, at_least, at_most = ops.splat, ops.at_least, ops.at_most
    to_integer, to_float = ops.to_integer, ops.to_float
    record = Sampler.record
    group_bytes = record.itemsize
    record_of_lanes = record_at(record)
    load_gains, store_gains = lanes.access(Gains, record)
    load_wanted, _ = lanes.access(Wanted, record)
    load_coefficients, _ = lanes.access(Coefficients, record)
    load_memory, store_memory = lanes.access(Memory, record)
    _, store_derived = lanes.access(Derived, record)
    ATTACK, RELEASE, WIDTH = INDEX["attack_s"], INDEX["release_s"], INDEX["width"]  # noqa: N806
    CUTOFF, RESONANCE = INDEX["cutoff_hz"], INDEX["resonance"]  # noqa: N806

    @compiled
    def choke(state: Any, group: Any, besides: Any) -> None:
        """Let all voices of a group give way but one."""
        for v in range(VOICES):
            others = record_of_lanes(state.lanes + group_bytes * (v // LANES))
            if v != besides and others.choke[v % LANES] == group:
                give_way(state, v)

    @compiled
    def start(state: Any, record: Any, lane: Any, values: Any, channel: Any, key: Any, hard: Any) -> None:
        kit = kit_at(state.table)
        attack = values[ATTACK] * 2.0 ** (LONGER * channel.attack) * state.rate
        record.attack_rate[lane] = 1.0 / max(1.0, attack)
        record.attack_start[lane] = 1.0 if attack < 1.0 else 0.0
        record.release_rate[lane] = 0.0
        record.held[lane] = 1.0
        record.age[lane] = record.released[lane] = 0.0
        record.left_1[lane] = record.left_2[lane] = record.right_1[lane] = record.right_2[lane] = 0.0
        record.place[lane] = record.fraction[lane] = record.choke[lane] = 0
        number = kit.chosen[key, np.int64(hard * 127.0 + 0.5)]
        if number < 0:
            record.left_share[lane] = record.right_share[lane] = 0.0
            return
        zone = zone_at(kit.zones + ZONE_BYTES * number)
        record.end[lane], record.aside[lane], record.place[lane] = zone.end, zone.aside, -zone.places
        record.root[lane] = zone.root
        record.left_share[lane], record.right_share[lane] = zone.left, zone.right
        record.choke[lane] = zone.choke
        v = LANES * ((address_of(record) - state.lanes) // group_bytes) + lane
        voice_at(state, v).released = zone.one_shot
        if zone.choke != 0:
            choke(state, zone.choke, v)

    @compiled
    def release(state: Any, record: Any, lane: Any, values: Any, channel: Any) -> None:
        frames = max(1.0, values[RELEASE] * 2.0 ** (LONGER * channel.release) * state.rate)
        record.release_rate[lane] = 1.0 / frames
        record.held[lane] = 0.0

    @compiled
    def ended(record: Any, lane: Any) -> Any:
        if record.place[lane] < 0 and record.released[lane] * record.release_rate[lane] < 1.0:
            return False
        left = max(abs(record.left_1[lane]), abs(record.left_2[lane]))
        return max(left, abs(record.right_1[lane]), abs(record.right_2[lane])) < INAUDIBLE

    @compiled
    def derive(state: Any, address: Any) -> None:
        now, rate = state.now, state.rate
        wanted = load_wanted(address)
        octaves = (wanted.pitch - wanted.root) * f(1 / 12)
        speed = exp2(at_least(at_most(octaves, splat(REACH)), splat(-REACH))) * f(OVERSAMPLING)
        whole = to_integer(speed)
        below = f(np.log2(OPEN_HZ / np.float64(now[CUTOFF]))) - wanted.octaves
        closed = at_least(splat(ZERO), at_most(splat(ONE), below * f(BLEND)))
        g = warped(at_most(exp2(wanted.octaves) * f(now[CUTOFF] / rate), splat(BAND)))
        damping = exp2(wanted.peak * f(-2.0)) * f(1.0 / now[RESONANCE])
        a1 = ONE / (g * (g + damping) + ONE)
        a2 = g * a1
        store_derived(
            address,
            Derived(
                whole,
                to_integer((speed - to_float(whole)) * PER_PLACE),
                splat(f(0.5 - 0.5 * now[WIDTH])),
                closed,
                a1,
                a2,
                g * a2,
            ),
        )

    @compiled
    def render(state: Any, address: Any, sums: Any, frames: Any) -> None:
        samples = kit_at(state.table).samples
        coefficients, memory, gains = load_coefficients(address), load_memory(address), load_gains(address)
        left, right = gains.left, gains.right
        for t in range(frames):
            own_left, own_right, memory = step(samples, coefficients, memory)
            left = left + gains.left_step
            right = right + gains.right_step
            at = sums + ROW_OF_LANES * t
            other = at + ROW_OF_LANES * GRID
            store(at, lanes.row_at(at) + own_left * left)
            store(other, lanes.row_at(other) + own_right * right)
        store_memory(address, memory)
        store_gains(address, Gains(left, right, gains.left_step, gains.right_step))

    return SimpleNamespace(
        parameters=Sampler.parameters,
        index=INDEX,
        record=record,
        state=instrument_state(Sampler.parameters),
        start=start,
        release=release,
        ended=ended,
        derive=derive,
        render=render,
    )


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    return {"process": instrument(kind())}
