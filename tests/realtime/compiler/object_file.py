"""Read what an ELF object file needs from outside itself: its symbol table, by the ELF-64 specification."""

from __future__ import annotations

import struct

SYMBOL_TABLE = 2
UNDEFINED = 0


def undefined_symbols(code: bytes) -> set[str]:
    """Names of the symbols that an object file refers to and does not define."""
    assert code[:6] == b"\x7fELF\x02\x01", "an ELF file of 64 bits, little endian"
    (headers,) = struct.unpack_from("<Q", code, 0x28)
    size, count = struct.unpack_from("<HH", code, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", code, headers + k * size) for k in range(count)]
    names: set[str] = set()
    for _, kind, _, _, start, length, link, _, _, entry in sections:
        if kind != SYMBOL_TABLE:
            continue
        strings = sections[link][4]
        for place in range(start + entry, start + length, entry):
            name, _, _, section = struct.unpack_from("<IBBH", code, place)
            if section == UNDEFINED:
                first = strings + name
                names.add(code[first : code.index(b"\0", first)].decode())
    return names
