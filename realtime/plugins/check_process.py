"""A process that makes one check of a plugin, as its host sees it: told what to do, watched, ended."""

from __future__ import annotations

import select
from collections.abc import Mapping
from time import monotonic
from typing import Any

from . import messages
from .child import ENDING_S, Child
from .description import legible
from .errors import PluginError
from .hosting import MEMORY_LIMIT

LOOK_S = 0.02
LOAD_S = 10.0
"""That a plugin may take to be loaded, or made ready for another rate."""
HANG_S = 3.0
"""That a plugin may be busy with one block; live it is less, but here other checks run beside it."""
CHECK_S = 60.0
"""That one check may take."""


class LostError(PluginError):
    """The process was lost with the plugin in it; the text says how, and what it was at."""


class CheckProcess(Child):
    """A process of `inside.check_worker`.

    Raises
    ------
    PluginError
        where the system has no means for it.
    """

    def __init__(self) -> None:
        super().__init__("check_worker")
        self.socket.settimeout(HANG_S)

    def check(self, name: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """What comes of one check; nothing in it is to be taken on trust.

        Parameters
        ----------
        name : of the check
        order : the plugin's, see `slot.Slot`, and what else the check has to know

        Raises
        ------
        LostError
        """
        stage, loading = "", True
        begun = heard = monotonic()
        try:
            messages.send(self.socket, {"check": name, "order": order})
            while True:
                if select.select([self.socket], [], [], LOOK_S)[0]:
                    message, _ = messages.receive(self.socket)
                    if "findings" in message:
                        return message
                    heard = monotonic()
                    stage = legible(str(message.get("stage", stage)))
                    loading = message.get("loading") is True
                    continue
                now, patience = monotonic(), LOAD_S if loading else HANG_S
                if now - heard > patience:
                    raise LostError(_at(f"hung for {patience:g} s", stage))
                if now - begun > CHECK_S:
                    raise LostError(_at(f"was not done within {CHECK_S:g} s", stage))
                if self.memory() > MEMORY_LIMIT:
                    raise LostError(_at(f"held more than {MEMORY_LIMIT // 2**20} MB of memory", stage))
                if self.flooded():
                    raise LostError(_at("flooded its output", stage))
        except messages.GoneError:
            raise LostError(_at(self.how_it_ended(ENDING_S) or "does not answer any more", stage)) from None


def _at(what: str, stage: str) -> str:
    return f"{what} {stage}".strip()
