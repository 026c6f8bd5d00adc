"""Every effect that pedalboard brings, as a processor: its attributes and their units are the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from ..parameters import Parameter
from .hosted import HOSTING, Hosted

ROOT_HALF = 0.7071067690849304
"""As pedalboard has it, float32."""
QUALITIES = (
    "ZeroOrderHold",
    "Linear",
    "CatmullRom",
    "Lagrange",
    "WindowedSinc",
    "WindowedSinc256",
    "WindowedSinc128",
    "WindowedSinc64",
    "WindowedSinc32",
    "WindowedSinc16",
    "WindowedSinc8",
)
LADDERS = ("LPF12", "HPF12", "BPF12", "LPF24", "HPF24", "BPF24")


def _share(name: str, default: float, description: str) -> Parameter:
    return Parameter(name, 0.0, 1.0, default, description=description)


def _time(
    name: str, default: float, description: str, minimum: float = 0.1, maximum: float = 1000.0
) -> Parameter:
    return Parameter(name, minimum, maximum, default, "ms", "logarithmic", description=description)


def _frequency(name: str, default: float, description: str) -> Parameter:
    return Parameter(name, 20.0, 20000.0, default, "Hz", "logarithmic", description=description)


def _threshold(minimum: float, default: float, description: str) -> Parameter:
    return Parameter("threshold_db", minimum, 0.0, default, "dB", description=description)


def _quality(default: str, description: str) -> Parameter:
    return Parameter.switch("quality", *QUALITIES, default=default, description=description)


ATTACK = _time("attack_ms", 1.0, "time to react")
RELEASE = _time("release_ms", 100.0, "time to recover", maximum=3000.0)
MIX = _share("mix", 0.5, "share of the effect in the sound")
SPEED = Parameter("rate_hz", 0.01, 20.0, 1.0, "Hz", "logarithmic", description="how often it goes to and fro")
FEEDBACK = Parameter("feedback", -0.95, 0.95, 0.0, description="share of the effect that goes back into it")
RATIO = Parameter("ratio", 1.0, 20.0, 1.0, "", "logarithmic", description="dB in for one dB out, above it")
SHELF = (
    _frequency("cutoff_frequency_hz", 440.0, "where it lies"),
    Parameter("gain_db", -24.0, 24.0, 0.0, "dB", description="how much louder or softer"),
    Parameter("q", 0.1, 10.0, ROOT_HALF, "", "logarithmic", description="how narrow it is"),
)


class Builtin(Hosted):
    """One of pedalboard's effects in a worker process.

    Parameters
    ----------
    values : parameter values by name
    """

    effect: ClassVar[str]
    """Its class in pedalboard."""
    jumps: ClassVar[tuple[str, ...]] = ()
    """Parameters that do not glide, beside switches: each step would cost much, or click."""

    def order(self) -> dict[str, Any]:
        """What the worker needs to make it, see `slot.Slot`."""
        hosting = {parameter.name for parameter in HOSTING}
        own = [parameter for parameter in self.parameters if parameter.name not in hosting]
        turned = [parameter for parameter in own if parameter.name not in self.fixed]
        return {
            "kind": "pedalboard",
            "effect": self.effect,
            "parameters": [{"name": parameter.name, "glide": self._glide(parameter)} for parameter in turned],
            "values": {parameter.name: self.values[parameter.name] for parameter in turned},
            "fixed": {p.name: self.values[p.name] for p in own if p.name in self.fixed},
            "files": {},
        }

    def _glide(self, parameter: Parameter) -> str:
        jumps = bool(parameter.choices) or parameter.name in self.jumps
        return "jump" if jumps else parameter.curve


class Chorus(Builtin):
    """Several voices: a moving delay (``juce::dsp::Chorus``)."""

    name, effect = "chorus", "Chorus"
    description = "chorus, flanger or vibrato, by its delay and mix (pedalboard)"
    parameters = (
        SPEED,
        _share("depth", 0.25, "how far it goes"),
        _time("centre_delay_ms", 7.0, "delay around which it moves", 1.0, 100.0),
        FEEDBACK,
        MIX,
        *HOSTING,
    )


class Phaser(Builtin):
    """Six moving all-pass filters (``juce::dsp::Phaser``)."""

    name, effect = "phaser", "Phaser"
    description = "phaser (pedalboard)"
    parameters = (
        SPEED,
        _share("depth", 0.5, "how far it goes"),
        _frequency("centre_frequency_hz", 1300.0, "frequency around which it moves"),
        FEEDBACK,
        MIX,
        *HOSTING,
    )


class Distortion(Builtin):
    """A hyperbolic tangent."""

    name, effect = "distortion", "Distortion"
    description = "soft distortion (pedalboard)"
    parameters = (Parameter("drive_db", 0.0, 60.0, 25.0, "dB", description="gain before it"), *HOSTING)


class Clipping(Builtin):
    """Nothing gets louder than the threshold."""

    name, effect = "clipping", "Clipping"
    description = "hard clipping (pedalboard)"
    parameters = (_threshold(-60.0, -6.0, "level at which it clips"), *HOSTING)


class Bitcrush(Builtin):
    """Fewer levels."""

    name, effect = "bitcrush", "Bitcrush"
    description = "fewer bits (pedalboard)"
    parameters = (Parameter("bit_depth", 1.0, 24.0, 8.0, "bit", description="bits that are left"), *HOSTING)


class PitchShift(Builtin):
    """Another pitch at the same speed, by the Rubber Band library."""

    name, effect = "pitch_shift", "PitchShift"
    description = "higher or lower at the same speed, a second late (pedalboard)"
    parameters = (
        Parameter("semitones", -24.0, 24.0, 0.0, "semitones", description="how much higher"),
        *HOSTING,
    )
    jumps = ("semitones",)


class HighPass(Builtin):
    """First order: 6 dB an octave."""

    name, effect = "high_pass", "HighpassFilter"
    description = "cuts lows by 6 dB an octave (pedalboard)"
    parameters = (_frequency("cutoff_frequency_hz", 50.0, "lows below are cut"), *HOSTING)


class LowPass(Builtin):
    """First order: 6 dB an octave."""

    name, effect = "low_pass", "LowpassFilter"
    description = "cuts highs by 6 dB an octave (pedalboard)"
    parameters = (_frequency("cutoff_frequency_hz", 50.0, "highs above are cut"), *HOSTING)


class HighShelf(Builtin):
    """All above a frequency."""

    name, effect = "high_shelf", "HighShelfFilter"
    description = "highs louder or softer (pedalboard)"
    parameters = (*SHELF, *HOSTING)


class LowShelf(Builtin):
    """All below a frequency."""

    name, effect = "low_shelf", "LowShelfFilter"
    description = "lows louder or softer (pedalboard)"
    parameters = (*SHELF, *HOSTING)


class PeakFilter(Builtin):
    """All around a frequency."""

    name, effect = "peak_filter", "PeakFilter"
    description = "a band louder or softer (pedalboard)"
    parameters = (*SHELF, *HOSTING)


class LadderFilter(Builtin):
    """After Moog (``juce::dsp::LadderFilter``)."""

    name, effect = "ladder_filter", "LadderFilter"
    description = "ladder filter as in old synthesizers (pedalboard)"
    parameters = (
        Parameter.switch("mode", *LADDERS, default="LPF12", description="what it lets through, dB an octave"),
        _frequency("cutoff_hz", 200.0, "where it cuts"),
        _share("resonance", 0.0, "peak at the cutoff"),
        Parameter("drive", 1.0, 20.0, 1.0, "", "logarithmic", description="how hard it is driven"),
        *HOSTING,
    )


class Invert(Builtin):
    """Times minus one."""

    name, effect = "invert", "Invert"
    description = "polarity turned round (pedalboard)"
    parameters = HOSTING


class Resample(Builtin):
    """To another sample rate and back."""

    name, effect = "resample", "Resample"
    description = "the sound of a lower sample rate (pedalboard)"
    parameters = (
        Parameter("target_sample_rate", 500.0, 96000.0, 8000.0, "Hz", "logarithmic", description="the rate"),
        _quality("WindowedSinc32", "how well it is done; the first ones alias"),
        *HOSTING,
    )
    fixed = (*Hosted.fixed, "target_sample_rate", "quality")


class Mp3(Builtin):
    """Through the LAME encoder and back, at 32, 44.1 or 48 kHz."""

    name, effect = "mp3", "MP3Compressor"
    description = "the sound of an MP3 (pedalboard)"
    parameters = (Parameter("vbr_quality", 0.0, 9.0, 2.0, description="0 is best, 9 worst"), *HOSTING)
    fixed = (*Hosted.fixed, "vbr_quality")


class Gsm(Builtin):
    """Through the codec of early mobile phones and back."""

    name, effect = "gsm", "GSMFullRateCompressor"
    description = "the sound of an early mobile phone (pedalboard)"
    parameters = (_quality("WindowedSinc8", "how well it is brought to 8 kHz and back"), *HOSTING)
    fixed = (*Hosted.fixed, "quality")


class Convolution(Builtin):
    """Convolution with an impulse response, which is brought to one loudness (``juce::dsp::Convolution``).

    Parameters
    ----------
    values : parameter values by name
    impulse : a sound file with one or two channels of up to 10 s, at any rate

    Raises
    ------
    ImpulseFileError
        If the file holds no usable impulse response.
    """

    name, effect = "convolution", "Convolution"
    description = "an impulse response, at a level of its own (pedalboard)"
    parameters = (_share("mix", 1.0, "share of the convolved in the sound"), *HOSTING)
    files: ClassVar[tuple[str, ...]] = ("impulse",)

    def __init__(self, values: Mapping[str, object] | None = None, *, impulse: Path | str) -> None:
        from ..processors.impulse_response import read_impulse

        super().__init__(values)
        self.impulse = Path(impulse)
        read_impulse(self.impulse)

    def order(self) -> dict[str, Any]:
        return {**super().order(), "files": {"impulse": str(self.impulse.absolute())}}


class BrickwallLimiter(Builtin):
    """Looks ahead, so that nothing gets over the ceiling."""

    name, effect = "brickwall_limiter", "BrickwallLimiter"
    description = "limiter that looks ahead (pedalboard)"
    parameters = (
        Parameter("ceiling_db", -30.0, 0.0, -1.0, "dB", description="nothing gets louder"),
        RELEASE,
        _time("lookahead_ms", 5.0, "how far it looks ahead, and its latency", 0.1, 100.0),
        Parameter.switch(
            "true_peak", "off", "on", default="off", description="see peaks between the samples too"
        ),
        *HOSTING,
    )
    fixed = (*Hosted.fixed, "lookahead_ms", "true_peak")


class PedalboardCompressor(Builtin):
    """``juce::dsp::Compressor``."""

    name, effect = "pedalboard_compressor", "Compressor"
    description = "compressor (pedalboard)"
    parameters = (_threshold(-60.0, 0.0, "level above which it works"), RATIO, ATTACK, RELEASE, *HOSTING)


class PedalboardDelay(Builtin):
    """Echoes at whole samples; its time jumps."""

    name, effect = "pedalboard_delay", "Delay"
    description = "echoes (pedalboard)"
    parameters = (
        Parameter(
            "delay_seconds", 0.001, 10.0, 0.5, "s", "logarithmic", description="time to the first echo"
        ),
        Parameter("feedback", 0.0, 0.99, 0.0, description="level of an echo against the one before"),
        MIX,
        *HOSTING,
    )
    jumps = ("delay_seconds",)


class PedalboardGain(Builtin):
    """Louder or softer."""

    name, effect = "pedalboard_gain", "Gain"
    description = "louder or softer (pedalboard)"
    parameters = (Parameter("gain_db", -60.0, 40.0, 1.0, "dB", description="level change"), *HOSTING)


class PedalboardLimiter(Builtin):
    """Two compressors, gain and a clipper (``juce::dsp::Limiter``)."""

    name, effect = "pedalboard_limiter", "Limiter"
    description = "limiter that makes loud (pedalboard)"
    parameters = (_threshold(-60.0, -10.0, "level above which it works"), RELEASE, *HOSTING)


class PedalboardNoiseGate(Builtin):
    """``juce::dsp::NoiseGate``."""

    name, effect = "pedalboard_noise_gate", "NoiseGate"
    description = "noise gate or expander (pedalboard)"
    parameters = (
        _threshold(-100.0, -100.0, "level below which it works"),
        Parameter("ratio", 1.0, 100.0, 10.0, "", "logarithmic", description="dB out for one dB in, below it"),
        ATTACK,
        RELEASE,
        *HOSTING,
    )


class PedalboardReverb(Builtin):
    """After Freeverb (``juce::Reverb``)."""

    name, effect = "pedalboard_reverb", "Reverb"
    description = "reverb (pedalboard)"
    parameters = (
        _share("room_size", 0.5, "how long it rings"),
        _share("damping", 0.5, "how fast highs fade"),
        _share("wet_level", 0.33, "level of the reverb"),
        _share("dry_level", 0.4, "level of the sound itself"),
        _share("width", 1.0, "how wide it is"),
        Parameter.switch("freeze_mode", "off", "on", default="off", description="it rings for ever"),
        *HOSTING,
    )
