"""The compiled code of the whole audio thread, as it lies on disk, calls arithmetic and copies, no Python."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator

import pytest
from tonerig.realtime.compiler.unit import Unit, cache_folder, compile_units
from tonerig.realtime.engine.program import ENGINE_UNIT
from tonerig.realtime.kernels import kernel_for, knobs, onnx_runtime
from tonerig.realtime.library import named
from tonerig.realtime.processors import PROCESSORS, processor_class
from tonerig.realtime.processors.processor import Processor
from tonerig.realtime.synths.four import FourOscillators

from tests.models import KINDS, random_model

from ..kernels.knobbed import NETWORKS, knobbed
from .object_file import undefined_symbols

ARITHMETIC = {"exp", "exp2", "log", "log2", "log10", "pow", "sin", "cos", "tan", "tanh", "atan2", "sqrt"}
HARMLESS = ARITHMETIC | {f"{name}f" for name in ARITHMETIC} | {"memcpy", "memmove", "memset", "clock_gettime"}
LINKER = {"_GLOBAL_OFFSET_TABLE_"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="object files are read in Linux's format")


def _processor(name: str) -> Processor:
    files = {"model": random_model("lstm_1x16", 0), "impulse": named("impulses", "1x12")}
    kind = processor_class(name)
    return kind(**{key: files[key] for key in kind.files})


def _units() -> Iterator[tuple[str, Unit]]:
    yield "the audio thread", ENGINE_UNIT
    yield "ONNX Runtime's kernel", onnx_runtime.unit()
    for name in ("plugins.exchange", "plugins.instrument", "plugins.missing"):
        yield name, Unit.of(name)
    for name in ("gain", "echo", "modulation", "compression", "chain", "convolution"):
        yield f"kernels.{name}", Unit.of(f"kernels.{name}")
    for name in (name for name in PROCESSORS if not processor_class(name).texts):
        for unit in _processor(name).units():
            yield name, unit
    for unit in FourOscillators({"modulation": "phase"}).units():
        yield "four, its phase modulated", unit
    for kind in NETWORKS:
        found = knobbed(kind, 0)
        for unit in knobs.units(found):
            yield f"{kind}, with knobs", unit
    for kind in KINDS:
        model = random_model(kind, 0).playable()
        kernel = kernel_for(model)
        if kernel is not None:
            for unit in kernel.units(model):
                yield kind, unit


def _needs(unit: Unit) -> set[str]:
    with zipfile.ZipFile(cache_folder() / f"{unit.key}.zip") as archive:
        objects = [archive.read(name) for name in archive.namelist() if name.endswith(".o")]
    assert objects
    return set().union(*map(undefined_symbols, objects)) - LINKER


def test_no_unit_of_the_audio_thread_calls_anything_but_arithmetic_and_copies() -> None:
    """Every processor, every kernel and the engine need from outside only functions that cannot block."""
    units = {unit: name for name, unit in _units()}
    compile_units(units)
    forbidden = {name: found for unit, name in units.items() if (found := _needs(unit) - HARMLESS)}
    assert not forbidden


def test_the_reading_of_object_files_finds_what_is_there() -> None:
    """An object that calls ``PyGILState_Ensure`` is seen to do so."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(
        f'target triple = "{llvm.get_default_triple()}"\n'
        "declare i32 @PyGILState_Ensure()\n"
        "define i32 @f() {\n %r = call i32 @PyGILState_Ensure()\n ret i32 %r\n}"
    )
    code = llvm.Target.from_default_triple().create_target_machine().emit_object(module)
    assert undefined_symbols(code) - LINKER == {"PyGILState_Ensure"}
