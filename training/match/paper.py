"""What the paper found: Tables 3 and 4 of O. Barkan and D. Tsiris, *Deep Synthesizer Parameter Estimation*.

Models are named as ``tonerig train match --model`` takes them, parameters as the synthesizer ``four`` does.
Its models saw 200 000 sounds a hundred times, in ten-fold cross-validation.
"""

from __future__ import annotations

from collections.abc import Mapping

MODELS: Mapping[str, str] = {
    "fc-linear": "FC Linear",
    "fc1": "FC1",
    "fc2": "FC2",
    "fc3": "FC3",
    "conv1": "Conv1",
    "conv2": "Conv2",
    "conv3": "Conv3",
    "conv4": "Conv4",
    "conv5": "Conv5",
    "conv6": "Conv6",
    "conv6xl": "Conv6XL",
    "conve2e": "ConvE2E",
    "hc": "HC",
    "hc3": "HC3",
}
"""The fourteen, in the order of Table 3, and how the paper writes them."""

_TABLE_3 = """
attack_s               59.34 61.46 61.59 61.23 69.15 69.28 69.67 69.91 70.66 71.28 70.85 84.38 75.74 83.59
decay_s                53.23 52.99 53.04 53.20 53.30 53.70 53.69 54.05 53.64 53.53 53.53 53.98 53.87 53.12
sustain                53.09 53.48 53.20 53.45 52.76 53.69 53.38 53.43 53.55 53.32 53.55 54.01 53.33 53.09
release_s              59.49 61.76 62.25 61.99 81.32 83.79 85.88 88.04 88.43 90.47 90.23 88.52 76.40 88.46
gate_hz                54.49 55.48 55.89 55.49 81.03 96.02 96.60 97.66 97.85 97.54 97.88 92.81 91.99 94.02
cutoff_hz              91.27 92.83 93.05 92.90 98.64 99.07 99.48 99.59 99.64 99.71 99.68 98.50 96.76 99.27
resonance              79.84 82.22 82.59 82.38 90.46 92.55 94.39 95.34 96.10 96.46 96.62 93.30 85.25 94.55
saw_amplitude          65.41 66.99 67.96 68.09 68.05 72.05 74.02 74.95 76.36 76.50 77.12 69.54 66.54 75.66
saw_depth_hz           82.58 83.25 82.80 82.46 81.03 83.75 84.04 85.01 85.40 85.70 85.73 79.76 81.97 81.85
saw_modulation_hz      55.31 56.04 56.51 56.28 59.62 66.56 67.12 67.98 67.33 67.18 66.79 65.58 64.46 63.75
saw_frequency_hz       72.54 74.02 73.36 72.71 70.31 77.74 78.27 79.93 79.65 79.86 80.16 73.85 73.72 74.93
sine_amplitude         54.56 55.52 56.05 55.91 59.73 63.33 65.30 65.84 66.45 66.80 67.28 64.70 60.16 65.79
sine_depth_hz          80.43 81.03 81.33 80.74 82.06 84.30 84.43 85.67 85.95 86.42 86.50 81.49 83.72 83.89
sine_modulation_hz     54.24 54.87 54.97 54.48 60.91 67.88 68.18 68.73 68.53 68.38 68.02 67.45 65.40 64.40
sine_frequency_hz      60.19 62.09 62.12 61.15 64.73 79.08 79.50 80.00 80.62 80.55 80.41 75.33 73.26 75.23
square_amplitude       65.17 67.22 68.13 68.07 65.51 71.51 73.04 74.46 75.31 75.65 76.46 72.08 65.88 75.69
square_depth_hz        85.98 87.61 87.60 87.34 85.65 88.54 89.01 89.99 90.51 90.77 90.85 83.89 86.69 87.98
square_modulation_hz   57.42 59.31 59.80 59.76 63.89 69.47 69.94 70.25 69.99 69.68 69.55 68.91 68.39 67.82
square_frequency_hz    76.29 78.76 78.44 77.79 75.02 83.20 83.88 84.80 85.39 85.79 86.27 78.38 78.46 81.62
triangle_amplitude     54.15 54.93 55.39 55.38 58.53 61.78 63.10 63.99 64.76 64.70 65.41 61.73 57.55 61.61
triangle_depth_hz      79.80 80.41 80.48 79.97 81.15 82.43 82.53 83.76 84.27 84.45 84.27 80.41 81.99 82.15
triangle_modulation_hz 54.28 54.49 54.48 54.30 59.43 66.55 66.94 67.49 67.25 66.91 66.61 66.80 63.49 63.07
triangle_frequency_hz  59.53 60.96 61.12 59.52 63.61 76.66 77.30 78.13 78.48 78.03 77.90 73.62 69.94 72.71
"""
_SYMBOLS = (
    "a d s r f_gate f_cut q A_saw B_saw v_saw f_saw A_sin B_sin v_sin f_sin "
    "A_sqr B_sqr v_sqr f_sqr A_tri B_tri v_tri f_tri"
)
_MEANS = (65.59, 66.85, 67.05, 66.72, 70.69, 75.78, 76.51, 77.35, 77.66, 77.81, 77.9, 76.17, 72.8, 75.8)
_TABLE_4 = """
measure over        conv6xl     conv6     conv5     conv4   conve2e       hc3        hc       fc2 fc-linear
stft mean             92.04     91.38     91.09     90.97     88.33     88.04     84.62     77.22     75.24
stft median           95.61     95.39     95.10     94.99     93.41     92.59     88.53     82.32     80.83
fourier mean          76.13     74.28     73.46     73.29     71.36     64.39     59.68     58.18     54.74
fourier median        90.22     88.00     87.40     86.29     80.61     68.07     59.73     57.19     51.15
time mean             63.19     61.15     60.39     59.65     57.26     50.31     45.54     41.98     38.43
time median           86.11     82.92     82.57     81.08     73.81     54.83     40.94     38.81     32.10
frobenius mean       708.94    740.32    757.69    765.55    904.12    918.78   1117.53   1336.70   1427.03
frobenius median     679.36    704.99    726.87    743.97    884.96    916.52   1084.59   1267.87   1328.79
"""

_ROWS_3 = [line.split() for line in _TABLE_3.strip().splitlines()]
_HEAD_4, *_ROWS_4 = (line.split() for line in _TABLE_4.strip().splitlines())

SYMBOLS: Mapping[str, str] = dict(zip((row[0] for row in _ROWS_3), _SYMBOLS.split(), strict=True))
"""The parameters, in the order of Table 3, and how the paper writes them."""
MEAN_PERCENTILE_RANKS: Mapping[str, Mapping[str, float]] = {
    model: {parameter: float(row[k]) for parameter, *row in _ROWS_3} for k, model in enumerate(MODELS)
}
"""Table 3 by model and parameter."""
MPR: Mapping[str, float] = dict(zip(MODELS, _MEANS, strict=True))
"""Its last row: the mean over all parameters.

Of all columns but ConvE2E's the mean is within 0.04 of what is printed; ConvE2E's is 75.17, printed as 76.17.
"""
RECONSTRUCTION: Mapping[str, Mapping[tuple[str, str], float]] = {
    model: {(measure, over): float(row[k]) for measure, over, *row in _ROWS_4}
    for k, model in enumerate(_HEAD_4[2:])
}
"""Table 4 by model and measure: (stft, fourier, time or frobenius; mean or median). Correlations × 100."""
