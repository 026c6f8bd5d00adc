"""The compiled side of convolution, see `convolution`. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler.memory import address_of, copy_bytes, record_at
from ..compiler.simd import fma, load, splat, store, tile_fma, tile_load, tile_store
from .convolution import BINS, FILTER, LEVEL, LONG, SHORT, SLOTS
from .fft_code import compiled, transform, twist, untwist

filter_at = record_at(FILTER)
level_at = record_at(LEVEL)
LEVEL_BYTES = LEVEL.itemsize
GROUP_BYTES = 4 * 2 * BINS
VECTORS = SHORT // BINS

_short, _long = transform(SHORT), transform(LONG)
_short_steps, _short_forward, _short_inverse = _short.steps, _short.forward, _short.inverse
_long_steps, _long_forward, _long_inverse = _long.steps, _long.forward, _long.inverse

SUM_SLOTS = SLOTS - 1 - _long_steps
"""Slots of a long block that sum the products of older spectra; the newest's and the inverse follow."""
LONG_GROUPS = LONG // BINS


@compiled
def _sum(level: Any, first: Any, last: Any, oldest: Any, newest: Any) -> None:
    """Set the output's groups ``first`` to ``last`` - 1 to the products of partitions from ``newest`` on."""
    partitions = level.partitions
    for group in range(first, last):
        inputs = level.inputs + GROUP_BYTES * partitions * group
        response = level.response + GROUP_BYTES * partitions * group
        rr, ii = splat(np.float32(0.0), BINS), splat(np.float32(0.0), BINS)
        ri, ir = splat(np.float32(0.0), BINS), splat(np.float32(0.0), BINS)
        place = level.newest + newest
        for p in range(newest, oldest):
            x = inputs + GROUP_BYTES * (place if place < partitions else place - partitions)
            h = response + GROUP_BYTES * p
            x_re, x_im = load(x, BINS), load(x + 4 * BINS, BINS)
            h_re, h_im = load(h, BINS), load(h + 4 * BINS, BINS)
            rr, ii = fma(x_re, h_re, rr), fma(x_im, h_im, ii)
            ri, ir = fma(x_re, h_im, ri), fma(x_im, h_re, ir)
            place += 1
        target = level.sums + GROUP_BYTES * group
        store(target, rr - ii)
        store(target + 4 * BINS, ri + ir)


@compiled
def _add_newest(level: Any, groups: Any, re: Any, im: Any) -> None:
    """The newest spectrum's products and the sums so far, to ``re`` and ``im``."""
    partitions = level.partitions
    for group in range(groups):
        x = level.inputs + GROUP_BYTES * (partitions * group + level.newest)
        h = level.response + GROUP_BYTES * partitions * group
        sums = level.sums + GROUP_BYTES * group
        x_re, x_im = load(x, BINS), load(x + 4 * BINS, BINS)
        h_re, h_im = load(h, BINS), load(h + 4 * BINS, BINS)
        store(re + 4 * BINS * group, load(sums, BINS) + (x_re * h_re - x_im * h_im))
        store(im + 4 * BINS * group, load(sums + 4 * BINS, BINS) + (x_re * h_im + x_im * h_re))


@compiled
def _keep_newest(level: Any, groups: Any, re: Any, im: Any) -> None:
    """Put a spectrum into the ring, at the place of ``newest``."""
    for group in range(groups):
        x = level.inputs + GROUP_BYTES * (level.partitions * group + level.newest)
        store(x, load(re + 4 * BINS * group, BINS))
        store(x + 4 * BINS, load(im + 4 * BINS * group, BINS))


@compiled
def _turn(level: Any) -> None:
    """Make the oldest place of the ring the newest."""
    level.newest = level.partitions - 1 if level.newest == 0 else level.newest - 1


@compiled
def _short_block(filter_: Any, level: Any) -> None:
    """The short partitions' share of the next block, to ``tail``."""
    re, im = level.work, level.work + 4 * SHORT
    re2, im2 = level.work + 8 * SHORT, level.work + 12 * SHORT
    table = level.twiddles
    groups = SHORT // BINS
    twist(filter_.window, re, im, SHORT, table)
    for step in range(_short_steps):
        _short_forward(step, re, im, re2, im2, table)
    _turn(level)
    _keep_newest(level, groups, re2, im2)
    _sum(level, 0, groups, level.partitions, 1)
    _add_newest(level, groups, re2, im2)
    for step in range(_short_steps):
        _short_inverse(step, re, im, re2, im2, table)
    untwist(re, im, filter_.tail, SHORT, table)


@compiled
def short_tail(level: Any, tail: Any) -> None:
    """What the short partitions give for the next block once more, to ``tail``, as with another response."""
    re, im = level.work, level.work + 4 * SHORT
    re2, im2 = level.work + 8 * SHORT, level.work + 12 * SHORT
    _sum(level, 0, SHORT // BINS, level.partitions, 0)
    for group in range(SHORT // BINS):
        sums = level.sums + GROUP_BYTES * group
        store(re2 + 4 * BINS * group, load(sums, BINS))
        store(im2 + 4 * BINS * group, load(sums + 4 * BINS, BINS))
    for step in range(_short_steps):
        _short_inverse(step, re, im, re2, im2, level.twiddles)
    untwist(re, im, tail, SHORT, level.twiddles)


@compiled
def _long_slot(filter_: Any, level: Any) -> None:
    """A sixteenth of the work for a long block, after each short block."""
    slot = filter_.slot
    re, im = level.work, level.work + 4 * LONG
    re2, im2 = level.work + 8 * LONG, level.work + 12 * LONG
    table = level.twiddles
    if slot == 0:
        filter_.playing, filter_.coming = filter_.coming, filter_.playing
        twist(filter_.history, re, im, LONG, table)
        copy_bytes(filter_.history, filter_.history + 4 * LONG, 4 * LONG)
        _turn(level)
    if slot < _long_steps:
        _long_forward(slot, re, im, re2, im2, table)
        if slot == _long_steps - 1:
            _keep_newest(level, LONG_GROUPS, re2, im2)
    if slot < SUM_SLOTS:
        first = LONG_GROUPS * slot // SUM_SLOTS
        _sum(level, first, LONG_GROUPS * (slot + 1) // SUM_SLOTS, level.partitions, 1)
        return
    if slot == SUM_SLOTS:
        _add_newest(level, LONG_GROUPS, re2, im2)
        return
    _long_inverse(slot - SUM_SLOTS - 1, re, im, re2, im2, table)
    if slot == SLOTS - 1:
        untwist(re, im, filter_.coming, LONG, table)


@compiled
def block_complete(filter_: Any) -> None:
    """All that happens when the last sample of a short block has come."""
    short = level_at(address_of(filter_))
    long = level_at(address_of(filter_) + LEVEL_BYTES)
    present = filter_.window + 4 * SHORT
    if short.partitions > 0:
        _short_block(filter_, short)
    if long.partitions > 0:
        copy_bytes(filter_.history + 4 * (LONG + SHORT * filter_.slot), present, 4 * SHORT)
        filter_.slot += 1
        if filter_.slot == SLOTS:
            filter_.slot = 0
        _long_slot(filter_, long)
        share = filter_.playing + 4 * SHORT * filter_.slot
        for k in range(0, 4 * SHORT, 4 * BINS):
            store(filter_.tail + k, load(filter_.tail + k, BINS) + load(share + k, BINS))
    copy_bytes(filter_.window, present, 4 * SHORT)


@compiled
def convolve(filter_: Any, source: Any, target: Any, frames: Any) -> None:
    """Convolve ``frames`` samples at ``source`` to ``target``; any number of frames, no latency.

    Parameters
    ----------
    filter_ : record of `FILTER`
    source, target : addresses of float32, 4-byte aligned; they may be the same
    """
    head = filter_.head
    start = 0
    while start < frames:
        fill = filter_.fill
        count = min(SHORT - fill, frames - start)
        now = filter_.window + 4 * (SHORT + fill)
        tail = filter_.tail + 4 * fill
        out = target + 4 * start
        copy_bytes(now, source + 4 * start, 4 * count)
        if count == SHORT:
            tile = tile_load(1, VECTORS, BINS, tail, 0)
            for k in range(SHORT):
                tile = tile_fma(tile, 1, head + 4 * k, now - 4 * k)
            tile_store(tile, 1, out, 0)
        else:
            for t in range(0, count, BINS):
                short_tile = tile_load(1, 1, BINS, tail + 4 * t, 0)
                for k in range(SHORT):
                    short_tile = tile_fma(short_tile, 1, head + 4 * k, now + 4 * (t - k))
                if count - t >= BINS:
                    tile_store(short_tile, 1, out + 4 * t, 0)
                else:
                    tile_store(short_tile, 1, filter_.spare, 0)
                    copy_bytes(out + 4 * t, filter_.spare, 4 * (count - t))
        filter_.fill = fill + count
        if filter_.fill == SHORT:
            block_complete(filter_)
            filter_.fill = 0
        start += count
