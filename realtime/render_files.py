"""Several sound files through one preset, in several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.managers import SyncManager
from pathlib import Path
from queue import Queue
from types import FrameType

from .presets import Preset
from .render import AS_IT_IS, Finish, Rendered, RenderError, render_file


def render_files(
    files: Sequence[Path],
    targets: Sequence[Path],
    preset: Preset,
    finish: Finish = AS_IT_IS,
    jobs: int = 1,
    progress: Callable[[int, float], None] = lambda number, fraction: None,
) -> list[Rendered | Exception]:
    """Render several files, ``jobs`` at a time in processes of their own; an error ends only its own file.

    Parameters
    ----------
    progress : called with a file's number (from 0) and the fraction of it that is done

    Returns
    -------
    list
        For each file its result, or what was wrong with it.
    """
    work = list(enumerate(zip(files, targets, strict=True)))
    results: list[Rendered | Exception] = [RenderError("not rendered")] * len(work)
    if jobs <= 1 or len(work) <= 1:
        for number, (source, target) in work:
            try:
                results[number] = render_file(source, target, preset, finish, _numbered(progress, number))
            except (ValueError, OSError, RuntimeError) as error:
                results[number] = error
        return results
    processes = multiprocessing.get_context("spawn")
    manager = SyncManager(ctx=processes)
    manager.start(_end_with_parent)
    with manager:
        reports = manager.Queue()
        others = set(multiprocessing.active_children())
        with ProcessPoolExecutor(min(jobs, len(work)), processes, _end_with_parent) as pool:
            waiting = {pool.submit(_in_process, reports, n, s, t, preset, finish): n for n, (s, t) in work}
            try:
                while not all(future.done() for future in waiting):
                    time.sleep(0.05)
                    while not reports.empty():
                        progress(*reports.get())
            except BaseException:  # interrupted: end the processes too
                for child in set(multiprocessing.active_children()) - others:
                    child.terminate()
                raise
            for future, number in waiting.items():
                results[number] = future.result()
    return results


def _in_process(
    reports: Queue[tuple[int, float]], number: int, source: Path, target: Path, preset: Preset, finish: Finish
) -> Rendered | RenderError:
    """In a process of its own; an error comes back as its sentence, since not every one can be sent."""
    signal.signal(signal.SIGTERM, _end_process)
    try:
        return render_file(source, target, preset, finish, lambda fraction: reports.put((number, fraction)))
    except (ValueError, OSError, RuntimeError) as error:
        return RenderError(str(error))
    except SystemExit:
        os._exit(1)  # what was half-written is removed by now; the pool would go on with the next file


def _end_with_parent() -> None:
    """In a process of its own: end when the parent has ended, even by SIGKILL; plugins' workers end then."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _end_process(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


def _numbered(progress: Callable[[int, float], None], number: int) -> Callable[[float], None]:
    return lambda fraction: progress(number, fraction)
