"""The compiled side of `response`. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.abi import audio_function
from ..compiler.memory import copy_bytes, float32_at, record_at
from ..compiler.simd import broadcast, fma, load, store
from .convolution import BINS, SHORT
from .convolution_code import block_complete, convolve, filter_at, level_at, short_tail
from .fft_code import compiled
from .response import RESPONSE

response_at = record_at(RESPONSE)
HEAD_BYTES = 4 * SHORT
STEP = np.float32(1.0 / SHORT)


@compiled
def fold(response: Any, features: Any) -> None:
    """Take the taps that the features (an address) give; only at a multiple of 64 samples.

    The next block fades to them, unless it is the first.
    """
    filter_, short = filter_at(response.filter), level_at(response.filter)
    if response.started == 0:
        response.started = 1
    else:
        if response.fades == 0:
            copy_bytes(response.before_tail, filter_.tail, HEAD_BYTES)
        copy_bytes(response.before_head, filter_.head, HEAD_BYTES)
        response.before, short.response = short.response, response.before
        response.fades = 2
    row = 4 * response.size
    for place in range(0, row, 4 * BINS):
        total = load(response.rows + place, BINS)
        for k in range(response.features):
            weights = load(response.rows + row * (k + 1) + place, BINS)
            total = fma(weights, broadcast(features + 4 * k, BINS), total)
        if place < HEAD_BYTES:
            store(filter_.head + place, total)
        else:
            store(short.response + place - HEAD_BYTES, total)


@compiled
def _fade(response: Any, filter_: Any, source: Any, target: Any, count: Any) -> None:
    """The next ``count`` samples, all in one block of 64, between the old taps and the new."""
    fill = filter_.fill
    now = filter_.window + 4 * (SHORT + fill)
    copy_bytes(now, source, 4 * count)
    head, before = float32_at(filter_.head), float32_at(response.before_head)
    tail, before_tail = float32_at(filter_.tail), float32_at(response.before_tail)
    y = float32_at(target)
    for t in range(count):
        new, old = tail[fill + t], before_tail[fill + t]
        x = float32_at(now + 4 * t - 4 * (SHORT - 1))  # oldest first
        for k in range(SHORT):
            new += head[k] * x[SHORT - 1 - k]
            old += before[k] * x[SHORT - 1 - k]
        y[t] = old + np.float32(fill + t + 1) * STEP * (new - old)
    filter_.fill = fill + count
    if filter_.fill < SHORT:
        return
    filter_.fill = 0
    block_complete(filter_)
    response.fades -= 1
    if response.fades == 1:  # the head is where it should be; what the partitions give follows
        copy_bytes(response.before_head, filter_.head, HEAD_BYTES)
        copy_bytes(response.before_tail, filter_.tail, HEAD_BYTES)
        short = level_at(response.filter)
        if short.partitions > 0:
            new_response = short.response
            short.response = response.before
            short_tail(short, response.before_tail)
            short.response = new_response


def process() -> Any:
    """Compile ``process``."""

    @audio_function(RESPONSE)
    def process(context: Any, state: Any, source: Any, target: Any, frames: Any) -> None:
        filter_ = filter_at(state.filter)
        start = 0
        while start < frames:
            count = frames - start
            if state.fades == 0:
                convolve(filter_, source + 4 * start, target + 4 * start, count)
            else:
                count = min(SHORT - filter_.fill, count)
                _fade(state, filter_, source + 4 * start, target + 4 * start, count)
            start += count

    return process
