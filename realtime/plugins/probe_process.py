"""Plugins described in processes of their own, several at a time; whatever one does ends in a sentence."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from .description import DescriptionError, PluginDescription, legible
from .errors import PluginError

TIME_LIMIT_S = 10.0
"""That a plugin has to be loaded and tried."""
FILE_LIMIT_S = 60.0
"""After which no more of a file's plugins are tried."""
MAX_ANSWER = 2**22
MAX_PLUGINS = 64
"""In one file."""
AGAIN = "'tonerig plugins scan --force' tries it again"


class Outcome(NamedTuple):
    """What came of a VST3 file: its plugins, and sentences on what is left alone."""

    path: Path
    plugins: list[PluginDescription]
    left_alone: list[str]


def describe_all(paths: Sequence[Path]) -> Iterator[Outcome]:
    """Describe the plugins of VST3 files, as many at a time as there are processors; the first ready first.

    Parameters
    ----------
    paths : bundles of this system

    Raises
    ------
    PluginError
        where the system has no means for it.
    """
    if not sys.platform.startswith("linux"):
        raise PluginError("plugins are hosted on Linux only, so far")
    running: set[subprocess.Popen[bytes]] = set()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(_describe_file, path, running) for path in paths]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:  # after Ctrl-C nothing is waited for
            for future in futures:
                future.cancel()
            for process in list(running):
                _kill(process)


def _describe_file(path: Path, running: set[subprocess.Popen[bytes]]) -> Outcome:
    found = Outcome(path, [], [])

    def take(name: str | None) -> list[str]:
        try:
            answer = _checked(_ask(path, name, running), path)
            if isinstance(answer, PluginDescription):
                found.plugins.append(answer)
            elif name is None:
                return answer
            else:
                raise PluginError(f"{legible(name)}: does not let itself be described; {AGAIN}")
        except PluginError as error:
            found.left_alone.append(str(error))
        return []

    began = monotonic()
    names = take(None)
    for number, name in enumerate(names):
        if monotonic() - began > FILE_LIMIT_S:
            more = len(names) - number
            found.left_alone.append(
                f"{legible(path.stem)}: took too long; {more} of its plugins are not known"
            )
            break
        take(name)
    return found


def _checked(answer: bytes, path: Path) -> PluginDescription | list[str]:
    """A description, or the names of a file's plugins.

    Raises
    ------
    PluginError
        The plugin was refused, or wrote something else itself.
    """
    try:
        table: Any = json.loads(answer)
        if isinstance(table, dict) and isinstance(table.get("refused"), str):
            raise PluginError(legible(table["refused"], 500))
        if isinstance(table, dict) and "names" in table:
            names = table["names"]
            if isinstance(names, list) and all(isinstance(name, str) and "\0" not in name for name in names):
                return names[:MAX_PLUGINS]
            raise DescriptionError("names are not texts")
        description = PluginDescription.from_dict(table["description"])
    except PluginError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PluginError(f"{legible(path.stem)}: does not let itself be described; {AGAIN}") from None
    return dataclasses.replace(description, path=path)


def _ask(path: Path, name: str | None, running: set[subprocess.Popen[bytes]]) -> bytes:
    """The line that a process of its own writes about a plugin.

    What the process and the plugin print goes to a file in memory that `probe.LIMITS` bounds.

    Raises
    ------
    PluginError
        There is no such line.
    """
    deadline = monotonic() + TIME_LIMIT_S
    result, write = os.pipe()
    tied, tether = os.pipe()
    log = os.memfd_create("tonerig-probe-log")
    command = [sys.executable, "-P", "-m", f"{__package__}.inside.probe", str(write), str(tied), str(path)]
    try:
        process = subprocess.Popen(
            [*command, name] if name is not None else command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(write, tied),
            start_new_session=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        running.add(process)
        os.close(write)
        write = -1
        try:
            answer = _read_line(result, deadline)
            if answer.endswith(b"\n"):
                return answer
            if len(answer) <= MAX_ANSWER:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - monotonic()))
        finally:
            code = process.returncode
            _kill(process)
            running.discard(process)
        how = _how_it_ended(code, log) if len(answer) <= MAX_ANSWER else "said too much when it was described"
        raise PluginError(f"{legible(path.stem)}: {how}; {AGAIN}")
    finally:
        for descriptor in (result, write, tied, tether, log):
            if descriptor >= 0:
                os.close(descriptor)


def _read_line(descriptor: int, deadline: float) -> bytes:
    """What is written, up to the end of a line; less where it ends or takes too long."""
    answer = b""
    while not answer.endswith(b"\n") and len(answer) <= MAX_ANSWER:
        if not select.select([descriptor], [], [], max(0.0, deadline - monotonic()))[0]:
            break
        part = os.read(descriptor, 2**16)
        if not part:
            break
        answer += part
    return answer


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _how_it_ended(code: int | None, log: int) -> str:
    if code is None:
        return f"could not be loaded and tried within {TIME_LIMIT_S:g} s"
    size = os.fstat(log).st_size
    lines = os.pread(log, 2000, max(0, size - 2000)).decode(errors="replace").split("\n")
    words = next((line.strip() for line in reversed(lines) if line.strip()), "")
    said = f" and said: {legible(words, 200)}" if words else ""
    if code >= 0:
        return f"ended its process with code {code} when it was loaded and tried{said}"
    try:
        return f"crashed with {signal.Signals(-code).name} when it was loaded and tried{said}"
    except ValueError:
        return f"crashed with signal {-code} when it was loaded and tried{said}"
