"""The yardstick for voices: the four-oscillator synth written in Faust, played by the `dawdreamer` package.

Two ways, since DawDreamer's own polyphony computes one sample at a time, with all its coefficients
(``FaustProcessor::processBlock``): as that polyphony, and as one program of all voices that computes whole
blocks. The second is the faster; `synth` compares with it.

Oscillators are the standard library's (``os.osc``, ``os.sawtooth``, ``os.triangle``, ``os.square``): its
PolyBLEP square and triangle take twice the time. The vector modes take 1.3 to 1.8 times that of scalar code.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from .one_core import Measure, serve

RATE, BLOCK = 48000, 64
FLAGS = ["-mcd", "0"]
"""Delay lines of any length are rings (Faust moves short ones otherwise): a tenth faster here."""
PIECE_S = {"blocks": 5.0, "polyphony": 2.0}
"""Sound for one measurement, about a tenth of a second's work."""
WAVES = {"sine": "os.osc", "saw": "half(os.sawtooth)", "triangle": "half(os.triangle)", "square": "os.square"}
"""With the synth's amplitudes: saw and triangle go from -1/2 to 1/2."""

VOICE = """
oscillator(wave, frequency, modulation, amplitude, depth, key, trigger) =
    wave((frequency + depth * os.hs_oscsin(modulation, trigger)) * key) * amplitude;
half(wave, frequency) = wave(frequency) / 2;
{oscillators}
voice(freq, gain, gate) =
    (sine(key, trigger) + saw(key, trigger) + triangle(key, trigger) + square(key, trigger))
    * en.adsr({attack_s}, {decay_s}, {sustain}, {release_s}, gate) * gain
    : fi.resonlp({cutoff_hz}, {resonance}, 1) : *(gater(trigger))
with {{ key = freq / 440; trigger = gate > gate'; }};
gater(trigger) = os.lf_sawpos_reset({gate_hz}, trigger) < 0.5;
"""
ONE = (
    'process = voice(hslider("freq", 440, 20, 20000, 0.01), hslider("gain", 1, 0, 1, 0.01), button("gate"));'
)


def voice(patch: Mapping[str, float]) -> str:
    """Faust's ``voice(freq, gain, gate)``, every parameter of the patch a slider that stands at its value."""
    sliders = {name: f'hslider("{name}", {value}, 0, 20000, 0.0001)' for name, value in patch.items()}
    oscillators = "\n".join(
        f"{name} = oscillator({wave}, "
        + ", ".join(
            sliders[f"{name}_{part}"] for part in ("frequency_hz", "modulation_hz", "amplitude", "depth_hz")
        )
        + ");"
        for name, wave in WAVES.items()
    )
    return VOICE.format(oscillators=oscillators, **sliders)


def all_voices(patch: Mapping[str, float], keys: Sequence[int]) -> str:
    """A program with a voice for each key (MIDI numbers), all held from the start, summed."""
    voices = ",\n    ".join(
        f'voice(hslider("freq{n}", {440 * 2 ** ((key - 69) / 12):.6f}, 20, 20000, 0.001), '
        f'hslider("gain{n}", 1, 0, 1, 0.01), hslider("gate{n}", 1, 0, 1, 1))'
        for n, key in enumerate(keys)
    )
    return f"{voice(patch)}process = {voices}\n    :> _;"


def player(patch: Mapping[str, float], keys: Sequence[int], polyphony: bool) -> Any:
    """A ``dawdreamer.RenderEngine`` that plays the keys whenever it renders.

    Raises
    ------
    ImportError
        without dawdreamer.
    """
    dawdreamer = import_module("dawdreamer")
    engine = dawdreamer.RenderEngine(RATE, BLOCK)
    faust = engine.make_faust_processor("four")
    faust.compile_flags = FLAGS
    if polyphony:
        faust.set_dsp_string(voice(patch) + ONE)
        faust.num_voices, faust.group_voices = len(keys), True
    else:
        faust.set_dsp_string(all_voices(patch, keys))
    faust.compile()
    if polyphony:
        for key in keys:
            faust.add_midi_note(key, 127, 0.0, 2 * max(PIECE_S.values()))
    engine.load_graph([(faust, [])])
    return engine


def prepare(setup: Mapping[str, Any]) -> Measure:
    """Compile both ways; each measurement gives voices in real time: keys × seconds of sound a second."""
    engines = {name: player(setup["patch"], setup["keys"], polyphony=name == "polyphony") for name in PIECE_S}
    for engine in engines.values():
        engine.render(0.1)

    def measure() -> dict[str, float]:
        return {name: _voices(engine, PIECE_S[name]) for name, engine in engines.items()}

    def _voices(engine: Any, seconds: float) -> float:
        start = time.perf_counter()
        engine.render(seconds)
        return len(setup["keys"]) * seconds / (time.perf_counter() - start)

    return measure


if __name__ == "__main__":
    serve(prepare)
