"""JACK's callbacks, compiled. Imports numba: only where code is compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import cfunc, types
from numba.extending import intrinsic

from ..compiler.memory import int64_at, load_acquire, record_at, store_release
from .layout import JACK
from .serve_code import run

jack_at = record_at(JACK)
INPUT_OVERFLOW = 2
"""PortAudio's flag that stands for an xrun in the reports."""


def _field(name: str) -> int:
    assert JACK.fields is not None
    return int(JACK.fields[name][1])


XRUNS, DOWN = _field("xruns"), _field("down")


@intrinsic
def get_buffer(typing_context: Any, function: Any, port: Any, frames: Any) -> Any:
    """``jack_port_get_buffer`` by its address."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, port, frames = arguments
        word = ir.IntType(64)
        kind = ir.FunctionType(word, [word, ir.IntType(32)])
        count = builder.trunc(frames, ir.IntType(32))
        return builder.call(builder.inttoptr(function, kind.as_pointer()), [port, count])

    return types.int64(types.int64, types.int64, types.int64), codegen


def functions() -> dict[str, Any]:
    """Compile JACK's process, xrun and shutdown callbacks; each is given the address of a `JACK` record."""
    word = types.int64

    @cfunc(types.intc(types.uint32, word), nopython=True, error_model="numpy")
    def process(count: Any, address: Any) -> Any:
        jack = jack_at(address)
        frames = np.int64(count)
        for k in range(jack.inputs):
            int64_at(jack.buffers_in)[k] = get_buffer(jack.get_buffer, int64_at(jack.ports_in)[k], frames)
        for k in range(jack.outputs):
            int64_at(jack.buffers_out)[k] = get_buffer(jack.get_buffer, int64_at(jack.ports_out)[k], frames)
        xruns = load_acquire(address + XRUNS)
        flags = np.int64(INPUT_OVERFLOW) if xruns != jack.xruns_seen else np.int64(0)
        jack.xruns_seen = xruns
        run(jack.engine, jack.buffers_in, jack.buffers_out, frames, flags)
        return 0

    # One thread of JACK's delivers all xruns.
    @cfunc(types.intc(word), nopython=True, error_model="numpy")
    def xrun(address: Any) -> Any:
        store_release(address + XRUNS, load_acquire(address + XRUNS) + 1)
        return 0

    @cfunc(types.void(word), nopython=True, error_model="numpy")
    def shutdown(address: Any) -> None:
        store_release(address + DOWN, 1)

    return {"jack_process": process, "jack_xrun": xrun, "jack_shutdown": shutdown}
