"""Which notes MIDI's rules hold after given messages, in a few plain lists: the instrument's reference."""

from __future__ import annotations

from dataclasses import dataclass, field

POLY, MONO, LEGATO = 0, 1, 2
ZONE_CHOSEN, NONE_CHOSEN = [0, 6], [127, 127]


@dataclass(eq=False)
class Note:
    """A note that sounds as long as its key or a pedal holds it."""

    channel: int
    key: int
    down: bool = True
    kept: bool = False


@dataclass
class Held:
    """Notes held on 16 channels, numbered from 0, by a patch that plays them all."""

    voices: int
    notes: list[Note] = field(default_factory=list)
    keys: list[list[int]] = field(default_factory=lambda: [[] for _ in range(16)])
    mono: list[Note | None] = field(default_factory=lambda: [None] * 16)
    modes: list[int | None] = field(default_factory=lambda: [None] * 16)
    sustain: list[bool] = field(default_factory=lambda: [False] * 16)
    sostenuto: list[bool] = field(default_factory=lambda: [False] * 16)
    chosen: list[list[int]] = field(default_factory=lambda: [list(NONE_CHOSEN) for _ in range(16)])
    zone: int = 0

    def hear(self, message: tuple[int, ...]) -> None:
        """Take in a channel message."""
        what, c = message[0] & 0xF0, message[0] & 0x0F
        if what == 0x90 and message[2]:
            self._press(c, message[1])
        elif what in (0x80, 0x90):
            self._lift(c, message[1])
        elif what == 0xB0:
            self._control(c, *message[1:])
        self.notes = [note for note in self.notes if self._holds(note)]

    def sorted(self) -> list[tuple[int, int]]:
        """Channel and key of all notes."""
        return sorted((note.channel, note.key) for note in self.notes)

    def _holds(self, note: Note) -> bool:
        pedal = self.sustain[note.channel] or (note.channel <= self.zone and self.sustain[0])
        return note.down or note.kept or pedal

    def _mode(self, c: int) -> int:
        mode = self.modes[c]
        return self.voices if mode is None else max(mode, self.voices) if mode == MONO else POLY

    def _of(self, c: int) -> list[Note]:
        """The notes that messages on a channel concern."""
        return [n for n in self.notes if n.channel == c or (c == 0 and n.channel <= self.zone)]

    def _press(self, c: int, key: int) -> None:
        self.keys[c] = [k for k in self.keys[c] if k != key] + [key]
        if self._mode(c) == POLY:
            for note in self.notes:
                if (note.channel, note.key) == (c, key):
                    note.down = False
            self.notes.append(Note(c, key))
            return
        before = self.mono[c]
        if self._mode(c) == LEGATO and before in self.notes and before is not None and before.down:
            before.key = key
            return
        self.mono[c] = Note(c, key)
        self.notes = [*(note for note in self.notes if note is not before), self.mono[c]]

    def _lift(self, c: int, key: int) -> None:
        self.keys[c] = [k for k in self.keys[c] if k != key]
        for note in self.notes:
            if (note.channel, note.key, note.down) == (c, key, True):
                if note is self.mono[c] and self._mode(c) != POLY and self.keys[c]:
                    note.key = self.keys[c][-1]
                else:
                    note.down = False

    def _control(self, c: int, number: int, value: int) -> None:
        if number == 64:
            self.sustain[c] = value >= 64
        elif number == 66:
            self._keep(c, value >= 64)
        elif number in (98, 99):
            self.chosen[c] = list(NONE_CHOSEN)
        elif number in (100, 101):
            self.chosen[c][101 - number] = value
        elif number == 6 and self.chosen[c] == ZONE_CHOSEN and c == 0:
            self._make_zone(min(value, 15))
        elif number == 120:
            self._all_keys_up(c)
            gone = self._of(c)
            self.notes = [note for note in self.notes if note not in gone]
        elif number == 121:
            for k in range(16):
                if k == c or (c == 0 and k <= self.zone):
                    self._keep(k, False)
                    self.sustain[k], self.chosen[k] = False, list(NONE_CHOSEN)
        elif number >= 123:
            self._all_keys_up(c)
            if number >= 126:
                self.modes[c] = MONO if number == 126 else POLY

    def _keep(self, c: int, pressed: bool) -> None:
        if pressed != self.sostenuto[c]:
            self.sostenuto[c] = pressed
            for note in self._of(c):
                note.kept = pressed and note.down

    def _all_keys_up(self, c: int) -> None:
        for note in self._of(c):
            note.down = False
        for k in range(16):
            if k == c or (c == 0 and k <= self.zone):
                self.keys[k] = []

    def _make_zone(self, members: int) -> None:
        concerned = max(members, self.zone) + 1
        if concerned == 1:
            return
        self.zone = members
        for c in range(concerned):
            self.keys[c], self.sustain[c], self.sostenuto[c] = [], False, False
            self.chosen[c] = list(NONE_CHOSEN)
        self.notes = [note for note in self.notes if note.channel >= concerned]
