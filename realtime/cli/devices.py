"""``tonerig devices``: the audio devices and MIDI inputs that there are."""

from __future__ import annotations

import dataclasses
import json

from .options import JsonOption

NO_DEFAULT = {"default_input": False, "default_output": False}


def devices(as_json: JsonOption = False) -> None:
    """List the audio devices with their numbers, by host (ALSA, JACK, Core Audio, WASAPI …), and MIDI inputs.

    Numbers and names are what --input-device and --output-device take, and --midi-in for MIDI inputs;
    i and o mark the defaults.
    """
    from ..engine.devices import DeviceError, choose
    from ..engine.devices import devices as all_devices
    from ..midi.ports import midi_inputs

    found, midi = all_devices(), midi_inputs()
    defaults: dict[str, int | None] = {}
    for direction in ("input", "output"):
        try:
            defaults[direction] = choose(None, direction).index
        except DeviceError:
            defaults[direction] = None
    if as_json:
        rows: list[dict[str, object]] = [
            {
                "kind": "audio",
                **dataclasses.asdict(device),
                "default_input": device.index == defaults["input"],
                "default_output": device.index == defaults["output"],
            }
            for device in found
        ]
        for number, port in enumerate(midi):  # with every key of an audio device, which has no channels
            row = {"kind": "midi", "index": number, "name": port.name, "host": port.api}
            rows.append({**row, "inputs": 0, "outputs": 0, "rate": 0.0, **NO_DEFAULT})
        print(json.dumps(rows, indent=2))
        return
    if not found:
        print("There are no audio devices; connect one, or start a JACK server.")
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
    if not midi:
        print("There are no MIDI inputs; to play a patch, connect a keyboard.")
        return
    print("MIDI inputs")
    for number, port in enumerate(midi):
        print(f"   {number:3}  {port.name}  ({port.api})")
