"""Sounds of the four-oscillator synthesizer for data sets on a CUDA device. Imports numba.

One thread renders one sound, by the same voice. Sounds are written side by side, so that neighbouring
threads write neighbouring words, and handed out the other way round as a view.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import cuda, types
from numba.extending import intrinsic
from numpy.typing import ArrayLike

from .dataset import FRAMES, KEY_UP_S, RATE, lanes_of
from .four import FourOscillators
from .four_voice import Coefficients, Memory, Modulation, voice
from .layout import LANES
from .target_code import one_on_cuda

THREADS = 64


def is_available() -> bool:
    """Whether numba finds a CUDA device."""
    return bool(cuda.is_available())


def render_on_cuda(
    values: ArrayLike,
    *,
    modulation: Modulation = "frequency",
    rate: float = RATE,
    frames: int = FRAMES,
    key_up_s: float = KEY_UP_S,
) -> Any:
    """Sounds for parameter values, as `dataset.render_values`, left on the device.

    Returns
    -------
    DeviceNDArray, shape (frames, sounds), float32
        ``torch.as_tensor(it, device="cuda").T`` is the batch, without a copy.

    Raises
    ------
    ValueError
        when the shape is not (sounds, 23).
    """
    records = cuda.to_device(lanes_of(values, modulation, rate).view(np.uint8))
    sounds = len(np.asarray(values))
    output = cuda.device_array((frames, sounds), np.float32)
    key_up = np.int32(min(frames, round(key_up_s * rate)))
    dispatcher = cuda.jit(kernel(modulation))
    dispatcher[-(-sounds // THREADS), THREADS](records, key_up, output)
    return output


@cache
def kernel(modulation: Modulation) -> Any:
    """The kernel, as a function of (records as bytes, the frame at which keys go up, output)."""
    step = voice(one_on_cuda(), "formulas", modulation)
    dtype = FourOscillators.record
    coefficients_at, memory_at = _reader(Coefficients, dtype), _reader(Memory, dtype)
    size, one, zero = dtype.itemsize, np.float32(1), np.float32(0)

    def render(records: Any, key_up: Any, output: Any) -> None:
        sound = cuda.grid(1)
        if sound < output.shape[1]:
            place = (sound // LANES) * size + 4 * (sound % LANES)
            held = coefficients_at(records, place, one)
            let_go = coefficients_at(records, place, zero)
            memory = memory_at(records, place, one)
            for t in range(output.shape[0]):
                mid, _, memory = step(0, zero, held if t < key_up else let_go, memory)
                output[t, sound] = mid

    return render


def _reader(values: Any, record: np.dtype[Any]) -> Any:
    """``(bytes, place, held) -> values``: one lane's fields of a record, with ``held`` for that field."""
    assert record.fields is not None
    fields = [record.fields[name][:2] for name in values._fields]
    kinds = [types.float32 if kind.base.kind == "f" else types.int32 for kind, _ in fields]
    bundle = types.BaseTuple.from_types(kinds, values)
    held_at = values._fields.index("held") if "held" in values._fields else -1

    @intrinsic
    def read(typing_context: Any, memory: Any, place: Any, held: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            start = builder.ptrtoint(array.data, ir.IntType(64))
            start = builder.add(start, arguments[1])
            found = []
            for k, ((_, offset), kind) in enumerate(zip(fields, kinds, strict=True)):
                pointer = context.get_value_type(kind).as_pointer()
                at = builder.inttoptr(builder.add(start, ir.Constant(ir.IntType(64), offset)), pointer)
                found.append(arguments[2] if k == held_at else builder.load(at))
            return context.make_tuple(builder, bundle, found)

        return bundle(memory, types.int64, types.float32), codegen

    return read
