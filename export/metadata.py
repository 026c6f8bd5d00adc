"""What a maker said about a model: the keys each format has for it, and what a file said beyond them."""

from __future__ import annotations

from dataclasses import fields

from .document import Json, Node
from .model import Metadata

TEXT_FIELDS = ("name", "author", "gear_type", "gear_make", "gear_model", "tone_type")
NUMBER_FIELDS = ("loudness_db", "gain", "input_level_dbu", "output_level_dbu", "validation_esr")
OWN_KEYS = {name: name for name in TEXT_FIELDS + NUMBER_FIELDS}
"""Key to field in our own files."""
NAM_KEYS = {
    "name": "name",
    "modeled_by": "author",
    "gear_type": "gear_type",
    "gear_make": "gear_make",
    "gear_model": "gear_model",
    "tone_type": "tone_type",
    "loudness": "loudness_db",
    "gain": "gain",
    "input_level_dbu": "input_level_dbu",
    "output_level_dbu": "output_level_dbu",
}
"""Key to field in a `.nam` file; the validation ESR is in its ``training``."""
AIDA_KEYS = {
    "name": "name",
    "author": "author",
    "style": "tone_type",
    "esr": "validation_esr",
    "gear_type": "gear_type",
    "gear_make": "gear_make",
    "gear_model": "gear_model",
    "loudness": "loudness_db",
    "gain": "gain",
    "input_level_dbu": "input_level_dbu",
    "output_level_dbu": "output_level_dbu",
}
"""Key to field in an AIDA-X file, whose own ``based`` is make and model in one."""


def read_metadata(node: Node | None, keys: dict[str, str], drop: tuple[str, ...] = ()) -> Metadata:
    """The fields that ``keys`` name; all other members, but those to ``drop``, become ``extra``."""
    if node is None:
        return Metadata()
    known: dict[str, Json] = {}
    for key, field in keys.items():
        value = node.get(key)
        if value is not None:
            known[field] = value.text() if field in TEXT_FIELDS else value.number()
    extra = {key: value for key, value in node.members().items() if key not in keys and key not in drop}
    return Metadata(**known, extra=Node(extra, node.where, node.path).plain())


def write_metadata(metadata: Metadata, keys: dict[str, str]) -> dict[str, Json]:
    """The inverse: ``extra``, and over it every known field that has a value and a key."""
    values = {key: getattr(metadata, field) for key, field in keys.items()}
    return metadata.extra | {key: value for key, value in values.items() if value is not None}


def describe_metadata(metadata: Metadata) -> dict[str, Json]:
    """Every field that has a value, by its own name, ``extra`` as one of them."""
    values = {field.name: getattr(metadata, field.name) for field in fields(metadata)}
    return {name: value for name, value in values.items() if value not in (None, {})}


def build_metadata(node: Node) -> Metadata:
    """The inverse of `describe_metadata`."""
    known = read_metadata(node, OWN_KEYS)
    extra = node.get("extra")
    values = {field.name: getattr(known, field.name) for field in fields(known)} | {"extra": {}}
    if extra is not None:
        extra.members()
        values["extra"] = extra.plain()
    return Metadata(**values)
