"""Units of compiled code: built once by numba in a process of its own, kept as object files, loaded by LLVM.

A unit is a module with a function ``compile(**arguments)`` that returns named numba C functions.
The process that plays never imports numba (250 MB and half a second): it maps the object code in
and takes the functions' addresses. The key of a cached object hashes every source file that the
unit's module imports from here, the versions of numba and llvmlite, and the processor.
"""

from __future__ import annotations

import ast
import ctypes
import hashlib
import importlib.metadata
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from platformdirs import user_cache_path

PACKAGE = __name__.rsplit(".", 2)[0]


@dataclass(frozen=True)
class Unit:
    """A module of compiled code with the constants it is compiled for.

    Parameters
    ----------
    module : name below ``tonerig.realtime``, such as ``"kernels.wavenet"``
    arguments : JSON-able keyword arguments for the module's ``compile``, as a sorted JSON text
    """

    module: str
    arguments: str = "{}"

    @classmethod
    def of(cls, module: str, **arguments: Any) -> Unit:
        return cls(module, json.dumps(arguments, sort_keys=True))

    @property
    def key(self) -> str:
        """Name of the object file in the cache."""
        return _key(self)


@dataclass
class Loaded:
    """The functions of a unit in this process, by name, as addresses."""

    addresses: dict[str, int]
    _keep: list[Any] = field(default_factory=list, repr=False)

    def __getitem__(self, name: str) -> int:
        return self.addresses[name]

    def function(self, name: str, *parameters: Any, result: Any = None) -> Callable[..., Any]:
        """A ctypes function; the call releases the GIL."""
        return ctypes.CFUNCTYPE(result, *parameters)(self.addresses[name])


class CompileError(RuntimeError):
    """A unit could not be compiled; the text is the compiler's."""


_loaded: dict[str, Loaded] = {}
_loading = threading.Lock()
_mapped = itertools.count()  # LLVM wants every library's name once


def cache_folder() -> Path:
    """Where object files live; ``TONERIG_CACHE`` overrides it.

    Raises
    ------
    CompileError
        when it cannot be made.
    """
    chosen = os.environ.get("TONERIG_CACHE")
    folder = Path(chosen) if chosen else user_cache_path("tonerig")
    folder = folder / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CompileError(
            f"{folder}: cannot be made ({error.strerror}); set TONERIG_CACHE to a folder that can be written"
        ) from None
    return folder


def is_cached(unit: Unit) -> bool:
    """Whether `load` needs no compiler."""
    key = unit.key
    return key in _loaded or (cache_folder() / f"{key}.zip").exists()


def load(unit: Unit) -> Loaded:
    """The unit's functions in this process; compiles them first where the cache has none.

    Raises
    ------
    CompileError
    """
    key = unit.key
    with _loading:  # of two threads' mappings one would be freed while the other thread runs in it
        if key not in _loaded:
            path = cache_folder() / f"{key}.zip"
            if not path.exists():
                compile_units([unit])
            try:
                _loaded[key] = _map(path)
            except (zipfile.BadZipFile, KeyError, ValueError, EOFError):  # damaged on disk: made anew
                path.unlink(missing_ok=True)
                compile_units([unit])
                _loaded[key] = _map(path)
        return _loaded[key]


def compile_units(units: Iterable[Unit], on_start: Callable[[Unit], None] | None = None) -> None:
    """Compile what the cache lacks, in processes of their own, so that no thread here stalls.

    Raises
    ------
    CompileError
        with the compiler's last words.
    """
    missing = [unit for unit in dict.fromkeys(units) if not is_cached(unit)]
    for unit in missing:
        if on_start is not None:
            on_start(unit)
    count = min(len(missing), 4, os.cpu_count() or 1)
    running: list[subprocess.Popen[str]] = []
    try:
        for k in range(count):
            running.append(start_compiling(missing[k::count]))
        failures = [words for process in running if (words := finish_compiling(process)) is not None]
    except BaseException:  # interrupted: the compilers would go on for a minute
        for process in running:
            process.terminate()
        for process in running:
            finish_compiling(process)
        raise
    if failures:
        raise CompileError(failures[0])
    if not all(map(is_cached, missing)):
        raise CompileError("the program's own files changed while it ran; start it again")


def start_compiling(units: Sequence[Unit]) -> subprocess.Popen[str]:
    """Begin to compile units one after another at low priority; see `finish_compiling`."""
    words = [word for unit in units for word in (unit.module, unit.arguments)]
    return subprocess.Popen(
        [*_nice(), sys.executable, "-m", f"{PACKAGE}.compiler.build", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish_compiling(process: subprocess.Popen[str]) -> str | None:
    """Wait for a compiling process; the compiler's last words when it failed."""
    _, words = process.communicate()
    return words.strip()[-3000:] or "the compiler ended" if process.returncode != 0 else None


def write(unit: Unit, functions: dict[str, tuple[str, bytes]]) -> Path:
    """Put object files into the cache: name -> (symbol, object). Atomic: never a half-written file."""
    target = cache_folder() / f"{unit.key}.zip"
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as part:
        try:
            with zipfile.ZipFile(part, "w") as archive:
                archive.writestr("symbols.json", json.dumps({n: s for n, (s, _) in functions.items()}))
                for name, (_, code) in functions.items():
                    archive.writestr(f"{name}.o", code)
            part.close()
            Path(part.name).replace(target)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
    return target


def _map(path: Path) -> Loaded:
    jit = _jit()
    keep: list[Any] = []
    addresses = {}
    with zipfile.ZipFile(path) as archive:
        for name, symbol in json.loads(archive.read("symbols.json")).items():
            builder = llvm.JITLibraryBuilder().add_object_img(archive.read(f"{name}.o"))
            tracker = (
                builder.add_current_process()
                .export_symbol(symbol)
                .link(jit, f"{path.stem}.{name}.{next(_mapped)}")
            )
            addresses[name] = tracker[symbol]
            keep.append(tracker)
    return Loaded(addresses, keep)


@cache
def _jit() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.create_lljit_compiler(target_machine())


def target_machine() -> llvm.TargetMachine:
    """LLVM's description of this processor, the same for building and for loading."""
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        reloc="pic",
        codemodel="small",
        jit=True,
    )


@cache
def _key(unit: Unit) -> str:
    digest = hashlib.sha256()
    for part in (_environment(), unit.module, unit.arguments):
        digest.update(part.encode() + b"\0")
    for path in _sources(unit.module):
        digest.update(path.read_bytes())
    return f"{unit.module}-{digest.hexdigest()[:20]}"


@cache
def _environment() -> str:
    versions = [importlib.metadata.version(package) for package in ("numba", "llvmlite")]
    features = llvm.get_host_cpu_features().flatten()
    return "|".join([*versions, llvm.get_host_cpu_name(), features, llvm.get_default_triple()])


@cache
def _sources(module: str) -> Sequence[Path]:
    """Files of this package that a module imports, directly or not, itself included."""
    root = Path(__file__).parents[1]
    found: dict[Path, None] = {}
    waiting = [root.joinpath(*module.split(".")).with_suffix(".py"), root / "compiler" / "build.py"]
    while waiting:
        path = waiting.pop()
        if path in found or not path.exists():
            continue
        found[path] = None
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = path.parents[node.level - 1]
                base = base.joinpath(*node.module.split(".")) if node.module else base
                waiting.append(base.with_suffix(".py"))
                waiting += [base / f"{alias.name}.py" for alias in node.names]
    return sorted(found)


def _nice() -> list[str]:
    return ["nice", "-n", "10"] if os.name == "posix" else []
