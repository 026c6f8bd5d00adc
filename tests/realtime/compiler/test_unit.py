"""The cache of compiled code: found again, rebuilt when damaged, keyed by its sources."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tonerig.realtime.compiler import unit as module
from tonerig.realtime.compiler.unit import CompileError, Unit, cache_folder, compile_units, is_cached, load

GAIN = Unit.of("processors.gain")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and nothing loaded in this process."""
    monkeypatch.setenv("TONERIG_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "_loaded", {})
    return cache_folder()


def test_a_unit_is_compiled_once_and_found_again(empty_cache: Path) -> None:
    """The first load leaves one file in the cache, the next process only maps it in."""
    assert not is_cached(GAIN)
    load(GAIN)
    (file,) = empty_cache.iterdir()
    written = file.stat().st_mtime_ns
    module._loaded.clear()
    assert load(GAIN)["process"] != 0
    assert file.stat().st_mtime_ns == written


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", None])
def test_a_damaged_file_is_made_anew(empty_cache: Path, damage: bytes | None) -> None:
    """An empty, a foreign and a truncated file are replaced by a good one."""
    load(GAIN)
    (file,) = empty_cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    module._loaded.clear()
    function = load(GAIN).function("process", *[ctypes.c_int64] * 5)
    assert function is not None
    assert file.stat().st_size > len(whole) // 2


def test_threads_that_load_at_once_share_one_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads ask for what none has loaded: of two mappings one would be freed in use."""
    load(GAIN)
    monkeypatch.setattr(module, "_loaded", {})
    together = threading.Barrier(8)

    def one() -> module.Loaded:
        together.wait()
        return load(GAIN)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: one(), range(8)))
    assert all(loaded is found[0] for loaded in found)


def test_a_unit_that_does_not_compile_says_why(empty_cache: Path) -> None:
    """The compiler's words come through, and nothing is left behind."""
    with pytest.raises(CompileError, match="no_such_module"):
        compile_units([Unit.of("kernels.no_such_module")])
    assert list(empty_cache.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="children are looked for in Linux's /proc")
def test_compilers_end_with_the_process_that_waits_for_them(empty_cache: Path) -> None:
    """A program that is told to end while it compiles leaves no compiler behind, and no half-written file."""
    words = "from tonerig.realtime.cli import main; main(['compile'])"
    with subprocess.Popen([sys.executable, "-c", words], stderr=subprocess.PIPE, text=True) as waiting:
        children = Path(f"/proc/{waiting.pid}/task/{waiting.pid}/children")
        compilers: list[str] = []
        while not compilers and waiting.poll() is None:
            time.sleep(0.5)
            compilers = children.read_text().split()
        time.sleep(0.5)
        waiting.terminate()
        assert waiting.wait(120) == 143
    end = time.monotonic() + 60
    while any(Path(f"/proc/{number}").exists() for number in compilers) and time.monotonic() < end:
        time.sleep(0.05)
    assert compilers and not any(Path(f"/proc/{number}").exists() for number in compilers)
    assert not list(empty_cache.iterdir())


def test_the_key_follows_constants_and_sources() -> None:
    """Other constants are another unit; a kernel's key covers every file that it imports."""
    one, two = (Unit.of("kernels.feedforward", kind="copy", channels=channels) for channels in (1, 2))
    assert one.key != two.key
    names = {path.name for path in module._sources("kernels.feedforward")}
    assert {"feedforward.py", "feedforward_code.py", "dilated.py", "simd.py", "memory.py", "abi.py"} <= names


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache below a file is refused with what to do."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TONERIG_CACHE", str(tmp_path / "file"))
    with pytest.raises(CompileError, match="set TONERIG_CACHE to a folder"):
        cache_folder()


def test_playing_imports_neither_numba_nor_torch() -> None:
    """A process that prepares and runs a chain loads its code without the compiler and without torch."""
    load(GAIN)
    words = (
        "import sys, numpy as np\n"
        "from tonerig.realtime.engine.program import Program\n"
        "from tonerig.realtime.engine.runner import Runner\n"
        "from tonerig.realtime.processors.gain import Gain\n"
        "Runner(Program([Gain()], 48000, 64, 1)).process(np.ones((1, 100), np.float32))\n"
        "assert not {'numba', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", words], check=True)
