"""Keeping a checkpoint while a network trains, so that an interruption at any moment costs half a minute."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import lightning

INTERVAL_S = 30.0


class Keeper(lightning.Callback):
    """Writes a checkpoint every `INTERVAL_S`, and when training is interrupted.

    Lightning's own ``ModelCheckpoint`` passes over its ``train_time_interval`` where a module takes its
    optimiser's steps itself, as ours does. The module says when a batch is done and counted: Lightning calls
    callbacks before that.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._last = path, time.monotonic()

    def batch_counted(self, trainer: lightning.Trainer) -> None:
        """Keep what is there if the last checkpoint is old enough."""
        if time.monotonic() - self._last >= INTERVAL_S:
            keep(trainer, self.path)
            self._last = time.monotonic()

    def on_exception(self, trainer: lightning.Trainer, *_: Any) -> None:
        keep(trainer, self.path)


def keep(trainer: lightning.Trainer, path: Path) -> None:
    """Write a checkpoint, whole or not at all."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        trainer.save_checkpoint(unfinished)
        if trainer.is_global_zero:
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
