"""Which knob a person means: ``gate.threshold_db``, for an option, for a controller, and while it plays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..engine.knobs import Knob, check_controller
from ..parameters import ParameterError
from ..processors.processor import everything

if TYPE_CHECKING:
    from ..engine.control import Engine
    from ..processors.processor import Processor

FORM = "PROCESSOR.PARAMETER=VALUE"


@dataclass(frozen=True)
class Setting:
    """A knob and what it is set to, as written."""

    processor: str
    parameter: str
    value: str

    @classmethod
    def read(cls, text: str) -> Setting:
        """From ``PROCESSOR.PARAMETER=VALUE``.

        Raises
        ------
        ParameterError
        """
        place, equals, value = text.partition("=")
        processor, dot, parameter = place.rpartition(".")
        if not (equals and dot and processor.strip() and parameter.strip()):
            raise ParameterError(f"{text[:100]!r} sets no knob, expected {FORM}")
        return cls(processor.strip(), parameter.strip(), value.strip())

    def set(self, chain: Sequence[Processor]) -> None:
        """Set it before the chain is prepared; a processor with a problem, which says so, is left alone.

        Raises
        ------
        ParameterError
        """
        processor = find(chain, self.processor)
        if processor.problem is None:
            processor.set(self.parameter, self.value)

    def turn(self, engine: Engine, chain: Sequence[Processor]) -> str:
        """Turn it while the chain, or a part of a chain, plays; says in a sentence where it is now.

        Raises
        ------
        ParameterError
        """
        processor = find(chain, self.processor)
        value = engine.set_parameter(processor, self.parameter, self.value)
        return f"{self.processor}: {self.parameter} is {processor.parameter(self.parameter).text(value)}"


@dataclass(frozen=True)
class Control:
    """A MIDI controller and the knob that it turns; ``channel`` 1 to 16, or None for any."""

    controller: int
    channel: int | None
    processor: str
    parameter: str

    @classmethod
    def read(cls, text: str) -> Control:
        """From ``CONTROLLER=PROCESSOR.PARAMETER`` or ``CONTROLLER@CHANNEL=PROCESSOR.PARAMETER``.

        Raises
        ------
        ParameterError
        """
        found = re.fullmatch(r" *([0-9]{1,3}) *(?:@ *([0-9]{1,2}) *)?= *(.*\S) *\. *(\S+) *", text, re.ASCII)
        if found is None:
            raise ParameterError(
                f"{text[:100]!r} gives no controller a knob, expected CONTROLLER=PROCESSOR.PARAMETER, "
                "such as 20=gate.threshold_db, or 20@2=gate.threshold_db for channel 2 alone"
            )
        controller, channel = int(found[1]), None if found[2] is None else int(found[2])
        check_controller(controller, channel)
        return cls(controller, channel, found[3], found[4])

    def knob(self, chain: Sequence[Processor]) -> Knob | None:
        """The knob of a chain; None where its processor has a problem, which says so: it has no knobs then.

        Raises
        ------
        ParameterError
            when there is none, or it does not move while it plays.
        """
        processor = find(chain, self.processor)
        if processor.problem is not None:
            return None
        return Knob(self.controller, processor, self.parameter, self.channel)


def of_models(chain: Sequence[Processor]) -> list[str]:
    """A sentence for each model of a chain that has knobs: what it is called, and where they stand."""
    sentences = []
    for part in everything(chain):
        names = [knob.name for knob in getattr(part, "knobs", ())]
        stands = (f"{name} {part.parameter(name).text(part.values[name])}" for name in names)
        ranges = (f"({part.parameter(name).range_text()})" for name in names)
        if names:
            listed = ", ".join(map(" ".join, zip(stands, ranges, strict=True)))
            sentences.append(f"knobs of {getattr(part, 'title', None) or part.name}: {listed}")
    return sentences


def find(chain: Sequence[Processor], name: str) -> Processor:
    """The first processor of that name, patch, plugin or model, inner ones too, or that of that number.

    Raises
    ------
    ParameterError
        naming those that there are.
    """
    numbered = {str(number): processor for number, processor in enumerate(chain, 1)}
    if name in numbered:
        return numbered[name]
    parts = list(everything(chain))
    for part in parts:
        if name in (part.name, *(getattr(part, key, None) for key in ("patch", "plugin", "title"))):
            return part
    present = ", ".join(dict.fromkeys(getattr(part, "plugin", part.name) for part in parts)) or "nothing"
    raise ParameterError(f"the chain has no {name[:100]}; it has {present}")
