"""Whether a sound file's header can be true: a sample rate, and no more samples than the file holds.

Decoders fill what is missing with silence, so that a file cut off in a download would pass for whole.
WAV and AIFF say how many bytes of samples follow, FLAC and MP3 how many samples or bytes there are in
all; each is compared with the file. Ogg marks its last page.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

FLAC_BLOCK_SIZES = {
    1: 192,
    **{k: 576 << (k - 2) for k in range(2, 6)},
    **{k: 256 << (k - 8) for k in range(8, 16)},
}
LONGEST_FLAC_FRAME = 2**20
LONGEST_OGG_PAGE = 65307


def header_problem(path: Path) -> str | None:
    """What is wrong, in words, or None where the file is whole or of a format that does not tell.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(12)
        size = path.stat().st_size
        if start[:4] in (b"RIFF", b"RF64", b"BW64") and start[8:] == b"WAVE":
            return _wave_problem(file, size)
        if start[:4] == b"FORM" and start[8:] in (b"AIFF", b"AIFC"):
            return _missing_samples(_chunks(file, ">"), b"SSND", size)
        if start[:4] == b"fLaC":
            return _missing_flac(path.read_bytes() if size < 2**21 else _ends(file, size))
        if start[:4] == b"OggS":
            file.seek(max(0, size - LONGEST_OGG_PAGE))
            return _ogg_problem(file.read())
        if start[:3] == b"ID3" or start[:1] == b"\xff":
            return _missing_mp3(file, start, size)
    return None


def _chunks(file: BinaryIO, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and promised size of each chunk of an IFF file, from offset 12 on."""
    place = 12
    while True:
        file.seek(place)
        header = file.read(8)
        if len(header) < 8:
            return
        name, size = struct.unpack(f"{order}4sI", header)
        yield name, place + 8, size
        place += 8 + size + size % 2


def _wave_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """The same for WAV; RF64 keeps the size of ``data`` in its chunk ``ds64``."""
    long_size = None
    for name, place, size in _chunks(file, "<"):
        if name == b"ds64":
            file.seek(place + 8)
            long_size = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))[0]
        if name == b"data" and size == 0xFFFFFFFF and long_size is not None:
            yield name, place, long_size
            return
        yield name, place, size


def _wave_problem(file: BinaryIO, size: int) -> str | None:
    for name, place, _ in _wave_chunks(file):
        if name == b"fmt ":
            file.seek(place + 4)
            if file.read(4) == bytes(4):
                return "says its sample rate is 0 Hz; write it again with its true rate"
    return _missing_samples(_wave_chunks(file), b"data", size)


def _missing_samples(chunks: Iterator[tuple[bytes, int, int]], wanted: bytes, file_size: int) -> str | None:
    for name, place, size in chunks:
        if name == wanted:
            present = file_size - place
            return _shortfall(size, present, "bytes of samples") if present < size else None
    return "is cut off: its header ends before any samples; get a whole copy"


def _shortfall(promised: int, present: int, what: str) -> str:
    return f"is cut off: its header promises {promised} {what}, but {present} are there; get a whole copy"


def _missing_mp3(file: BinaryIO, start: bytes, size: int) -> str | None:
    """Compare with the byte count that encoders put into the first frame (the Xing or Info header)."""
    place = 0
    if start[:3] == b"ID3":
        place = 10 + sum((byte & 0x7F) << 7 * (3 - k) for k, byte in enumerate(start[6:10]))
    file.seek(place)
    frame = file.read(256)
    mark = re.search(rb"Xing|Info", frame)
    if mark is None or not frame[mark.end() + 3] & 2:
        return None
    offset = mark.end() + 4 + (4 if frame[mark.end() + 3] & 1 else 0)
    promised = int.from_bytes(frame[offset : offset + 4], "big")
    return _shortfall(promised, size - place, "bytes of sound") if size - place < promised else None


def _ogg_problem(tail: bytes) -> str | None:
    """Look for a whole last page that is marked as the end of the stream; RFC 3533, section 6."""
    for match in re.finditer(b"OggS", tail):
        page = tail[match.start() :]
        segments = page[27 : 27 + page[26]] if len(page) > 26 else b""
        if len(page) >= 27 and page[5] & 4 and len(page) >= 27 + page[26] + sum(segments):
            return None
    return "is cut off: its last page is missing; get a whole copy"


def _ends(file: BinaryIO, size: int) -> bytes:
    """The first and the last part of a long file, which is where its header and its last frame are."""
    file.seek(0)
    start = file.read(42)
    file.seek(size - LONGEST_FLAC_FRAME)
    return start + file.read()


def _missing_flac(data: bytes) -> str | None:
    """Look for a last frame that ends at the promised number of samples; RFC 9639, sections 8.2 and 9."""
    if len(data) < 42:
        return "is cut off: its header ends before any samples; get a whole copy"
    total = int.from_bytes(data[18:26], "big") & (1 << 36) - 1
    block_size = int.from_bytes(data[8:10], "big")
    if total == 0:
        return None
    if data[-128:-125] == b"TAG":  # ID3v1, which some taggers append
        data = data[:-128]
    tail = data[42:]
    for match in re.finditer(rb"\xff[\xf8\xf9]", tail):
        frame = tail[match.start() :]
        if _frame_end(frame, block_size) == total and _checksum(frame[:-2], 0x8005, 16) == int.from_bytes(
            frame[-2:], "big"
        ):
            return None
    return f"is cut off: its {total} samples do not end with its last frame; get a whole copy"


def _frame_end(frame: bytes, block_size: int) -> int | None:
    """Number of the sample after a frame, from its header; None where no frame starts here."""
    if len(frame) < 8:
        return None
    extra = 7 - (frame[4] ^ 0xFF).bit_length() if frame[4] >= 0xC0 else 0  # bytes after the first, as UTF-8
    number = frame[4] & 0x7F >> extra if extra else frame[4]
    for byte in frame[5 : 5 + extra]:
        number = number << 6 | byte & 0x3F
    place = 5 + extra
    code, rate_code = frame[2] >> 4, frame[2] & 15
    count = FLAC_BLOCK_SIZES.get(code, 0)
    if code in (6, 7):
        count = 1 + int.from_bytes(frame[place : place + code - 5], "big")
        place += code - 5
    place += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if len(frame) <= place or _checksum(frame[:place], 0x07, 8) != frame[place]:
        return None
    return (number if frame[1] & 1 else number * block_size) + count


def _checksum(data: bytes, polynomial: int, bits: int) -> int:
    """A cyclic redundancy check, most significant bit first, starting from 0."""
    top, mask = 1 << bits - 1, (1 << bits) - 1
    table = []
    for value in range(256):
        register = value << bits - 8
        for _ in range(8):
            register = (register << 1 ^ polynomial if register & top else register << 1) & mask
        table.append(register)
    register = 0
    for byte in data:
        register = (register << 8 & mask) ^ table[register >> bits - 8 ^ byte]
    return register
