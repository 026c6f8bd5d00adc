"""The page of a comparison: players, figures and pictures, for a browser that opens it from a folder."""

from __future__ import annotations

from html import escape

from .figures import Distances, Figures
from .pictures import COLOURS, DARK_COLOURS, ONSET_FRAMES, SIZES
from .sounds import ROLES

CAPTIONS = {
    "mel": "Mel spectrograms, all three in one colour scale. The model's should look like the wet sound's.",
    "mel-difference": "The same minus the wet sound's: red is too loud, blue too quiet; where there is "
    "no colour the two agree. The mean of all of it, without sign, is the log-mel distance.",
    "onset": f"Waveforms of {ONSET_FRAMES} samples at the loudest onset. The model's line should lie on the "
    "wet sound's, not on the dry one's.",
    "waveforms": "Waveforms of the whole, and what the model makes different.",
}
STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #26323c; --faint: #5d6b77; --line: #d9dfe4;
  LIGHT }
@media (prefers-color-scheme: dark) { :root { --paper: #171c21; --ink: #dde4ea; --faint: #9aa7b3;
  --line: #39434c; DARK } }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem; }
p { margin: .25rem 0; } .faint, figcaption { color: var(--faint); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); text-align: right;
  font-variant-numeric: tabular-nums; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; }
tbody th { font-weight: 400; } td { white-space: nowrap; }
.note { margin: .75rem 0 1.25rem; }
.players { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); }
.player { border-top: 4px solid var(--role); padding-top: .5rem; min-width: 0; }
.player audio { width: 100%; } .player p { overflow-wrap: anywhere; }
.dry { --role: var(--dry); } .wet { --role: var(--wet); } .model { --role: var(--model); }
.verdict { font-size: 1.1rem; margin: 1rem 0 0; }
figure { margin: 1.5rem 0; } figure img { width: 100%; height: auto; display: block; }
"""
SCRIPT = """
const players = [...document.querySelectorAll("audio")];
for (const player of players) player.addEventListener("play", () => {
  const before = players.find(other => other !== player && !other.paused);
  if (before) { before.pause(); player.currentTime = before.currentTime; }
});
"""
NOT_MEASURED = "not measured"


def page(figures: Figures) -> str:
    """The HTML, whose links lead to the files beside it: ``dry.wav``, ``mel.png`` and so on.

    Nothing comes from elsewhere; names of files are escaped.
    """
    names = {role: escape(figures.sounds[role].file) for role in ROLES}
    parts = [
        f"<h1>{names['model']} against {names['wet']}</h1>",
        f'<p class="faint">{figures.seconds:.2f} s at {figures.rate:g} Hz, compared frame for frame; '
        "sounds of two channels by their mean.</p>",
        f'<p class="verdict">{escape(verdict(figures))}</p>',
        "<h2>Listen</h2>",
        '<p class="faint">Start one while another plays, and it goes on from the same place.</p>',
        f'<div class="players">{"".join(_player(role, names[role]) for role in ROLES)}</div>',
        "<h2>Figures</h2>",
        _distance_table(figures),
        _sound_table(figures, names),
        "<h2>Pictures</h2>",
        *(_picture(name) for name in SIZES),
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{names['model']} against {names['wet']}</title>\n<style>{_style()}</style>\n</head>\n"
        f"<body>\n{body}\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def verdict(figures: Figures) -> str:
    """Whether the model's output is nearer to the wet sound than the dry sound is, in a sentence."""
    results = {"waveform": figures.closer_in_waveform, "log-mel": figures.closer_in_logmel}
    near = [name for name, closer in results.items() if closer]
    if len(near) == 2:
        return "The model is closer to the wet sound than the dry sound is, in waveform and in log-mel."
    if not near:
        return "The model is not closer to the wet sound than the dry sound is, in waveform or in log-mel."
    (missed,) = results.keys() - set(near)
    return f"The model is closer to the wet sound than the dry sound is in {near[0]}, but not in {missed}."


def distance_rows(figures: Figures) -> list[tuple[str, str, str]]:
    """Name of each distance, and its value from the model and from the dry sound to the wet one."""
    near, far = figures.model_to_wet, figures.dry_to_wet

    def row(name: str, key: str, unit: str = "") -> tuple[str, str, str]:
        return name, _value(near, key, unit), _value(far, key, unit)

    return [
        row("error-to-signal ratio (ESR)", "esr"),
        row("ESR after pre-emphasis", "emphasised_esr"),
        row("log-mel distance", "logmel_db", " dB"),
        row("multi-resolution STFT distance", "spectral"),
    ]


def aliasing_text(figures: Figures) -> str:
    """The aliasing measure in words."""
    if figures.aliasing is None:
        return f"{NOT_MEASURED}: three files cannot tell it; give the model itself with --model"
    total = figures.aliasing.aliasing_db
    if total is None:
        return "the model puts out nothing for a sine"
    tones = ", ".join(
        f"{_decibel(tone.aliasing_db)} at {tone.frequency_hz:.0f} Hz" for tone in figures.aliasing.tones
    )
    return f"{_decibel(total)} between the harmonics of sines ({tones})"


def _value(distances: Distances, key: str, unit: str) -> str:
    value: float | None = getattr(distances, key)
    return NOT_MEASURED if value is None else f"{value:.4g}{unit}"


def _decibel(value: float | None) -> str:
    return "silence" if value is None else f"{level(value)} dB"


def _style() -> str:
    """The style sheet, with the colours of the pictures."""

    def colours(sounds: dict[str, str]) -> str:
        return " ".join(f"--{role}: {colour};" for role, colour in sounds.items())

    return STYLE.replace("LIGHT", colours(COLOURS)).replace("DARK", colours(DARK_COLOURS))


def _player(role: str, name: str) -> str:
    return (
        f'<div class="player {role}"><p><strong>{role}</strong> <span class="faint">{name}</span></p>'
        f'<audio controls preload="metadata" src="{role}.wav" aria-label="{role}"></audio></div>'
    )


def _distance_table(figures: Figures) -> str:
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td>{near}</td><td>{far}</td></tr>'
        for name, near, far in distance_rows(figures)
    )
    missing = figures.model_to_wet.spectral is None
    note = '<p class="faint note">The STFT distance needs torch and auraloss.</p>' if missing else ""
    return (
        '<div class="scroll"><table><thead><tr><th>distance from the wet sound; 0 is equal</th>'
        f"<th>model</th><th>dry</th></tr></thead><tbody>{rows}</tbody></table></div>{note}"
        f'<p class="faint note">Aliasing: {escape(aliasing_text(figures))}.</p>'
    )


def _sound_table(figures: Figures, names: dict[str, str]) -> str:
    rows = ""
    for role in ROLES:
        sound = figures.sounds[role]
        rows += (
            f'<tr><th scope="row">{role} <span class="faint">{names[role]}</span></th>'
            f"<td>{level(sound.loudness_lufs)}</td><td>{level(sound.true_peak_dbtp)}</td>"
            f"<td>{sound.channels}</td></tr>"
        )
    return (
        '<div class="scroll"><table><thead><tr><th>sound</th><th>loudness, LUFS</th><th>true peak, dBTP</th>'
        f"<th>channels</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def level(value: float | None) -> str:
    """A level in dB, or the sign for silence."""
    return "−∞" if value is None else f"{value:.1f}".replace("-", "−")


def _picture(name: str) -> str:
    return (
        f'<figure><picture><source srcset="{name}-dark.png" media="(prefers-color-scheme: dark)">'
        f'<img src="{name}.png" alt="{escape(CAPTIONS[name])}"></picture>'
        f"<figcaption>{escape(CAPTIONS[name])}</figcaption></figure>"
    )
