"""Presets: what they say, what they must not say, and that writing one gives it back."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tonerig.realtime import library
from tonerig.realtime.links import SYNTHS
from tonerig.realtime.parameters import Parameter
from tonerig.realtime.presets import (
    MAX_DEPTH,
    Link,
    Preset,
    PresetError,
    load_preset,
    new_preset,
    parse_preset,
    save_preset,
)
from tonerig.realtime.processors import PROCESSORS, processor_class

CABINET = library.shipped_library() / "impulses" / "1x12.wav"
HEAD = 'tonerig = 1\nname = "Test"\n'


def written(folder: Path, text: str, name: str = "test.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_values_are_in_the_parameters_units(tmp_path: Path, user_library: Path) -> None:
    """Numbers are kept as they stand, switches become positions, the rest keeps its default when built."""
    path = written(
        tmp_path,
        HEAD
        + """
        [[chain]]
        processor = "gain"
        gain_db = -3.5
        [[chain]]
        processor = "mono"
        side = "right"
        [[chain]]
        processor = "delay"
        """,
    )
    preset = load_preset(path)
    assert preset.name == "Test" and preset.path == path and preset.kind == "chain"
    assert [link.processor for link in preset.chain] == ["gain", "mono", "delay"]
    assert preset.chain[0].values == {"gain_db": -3.5}
    assert preset.chain[1].values == {"side": 2.0}
    gain, mono, delay = preset.build()
    assert gain.values == {"gain_db": -3.5} and mono.values == {"side": 2.0}
    assert delay.values == {p.name: p.default for p in processor_class("delay").parameters}


def test_chains_inside_a_processor(tmp_path: Path, user_library: Path) -> None:
    """The two paths of `parallel` are tables of their own."""
    path = written(
        tmp_path,
        HEAD
        + """
        [[chain]]
        processor = "parallel"
        mix = 30
        [[chain.a]]
        processor = "gain"
        gain_db = 1
        [[chain.b]]
        processor = "overdrive"
        [[chain.b]]
        processor = "gain"
        gain_db = 2
        """,
    )
    chains = load_preset(path).chain[0].chains
    assert [link.processor for link in chains["a"]] == ["gain"]
    assert [link.processor for link in chains["b"]] == ["overdrive", "gain"]
    assert [processor.name for processor in load_preset(path).build()] == ["parallel"]


@pytest.mark.parametrize("name", ["ambient", "clean", "crunch", "lead"])
def test_shipped_presets_build(name: str, user_library: Path) -> None:
    """Each preset that comes with the program can be built and says what it is; its files are shipped too."""
    preset = load_preset(name)
    assert preset.description and preset.author
    assert len(preset.build()) == len(preset.chain)
    for link in preset.chain:
        for path in link.files.values():
            assert path.is_relative_to(library.shipped_library())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 1 =", r"test\.toml: is no TOML file: .*line 1"),
        ('name = "x"\nchain = []', r"test\.toml: tonerig = 1 is missing"),
        ('tonerig = 2\nname = "x"', r"test\.toml: was written for schema 2, but this version reads up to 1"),
        ("tonerig = 1", r"test\.toml: name is missing"),
        (HEAD, r"test\.toml: chain is missing"),
        (HEAD + "chain = []", r"test\.toml: chain is empty; give it at least one"),
        (HEAD + 'kind = "song"\n[[chain]]\nprocessor = "gain"', r"test\.toml: kind is 'song'"),
        (
            HEAD + 'drive = 3\n[[chain]]\nprocessor = "gain"',
            r"test\.toml: unknown key drive; known are tonerig, name",
        ),
        (HEAD + "[[chain]]\ngain_db = 3", r"test\.toml, chain 1: processor is missing"),
        (
            HEAD + '[[chain]]\nprocessor = "fuzz"',
            r"test\.toml, chain 1: there is no processor fuzz; there are cabinet",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "gain"\n[[chain]]\nprocessor = "gain"\ngain = 3',
            r"test\.toml, chain 2 \(gain\): unknown key gain; did you mean gain_db\? gain knows gain_db",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "gain"\ngain_db = 300',
            r"test\.toml, chain 1 \(gain\): gain_db is 300, expected -60 to 40 dB",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "gain"\ngain_db = nan',
            r"chain 1 \(gain\): gain_db is nan, expected",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "gain"\ngain_db = true',
            r"chain 1 \(gain\): gain_db is true, expected",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "gain"\ngain_db = [1]',
            r"chain 1 \(gain\): gain_db is \[1\], expected",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "mono"\nside = "up"',
            r"chain 1 \(mono\): side is 'up', expected one of left",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "cabinet"',
            r"chain 1 \(cabinet\): impulse is missing; name its file",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "cabinet"\nimpulse = 3',
            r"chain 1 \(cabinet\): impulse is 3, expected the name",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "cabinet"\nimpulse = "no.wav"',
            r"chain 1 \(cabinet\): the file no.wav is neither beside the preset nor in the library",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "cabinet"\nimpulse = "../1x12.wav"',
            r"chain 1 \(cabinet\): '../1x12.wav' leads out of its folder",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "parallel"\na = 3',
            r"chain 1 \(parallel\): a must be a list of processors",
        ),
        (
            HEAD + '[[chain]]\nprocessor = "parallel"\n[[chain.a]]\nprocessor = "gain"\ngain_db = 99',
            r"chain 1 \(parallel\), a 1 \(gain\): gain_db is 99",
        ),
        (HEAD + "[chain]\n", r"test\.toml: chain must be a list of processors: \[\[chain\]\]$"),
        (
            HEAD + '[[chain]]\nprocessor = "gain"\n' * 65,
            r"test\.toml: chain has 65 processors, expected at most 64$",
        ),
        ('tonerig = "1"\nname = "x"', r"test\.toml: tonerig is '1', expected 1$"),
        ("tonerig = 1\nname = true", r"test\.toml: name is true, expected text$"),
        ('tonerig = 1\nname = ""', r"test\.toml: name is empty$"),
        ("tonerig = 1\nname = '" + "x" * 201 + "'", r"name has 201 characters, expected at most 200$"),
        (
            HEAD + '[[chain]]\nprocessor = "gain"\nquietly = 3',
            r"chain 1 \(gain\): unknown key quietly; gain knows gain_db$",
        ),
        (HEAD + "chain = [3]", r"test\.toml: chain 1 is 3, expected a table"),
        (HEAD + '"\\u001b[2J" = 3\n[[chain]]\nprocessor = "gain"', r"unknown key \\x1b\[2J; known are"),
        (
            HEAD + '[[chain]]\nprocessor = "cabinet"\nimpulse = "\\u001b[2J.wav"',
            r"impulse is '\\x1b\[2J.wav', expected a name without control characters",
        ),
    ],
)
def test_bad_presets(tmp_path: Path, user_library: Path, text: str, words: str) -> None:
    """Each mistake gets one sentence that names the file and the place."""
    with pytest.raises(PresetError, match=words) as caught:
        load_preset(written(tmp_path / "presets", text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["name", "author", "description"])
def test_texts_that_a_terminal_would_obey(tmp_path: Path, user_library: Path, key: str) -> None:
    """Control characters are refused where they are read and written; a description may have lines."""
    bad = {"tonerig": 1, "name": "x", "chain": [{"processor": "gain"}], key: "a\x1b[2Jb"}
    with pytest.raises(
        PresetError, match=rf"^x\.toml: {key} has the control character '\\x1b'; take it out$"
    ):
        parse_preset(bad, tmp_path / "x.toml")
    texts = {"name": "x", "author": "", "description": "one\n\ttwo"}
    assert parse_preset({**bad, **texts}, tmp_path / "x.toml").description == "one\n\ttwo"
    name, description, author = (
        "\x9bx" if key == text else "x" for text in ("name", "description", "author")
    )
    with pytest.raises(PresetError, match=f"{key} has the control character"):
        save_preset(Preset(name, (Link("gain"),), description, author), tmp_path / "x.toml")
    assert not (tmp_path / "x.toml").exists()


def test_nesting_and_counts_end(tmp_path: Path, user_library: Path) -> None:
    """Chains inside chains are counted, and have a greatest depth."""
    gain: dict[str, object] = {"processor": "gain"}
    deep = gain
    for _ in range(MAX_DEPTH):
        deep = {"processor": "parallel", "a": [deep]}
    with pytest.raises(PresetError, match="nested more than 4 deep"):
        parse_preset({"tonerig": 1, "name": "x", "chain": [deep]}, tmp_path / "x.toml")
    wide = {"processor": "parallel", "a": [gain] * 40, "b": [gain] * 40}
    with pytest.raises(PresetError, match="at most 64 processors"):
        parse_preset({"tonerig": 1, "name": "x", "chain": [wide]}, tmp_path / "x.toml")


def test_files_that_are_no_presets(tmp_path: Path, user_library: Path) -> None:
    """A missing file, a folder, binary data and a huge file each get a sentence."""
    with pytest.raises(PresetError, match=r"no\.toml: does not exist"):
        load_preset(tmp_path / "no.toml")
    with pytest.raises(PresetError, match="cannot be read"):
        load_preset(tmp_path)
    (tmp_path / "a.toml").write_bytes(bytes(range(256)))
    with pytest.raises(PresetError, match="is no TOML file"):
        load_preset(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(PresetError, match="is larger than 1024 KB"):
        load_preset(tmp_path / "b.toml")
    (tmp_path / "c.toml").write_bytes(b"x = " + b"[" * 100_000)
    with pytest.raises(PresetError, match="is no TOML file"):
        load_preset(tmp_path / "c.toml")
    with pytest.raises(PresetError, match="no preset nothing"):
        load_preset("nothing")


def values_of(parameters: tuple[Parameter, ...]) -> st.SearchStrategy[dict[str, float]]:
    """Any values in their ranges, of any of the parameters."""
    one = {
        p.name: st.sampled_from([float(k) for k in range(len(p.choices))])
        if p.choices
        else st.floats(p.minimum, p.maximum)
        for p in parameters
    }
    return st.fixed_dictionaries({}, optional=one)


def links(depth: int = 2) -> st.SearchStrategy[Link]:
    """Any processor but the neural one and plugins, with any values, and any chains inside it."""
    kinds = []
    for name in PROCESSORS:
        kind = processor_class(name)
        if name in ("neural", *SYNTHS) or kind.texts or (kind.chains and depth == 0):
            continue
        files = dict.fromkeys(kind.files, CABINET)
        inner = st.fixed_dictionaries(
            {key: st.lists(links(depth - 1), min_size=1, max_size=2).map(tuple) for key in kind.chains}
        )
        kinds.append(st.builds(Link, st.just(name), values_of(kind.parameters), st.just(files), inner))
    return st.one_of(kinds)


@given(
    st.lists(links(), min_size=1, max_size=4).map(tuple),
    st.text(min_size=1, max_size=50).filter(lambda text: text.isprintable()),
)
def test_what_is_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, chain: tuple[Link, ...], name: str
) -> None:
    """Any chain with any values comes back from its file as it was."""
    path = tmp_path_factory.mktemp("presets") / "x.toml"
    save_preset(Preset(name, chain, "What it is", "me"), path)
    found = load_preset(path)
    assert found == Preset(name, chain, "What it is", "me", path=path)


def test_new_presets_state_everything(tmp_path: Path, user_library: Path) -> None:
    """The file of a new preset has a line for each parameter, so that it can be edited without a manual."""
    path = save_preset(new_preset("New", [Link("gate"), Link("reverb")]), tmp_path / "new.toml")
    text = path.read_text()
    for name in ("gate", "reverb"):
        for parameter in processor_class(name).parameters:
            assert f"\n{parameter.name} = " in text


def test_saving_a_file_from_elsewhere_is_refused(tmp_path: Path, user_library: Path) -> None:
    """A preset that names a file out of its reach could not be loaded again, so it is not written."""
    (tmp_path / "elsewhere").mkdir()
    impulse = tmp_path / "elsewhere" / "x.wav"
    impulse.write_bytes(CABINET.read_bytes())
    (tmp_path / "presets").mkdir()
    preset = Preset("x", (Link("cabinet", files={"impulse": impulse}),))
    with pytest.raises(PresetError, match="is neither beside it nor in the library"):
        save_preset(preset, tmp_path / "presets" / "x.toml")
    assert list((tmp_path / "presets").iterdir()) == []
    save_preset(preset, tmp_path / "elsewhere" / "x.toml")
    assert 'impulse = "x.wav"' in (tmp_path / "elsewhere" / "x.toml").read_text()


def test_files_names_all_that_it_is_made_of(tmp_path: Path, user_library: Path) -> None:
    """The preset's own path, then each impulse, those of inner chains included."""
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(CABINET.read_bytes())
    text = """
        [[chain]]
        processor = "cabinet"
        impulse = "a.wav"
        [[chain]]
        processor = "parallel"
        [[chain.b]]
        processor = "cabinet"
        impulse = "b.wav"
        """
    path = written(tmp_path, HEAD + text)
    assert load_preset(path).files() == [path, tmp_path / "a.wav", tmp_path / "b.wav"]
    assert Preset("bare", (Link("gain"),)).files() == []


PLUGIN = """
[[chain]]
processor = "plugin"
plugin = "Trouble"
gain_db = -6.5
voicing = "warm"
raw_state = "AAAA"
"""


def test_a_plugin_by_its_own_parameters(tmp_path: Path, installed: Path) -> None:
    """In the plugin's units and words; its state and a file with one beside them."""
    (tmp_path / "x.vstpreset").write_bytes(b"VST3")
    path = written(tmp_path, HEAD + PLUGIN + 'vstpreset = "x.vstpreset"\nlate = "silence"')
    (link,) = load_preset(path).chain
    assert link.values == {"gain_db": -6.5, "voicing": 1.0, "late": 1.0} and link.unread == {}
    assert link.texts == {"plugin": "Trouble", "raw_state": "AAAA"}
    assert link.files == {"vstpreset": tmp_path / "x.vstpreset"}
    assert load_preset(path).files() == [path, tmp_path / "x.vstpreset"]
    processor: Any = link.build()
    order = processor.order()
    assert (order["values"], order["raw_state"]) == ({"gain_db": -6.5, "voicing": 1.0}, "AAAA")


def test_a_plugin_by_its_path(tmp_path: Path, plugin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative to the preset's folder, where that is a place for plugins; written back as it was."""
    (tmp_path / "Trouble.vst3").symlink_to(plugin_folder / "Trouble.vst3")
    path = written(tmp_path, HEAD + PLUGIN.replace('"Trouble"', '"Trouble.vst3"'))
    with pytest.raises(
        PresetError, match=r"test\.toml, chain 1 \(plugin\): plugin is 'Trouble\.vst3', which is no"
    ):
        load_preset(path)
    monkeypatch.setenv("VST3_PATH", str(tmp_path))
    preset = load_preset(path)
    assert preset.chain[0].texts["plugin"] == str(tmp_path / "Trouble.vst3")
    assert [p.problem for p in preset.build()] == [None]
    save_preset(preset, path)
    assert '\nplugin = "Trouble.vst3"\n' in path.read_text()
    assert load_preset(path) == preset


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", r"chain 1 \(plugin\): plugin is missing; say which one"),
        ("plugin = 3", r"chain 1 \(plugin\): plugin is 3, expected text"),
        ('plugin = "a\\u001b"', r"chain 1 \(plugin\): plugin has control characters; take them out"),
        ('plugin = "Pipe"', r"chain 1 \(plugin Pipe\): Pipe is an instrument, .* in a patch, not in a chain"),
        ('plugin = "Trouble"\nraw_state = "§"', r"chain 1 \(plugin Trouble\): raw_state is no base64 text"),
        (
            'plugin = "Trouble"\ngain = 3',
            r"\(plugin Trouble\): unknown key gain; did you mean gain_db\? Trouble knows plugin, raw_state, ",
        ),
        (
            'plugin = "Trouble"\ngain_db = 99',
            r"chain 1 \(plugin Trouble\): gain_db is 99, expected -60 to 20 dB",
        ),
        ('plugin = "Trouble"\nvoicing = "soft"', r"voicing is 'soft', expected one of clean, warm, hard"),
        (
            'plugin = "Trouble"\nvstpreset = "no.vstpreset"',
            r"the file no\.vstpreset is neither beside the preset",
        ),
        ('plugin = "Nobody"\ngain_db = [1]', r"chain 1 \(plugin Nobody\): unknown key gain_db; Nobody knows"),
        ('plugin = "Nobody"\nlate = "soon"', r"chain 1 \(plugin Nobody\): late is 'soon', expected one of"),
    ],
)
def test_bad_plugins(tmp_path: Path, installed: Path, lines: str, words: str) -> None:
    """Each mistake gets one sentence that names the file, the place and the plugin."""
    with pytest.raises(PresetError, match=words) as caught:
        load_preset(written(tmp_path, f'{HEAD}[[chain]]\nprocessor = "plugin"\n{lines}'))
    assert str(caught.value).startswith("test.toml, ") and "\n" not in str(caught.value)


def test_a_plugin_that_was_removed_is_kept(tmp_path: Path, installed: Path) -> None:
    """The chain loads with a wire in its place; saved, nothing is lost; installed again, it is back."""
    table = tomllib.loads(
        HEAD + PLUGIN.replace("Trouble", "Nobody") + 'deep = true\ncount = 3\nlate = "silence"'
    )
    preset = parse_preset(table, tmp_path / "x.toml")
    (wire,) = preset.build()
    assert wire.problem is not None and "there is no plugin Nobody" in wire.problem
    assert wire.values == {"isolate": 0.0, "late": 1.0}
    save_preset(new_preset("Test", preset.chain), tmp_path / "x.toml")
    saved = tomllib.loads((tmp_path / "x.toml").read_text())
    assert saved == {**table, "chain": [{**table["chain"][0], "isolate": "plugin"}]}
    del saved["chain"][0]["deep"], saved["chain"][0]["count"]
    back = parse_preset({**saved, "chain": [{**saved["chain"][0], "plugin": "Trouble"}]}, tmp_path / "x.toml")
    assert back.chain[0].values == {"gain_db": -6.5, "voicing": 1.0, "isolate": 0.0, "late": 1.0}


def test_what_a_state_sets_is_not_stated(tmp_path: Path, installed: Path) -> None:
    """A new preset of a plugin with its state states no defaults that would change it; without one, all."""
    texts = {"plugin": "Trouble"}
    bare = new_preset("x", [Link("plugin", texts=texts)]).chain[0]
    assert set(bare.values) == {parameter.name for parameter in bare.kind.parameters}
    link = Link("plugin", {"gain_db": -3.0}, texts=texts | {"raw_state": "AAAA"})
    assert new_preset("x", [link]).chain[0].values == {"gain_db": -3.0, "isolate": 0.0, "late": 0.0}


def test_a_long_state_is_saved_and_loaded(tmp_path: Path, installed: Path) -> None:
    """A megabyte of it does not count as the preset's own text; more than eight are not written."""
    link = Link("plugin", texts={"plugin": "Trouble", "raw_state": "A" * 2**20})
    path = save_preset(Preset("x", (link,)), tmp_path / "x.toml")
    assert load_preset(path).chain == (link,)
    before = path.read_bytes()
    with pytest.raises(PresetError, match=r"x\.toml: has plugins' states of more than 8 MB; take one"):
        save_preset(Preset("x", (link,) * 8), path)
    assert path.read_bytes() == before
    path.write_bytes(before + b"#" * 2**20)
    with pytest.raises(PresetError, match="is larger than 1024 KB"):
        load_preset(path)
