"""How well the parameters of a synthesizer can be told from its sound at all.

    python benchmarks/audible.py two [SOUNDS]

For settings drawn by chance every level of each parameter is rendered, all others as they are. Levels whose
spectrogram in dB differs on average by no more than a threshold from the right one's cannot be told from it:
the best that anybody can do among them is to guess a switch, and to take the middle of a knob.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from tonerig.realtime.match.spectrogram import magnitudes
from tonerig.realtime.match.synths import MatchedSynth, matched_synth

THRESHOLDS_DB = (0.02, 0.1, 0.3)
FLOOR = 1e-5
"""Added to magnitudes: what lies below is not heard."""


def audible(synth: MatchedSynth, sounds: int) -> NDArray[np.float64]:
    """Of switches the share to be right in, of knobs the error on 0 to 10, shape (parameters, thresholds)."""
    found = np.zeros((len(synth.parameters), len(THRESHOLDS_DB)))
    for levels in synth.drawn(5, "validation", 0, sounds):
        for k, parameter in enumerate(synth.parameters):
            rows = np.repeat(levels[None], parameter.levels, axis=0)
            rows[:, k] = np.arange(parameter.levels)
            spectra = 20 * np.log10(magnitudes(synth.render(synth.values(rows)), synth.window) + FLOOR)
            away = np.abs(spectra - spectra[levels[k]]).mean(axis=(1, 2))
            for place, threshold in enumerate(THRESHOLDS_DB):
                alike = np.flatnonzero(away <= threshold)
                if parameter.choices:
                    found[k, place] += 1 / len(alike)
                else:
                    error = np.abs(alike - np.median(alike)).mean()
                    found[k, place] += 10 * error / (parameter.levels - 1)
    return found / sounds


def main() -> None:
    synth = matched_synth(sys.argv[1])
    sounds = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    found = audible(synth, sounds)
    headings = " | ".join(f"{threshold:g} dB" for threshold in THRESHOLDS_DB)
    print(f"| parameter | {headings} |\n| --- |{' ---: |' * len(THRESHOLDS_DB)}")
    for parameter, row in zip(synth.parameters, found, strict=True):
        print(f"| `{parameter.name}` | {' | '.join(f'{value:.2f}' for value in row)} |")
    knobs = found[[not parameter.choices for parameter in synth.parameters]].mean(axis=0)
    print(f"| mean error of the knobs | {' | '.join(f'{value:.2f}' for value in knobs)} |")


if __name__ == "__main__":
    main()
