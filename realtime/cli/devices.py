"""``tonerig devices``: the audio devices that there are."""

from __future__ import annotations

import dataclasses
import json

from .options import JsonOption


def devices(as_json: JsonOption = False) -> None:
    """List the audio devices with their numbers, by host (ALSA, JACK, Core Audio, WASAPI …).

    Numbers and names are what --input-device and --output-device take; i and o mark the defaults.
    """
    from ..engine.devices import DeviceError, choose
    from ..engine.devices import devices as all_devices

    found = all_devices()
    defaults: dict[str, int | None] = {}
    for direction in ("input", "output"):
        try:
            defaults[direction] = choose(None, direction).index
        except DeviceError:
            defaults[direction] = None
    if as_json:
        rows = [
            {
                **dataclasses.asdict(device),
                "default_input": device.index == defaults["input"],
                "default_output": device.index == defaults["output"],
            }
            for device in found
        ]
        print(json.dumps(rows, indent=2))
        return
    if not found:
        print("There are no audio devices; connect one, or start a JACK server.")
        return
    host = ""
    for device in found:
        if device.host != host:
            host = device.host
            print(host)
        marks = ("i" if device.index == defaults["input"] else " ") + (
            "o" if device.index == defaults["output"] else " "
        )
        print(
            f"{marks} {device.index:3}  {device.name}  "
            f"({device.inputs} in, {device.outputs} out, {device.rate:g} Hz)"
        )
