"""What every processor of a chain is: parameters, prepared memory, and the address of its code."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from ..compiler.layout import State
from ..compiler.unit import Unit, load
from ..parameters import Parameter, ParameterError


class Processor(ABC):
    """One link of a chain.

    Nothing here runs on the audio thread; only the code at ``code`` does, on ``state``.
    A subclass declares ``name``, ``description`` and ``parameters``, and its module has a function
    ``compile()`` that imports numba and returns ``{"process": …}`` made by ``audio_function``.
    For each parameter the state's record has a float32 field of the same name: the goal that
    the compiled code smooths towards.

    Parameters
    ----------
    values : parameter values by name, in their units; the others keep their defaults

    Attributes
    ----------
    state : `State`, after `prepare`
    code : address of the compiled ``process``, after `prepare`
    outputs : channels that come out, after `prepare`
    latency : samples of delay at the prepared rate, after `prepare`
    """

    name: ClassVar[str]
    description: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    files: ClassVar[tuple[str, ...]] = ()
    """Keyword arguments that take the path of a file: ``Cabinet(values, impulse=path)``."""
    optional_files: ClassVar[tuple[str, ...]] = ()
    """The same of files that may be left out."""
    texts: ClassVar[tuple[str, ...]] = ()
    """Keyword arguments that take a text: ``kind(values, plugin="ZamComp")``."""
    chains: ClassVar[tuple[str, ...]] = ()
    """Keyword arguments that take a list of processors: ``Parallel(values, a=[…], b=[…])``."""
    fixed: ClassVar[tuple[str, ...]] = ()
    """Parameters that are read in `prepare`: a new value needs the processor built anew."""
    least_outputs: ClassVar[int] = 1
    """Channels that come out where one goes in."""

    state: State
    code: int
    outputs: int
    latency: int = 0
    period: int = 0
    """Frames that a device asks for at a time, set before `prepare`; 0: offline."""
    problem: str | None = None
    """A sentence when it does not do its work, as where its plugin is not installed. A class that has one
    does not know its parameters, and takes any value."""

    notices: Sequence[str] = ()
    """Sentences about what is not as it was asked for, while it does its work; after `prepare`."""

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        self.values = {parameter.name: parameter.default for parameter in self.parameters}
        for name, value in (values or {}).items():
            self.values[name] = self.parameter(name).check(value)

    @classmethod
    def variant(
        cls, texts: Mapping[str, str], files: Mapping[str, Path] = MappingProxyType({})
    ) -> type[Processor]:
        """The class with the parameters that its texts and files choose, as a plugin's or a model's.

        Itself where none do.

        Raises
        ------
        ValueError
            where there can be none for these.
        """
        return cls

    @classmethod
    def parameter(cls, name: str) -> Parameter:
        """The definition of one of its parameters.

        Raises
        ------
        ParameterError
            when there is none of that name.
        """
        for parameter in cls.parameters:
            if parameter.name == name:
                return parameter
        known = ", ".join(parameter.name for parameter in cls.parameters) or "none"
        raise ParameterError(f"{cls.name} has no parameter {name}; it has {known}")

    def set(self, name: str, value: object) -> None:
        """Set a parameter before it is prepared.

        Raises
        ------
        ParameterError
        """
        self.values[name] = self.parameter(name).check(value)

    def units(self) -> tuple[Unit, ...]:
        """The compiled code it needs; known before `prepare`, so that it can be built beforehand."""
        return (Unit.of(self.__module__.split(".realtime.")[1]),)

    def prepare(self, rate: float, max_block: int, channels: int) -> None:
        """Allocate and warm everything for a stream. Not for the audio thread.

        Parameters
        ----------
        rate : in Hz
        max_block : most frames that one call will bring
        channels : at the input, 1 or 2
        """
        self.outputs = channels
        self.state = self.make_state(rate, max_block, channels)
        for name, value in self.values.items():
            self.state.record[name] = value
        self.state.seal()
        self.code = load(self.units()[0])["process"]

    @abstractmethod
    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        """The memory the compiled code starts from; may set ``outputs`` and ``latency``."""

    def states(self) -> list[State]:
        """All memory that the audio thread touches through it, its own ``state`` first."""
        return [self.state]

    def reset(self) -> None:
        """Back to the state after `prepare`, present parameter values kept. Not while it plays."""
        for state in self.states():
            state.reset()
        for name, value in self.values.items():
            self.state.record[name] = value


def everything(chain: Sequence[Processor]) -> Iterator[Processor]:
    """The processors of a chain, each followed by those of the chains inside it."""
    for processor in chain:
        yield processor
        for name in processor.chains:
            yield from everything(getattr(processor, name))


def problems(chain: Sequence[Processor]) -> list[str]:
    """What keeps processors of a chain, and of the chains inside it, from their work, or is not as it was
    asked for; each sentence once."""
    said = [sentence for part in everything(chain) for sentence in (part.problem, *part.notices)]
    return list(dict.fromkeys(sentence for sentence in said if sentence is not None))
