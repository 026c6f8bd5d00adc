"""The synthesizers of a program: which patch each MIDI channel plays, and which a program change calls."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from ...export.errors import ModelFileError
from ..audio_files import AudioFileError
from .layout import CHANNELS, DRUM_BANK, DRUM_CHANNEL, PROGRAMS
from .played import Played

if TYPE_CHECKING:
    from ..patches import Patch

EVERY = 0
"""In place of a channel: all that have no patch of their own."""


def band(assignments: Mapping[int, Patch], *, follow: bool) -> list[Played]:
    """A synth for each patch, not yet prepared, that plays on its channels.

    Parameters
    ----------
    assignments : the patch of each MIDI channel, 1 to 16, or of all others under `EVERY`
    follow : let program changes move channels to the library's patches that state a program, channels with a
        patch of their own too; without ``assignments`` all start with the first program, 10 with drums

    Raises
    ------
    PresetError, AudioFileError, ModelFileError
        If a patch of ``assignments`` or a file that it names cannot be used; one of the library is left out.
    """
    synths = {part: part.build() for part in dict.fromkeys(map(_Part, assignments.values()))}
    for part in (_Part(patch) for patch in (_library() if follow else ())):
        if part not in synths:
            with suppress(AudioFileError, ModelFileError):  # nobody chose it; 'tonerig compile' says why
                synths[part] = part.build()
    parts = list(synths)
    programs = [(*_programs(part.patch), owner) for owner, part in enumerate(parts) if part.patch.program]
    playing: dict[int, int] = {}
    for channel in range(1, CHANNELS + 1):
        patch = assignments.get(channel, assignments.get(EVERY))
        if patch is not None:
            playing[channel] = parts.index(_Part(patch))
        elif follow and not assignments:
            first = DRUM_BANK * PROGRAMS if channel == DRUM_CHANNEL else 0
            for low, high, owner in reversed(programs):
                if low <= first <= high:
                    playing[channel] = owner
    for owner, synth in enumerate(synths.values()):
        channels = [channel for channel, plays in playing.items() if plays == owner]
        synth.play_on(
            channels, follow=range(1, CHANNELS + 1) if follow else (), programs=programs, owner=owner
        )
    return list(synths.values())


class _Part:
    """A patch as one of the band: the same file is the same part."""

    def __init__(self, patch: Patch) -> None:
        self.patch = patch
        self._key = patch.path.resolve() if patch.path is not None else id(patch)

    def build(self) -> Played:
        synth = self.patch.build()
        assert isinstance(synth, Played)
        synth.patch = self.patch.name if self.patch.path is None else self.patch.path.stem
        return synth

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Part) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def _library() -> list[Patch]:
    """The library's patches that state a program, the user's and the shipped ones; broken ones left out."""
    from ..patches import library_patches

    return [patch for patch in library_patches().values() if patch.program is not None]


def _programs(patch: Patch) -> tuple[int, int]:
    """First and last program of a patch, bank * 128 + number from 0."""
    assert patch.program is not None
    first, last = patch.program
    return patch.bank * PROGRAMS + first - 1, patch.bank * PROGRAMS + last - 1
