"""``tonerig preset``: list, show, hear and make presets."""

from __future__ import annotations

import json

import typer

from . import PLAIN
from .audition import audition
from .options import JsonOption
from .preset_new import new
from .preset_show import show

app = typer.Typer(**PLAIN)


@app.callback(epilog="Example: tonerig preset show crunch")
def preset() -> None:
    """List, show, hear and make presets."""


@app.command("list", epilog="Example: tonerig preset list --json")
def list_presets(as_json: JsonOption = False) -> None:
    """List presets, chains and patches, yours and the shipped ones."""
    from ..documents import printable
    from ..library import listing, user_library
    from ..patches import load_patch
    from ..presets import PresetError, load_preset

    rows = []
    for kind, folder, read in (("chain", "chains", load_preset), ("patch", "patches", load_patch)):
        for name, path in listing(folder).items():
            place = "yours" if path.is_relative_to(user_library()) else "shipped"
            try:
                description = read(path).description
            except PresetError as error:
                description = f"cannot be used: {error}"
            rows.append(
                {"name": name, "kind": kind, "place": place, "description": description, "path": str(path)}
            )
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        print(f"{printable(row['name']):{width}}  {row['kind']}  {row['place']:7}  {row['description']}")


app.command("show", epilog="Example: tonerig preset show crunch --picture crunch.png")(show)
app.command("audition", epilog="Example: tonerig preset audition glass-bell drums -o sounds")(audition)
app.command("new", epilog="Example: tonerig preset new mine --model plexi.nam --impulse 4x12.wav")(new)
