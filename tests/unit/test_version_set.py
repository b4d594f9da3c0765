"""The files that say a version, with another one."""

import tomllib
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipways.config.load import parse
from shipways.errors import ConfigError
from shipways.manifestfacts import place
from shipways.versioning.crates import requirement
from shipways.versioning.edits import Project, edited
from shipways.versioning.locks import Step, cargo_lock, uv_lock

HEAD = '[project]\nname = "p"\n'
RUST = '[package.app]\nbuild = "rust"\npath = "app"\n[package.core]\nbuild = "rust"\npath = "core"\n'


def files(config: str, texts: Mapping[str, str], **numbers: str) -> dict[str, str]:
    """All files with these versions of packages."""
    every = {"shipways.toml": config, **texts}
    read = parse(config, "shipways.toml")
    project = Project(config_file="shipways.toml", paths=tuple(every), read=every.get)
    places = {name: place(read, name, every.get) for name in read.package}
    return every | {file.path: file.text for file in edited(project, places, numbers, ())}


def changed(config: str, texts: Mapping[str, str], **numbers: str) -> dict[str, str]:
    """The files that differ afterwards, also from a second time."""
    once = files(config, texts, **numbers)
    again = files(once["shipways.toml"], {path: text for path, text in once.items() if path in texts}, **numbers)
    assert once == again
    return {path: text for path, text in once.items() if ({"shipways.toml": config} | dict(texts))[path] != text}


def test_config() -> None:
    """`package.NAME.version`, where it is set: a manifest beside it is not asked."""
    config = f'{HEAD}[package.p]\nbuild = "python"\nversion = "1.0.0" # here\n'
    texts = {"pyproject.toml": '[project]\nversion = "0.0.1"\n'}
    assert {"shipways.toml": config.replace("1.0.0", "1.1.0")} == changed(config, texts, p="1.1.0")


def test_config_in_pyproject() -> None:
    """Likewise where the config is a table of pyproject.toml."""
    text = (
        '[project]\nversion = "3.0.0"\n[tool.shipways.project]\nname = "p"\n[tool.shipways.package.t]\nbuild = "go"\n'
    )
    text += "version = '1.0.0'\n"
    config = parse(text, "pyproject.toml")
    project = Project(config_file="pyproject.toml", paths=("pyproject.toml",), read={"pyproject.toml": text}.get)
    (file,) = edited(project, {"t": place(config, "t", project.read)}, {"t": "1.1.0"}, ())
    assert text.replace("1.0.0", "1.1.0") == file.text


def test_zig() -> None:
    """build.zig.zon."""
    text = '.{\n    .name = .p,\n    .version = "1.0.0", // x\n    .minimum_zig_version = "1.0.0",\n}\n'
    made = changed(f'{HEAD}[package.p]\nbuild = "zig"\n', {"build.zig.zon": text}, p="1.1.0")
    assert {"build.zig.zon": text.replace('.version = "1.0.0"', '.version = "1.1.0"')} == made


def test_bun() -> None:
    """package.json: its own version, and no other member of that name."""
    text = '{\n  "config": { "version": "1.0.0" },\n  "version": "1.0.0",\n  "name": "p"\n}\n'
    made = changed(f'{HEAD}[package.p]\nbuild = "bun"\n', {"package.json": text}, p="1.1.0")
    assert {"package.json": text.replace('  "version": "1.0.0",', '  "version": "1.1.0",')} == made


def test_wheel_around_a_program() -> None:
    """Its version is that of the other package, which is written once."""
    config = f'{HEAD}[package.t]\nbuild = "go"\nversion = "1.0.0"\n'
    config += '[package.w]\nbuild = "python"\npython = { binary = "t" }\n'
    assert {"shipways.toml": config.replace("1.0.0", "1.1.0")} == changed(config, {}, t="1.1.0", w="1.1.0")


LOCK = """version = 4

[[package]]
name = "app"
version = "1.0.0"
dependencies = [
 "core 1.0.0",
 "core 1.0.0 (registry+https://index.example)",
 "libc",
]

[[package]]
name = "core"
version = "1.0.0"

[[package]]
name = "core"
version = "1.0.0"
source = "registry+https://index.example"

[[package]]
name = "libc"
version = "1.0.0"
source = "registry+https://index.example"
"""


def test_workspace() -> None:
    """The one line, what crates ask of each other in every kind of table, and the entries without a source."""
    texts = {
        "Cargo.toml": "[workspace]\nmembers = ['a*']\n[workspace.package]\nversion = '1.0.0' # all\n"
        '[workspace.dependencies]\ncore = { path = "core", version = "1.0" }\nlibc = "1.0.0"\n',
        "app/Cargo.toml": '[package]\nname = "app"\nversion.workspace = true\n'
        '[target."cfg(unix)".dependencies.inner]\npackage = "core"\npath = "../core"\nversion = "=1.0.0"\n'
        '[dev-dependencies]\ncore = { path = "../core" }\nother = { path = "../other", version = "1.0.0" }\n',
        "core/Cargo.toml": '[package]\nname = "core"\nversion = { workspace = true }\n',
        "other/Cargo.toml": '[package]\nname = "other"\nversion = "1.0.0"\n',
        "template/Cargo.toml": "[package]\nname = {{ name }}\n",
        "Cargo.lock": LOCK,
    }
    made = changed(HEAD + RUST, texts, app="1.1.0", core="1.1.0")
    assert ["Cargo.lock", "Cargo.toml", "app/Cargo.toml"] == sorted(made)
    assert texts["Cargo.toml"].replace("'1.0.0'", "'1.1.0'").replace('"1.0"', '"1.1"') == made["Cargo.toml"]
    assert texts["app/Cargo.toml"].replace('"=1.0.0"', '"=1.1.0"') == made["app/Cargo.toml"]
    app, core, *others = LOCK.split("[[package]]")[1:]
    now, libc = app.replace('\nversion = "1.0.0"', '\nversion = "1.1.0"').replace('core 1.0.0"', 'core 1.1.0"'), core
    assert "[[package]]".join(["version = 4\n\n", now, libc.replace("1.0.0", "1.1.0"), *others]) == made["Cargo.lock"]


def test_one_crate() -> None:
    """Only what is asked for: the other crate keeps its version, and its entry."""
    texts = {
        "app/Cargo.toml": '[package]\nname = "app"\nversion = "1.0.0"\n',
        "core/Cargo.toml": '[package]\nname = "core"\nversion = "1.0.0"\n'
        '[dependencies]\napp = { path = "../app", version = "1" }\n',
        "Cargo.lock": LOCK,
        "examples/app/Cargo.toml": '[package]\nname = "app"\nversion = "1.0.0"\n',
        "examples/Cargo.lock": LOCK,
    }
    made = changed(HEAD + RUST, texts, app="2.0.0")
    assert ["Cargo.lock", "app/Cargo.toml", "core/Cargo.toml"] == sorted(made)
    assert {"app": "2.0.0", "core": "1.0.0", "libc": "1.0.0"} == {
        entry["name"]: entry["version"] for entry in tomllib.loads(made["Cargo.lock"])["package"]
    }


@pytest.mark.parametrize(
    ("said", "number", "wanted"),
    [
        ("1.2.3", "1.3.0", "1.3.0"),
        ("1.2", "1.3.0", "1.3"),
        ("1", "1.3.0", "1"),
        ("=1.2.3", "1.3.0", "=1.3.0"),
        ("~1.2", "2.0.0", "~2.0"),
        ("^ 1.2.3", "2.0.0", "^ 2.0.0"),
        ("1.3.0-rc.1", "1.3.0", "1.3.0"),
        ("1.2", "1.3.0-rc.1", "1.3.0-rc.1"),
        ("=1.2.3", "1.3.0+b.1", "=1.3.0"),
        ("*", "1.3.0", "*"),
        (">=1.2, <2", "1.3.0", ">=1.2, <2"),
        (">=1.2, <2", "2.0.0", None),
        (">=1.2, <2", "1.3.0-rc.1", None),
        ("*", "1.3.0-rc.1", None),
        ("1.*, <1.9", "1.3.0", None),
    ],
)
def test_requirement(said: str, number: str, wanted: str | None) -> None:
    """A requirement goes on as exact as it was; a range stays while the version is in it."""
    assert wanted == requirement(said, number)


def test_every_problem() -> None:
    """What cannot be written is told, all of it; so no file is."""
    config = HEAD + RUST + '[package.py]\nbuild = "python"\npath = "py"\n'
    texts = {
        "app/Cargo.toml": '[package]\nname = "app"\nversion = "1.0.0"\n',
        "core/Cargo.toml": '[package]\nname = "core"\nversion = "1.0.0"\n[dependencies]\n'
        'app = { path = "../app", version = ">=1, <2" }\n'
        '[build-dependencies]\napp = { path = "../app", version = "<2" }\n',
        "py/pyproject.toml": '[project]\nname = "py"\nversion = "1.0.0"\n',
    }
    with pytest.raises(ConfigError) as caught:
        files(config, texts, app="2.0.0", core="1.1.0", py="2.0.0-next.1")
    assert [
        "py/pyproject.toml: 2.0.0-next.1 is no version there",
        "core/Cargo.toml: dependencies.app.version: >=1, <2 does not take in 2.0.0",
        "core/Cargo.toml: build-dependencies.app.version: <2 does not take in 2.0.0",
    ] == [f"{problem.path}: {problem.what}" for problem in caught.value.problems]


def test_uv() -> None:
    """uv.lock has names and versions in their normal form; its other entries, and other projects', stay."""
    lock = "".join(
        f'[[package]]\nname = "{name}"\nversion = "1.0.0"\nsource = {{ {source} }}\n\n'
        for name, source in {
            "my-p": 'editable = "."',
            "other": 'editable = "other"',
            "virtual": 'virtual = "../v"',
            "attrs": 'registry = "https://index.example/simple"',
        }.items()
    )
    config = f'{HEAD}[package.p]\nbuild = "python"\npath = "py"\n[package.v]\nbuild = "python"\npath = "v"\n'
    text = '[project]\nname = "My.P"\nversion = "1.0.0"\ndependencies = ["attrs==1.0.0"]\n'
    texts = {"py/pyproject.toml": text, "v/pyproject.toml": text, "py/uv.lock": lock}
    made = changed(config, texts, p="1.1.0-rc.1", v="1.1.0")
    assert ["1.1.0rc1", "1.0.0", "1.1.0", "1.0.0"] == [
        entry["version"] for entry in tomllib.loads(made["py/uv.lock"])["package"]
    ]
    assert text.replace('version = "1.0.0"', 'version = "1.1.0-rc.1"') == made["py/pyproject.toml"]


NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,6}", fullmatch=True)
VALUES = st.sampled_from(
    [
        '"1.0.0"',
        "'1.0.0'",
        "1",
        "true",
        "[ 1,2 ,3 ]",
        '[\n  "1.0.0", # x\n]',
        '{ version = "1.0.0", a.b = 1 }',
        '"""\n1.0.0\n"""',
    ]
)
BLANKS = st.sampled_from(["", "\n", '# version = "1.0.0"\n', "\t# é ✓\n\n", "\n\n\n"])
ENTRIES = st.dictionaries(NAMES, VALUES, max_size=4)


@st.composite
def tables(draw: st.DrawFn, names: st.SearchStrategy[str]) -> str:
    """Some tables of a TOML file."""
    text = ""
    for name, entries in draw(st.dictionaries(names, ENTRIES, max_size=3)).items():
        text += f"{draw(BLANKS)}[{name}]{draw(st.sampled_from(['', '  # why']))}\n"
        text += "".join(f"{draw(BLANKS)}{key} = {value}\n" for key, value in entries.items())
    return text


@settings(max_examples=60, deadline=None)
@given(
    tables(NAMES.map("tool.{}".format)),
    st.sampled_from(['version = "@"', 'version="@"# x', "  version   = '@'   # the 1.0.0", '"version" = """@"""']),
    ENTRIES,
    st.tuples(*(tables(NAMES.map(f"{above}-{{}}".format)) for above in ("project.y", "tool.z", "project.z"))).map(
        "".join
    ),
    st.sampled_from(["\n", "\r\n"]),
    BLANKS,
)
def test_keeps_everything_else(
    before: str, line: str, own: Mapping[str, str], after: str, end: str, blank: str
) -> None:
    """Whatever else is in the file, and however it is written: not a byte of it changes."""
    entries = "".join(f"x-{key} = {value}\n" for key, value in own.items())
    text = f'{before}{blank}[project]\n{entries}{blank}{line}\nname = "p"\n{after}{blank}'.replace("\n", end)
    texts = {"pyproject.toml": text.replace("@", "1.0.0")}
    made = changed(f'{HEAD}[package.p]\nbuild = "python"\n', texts, p="1.10.0")
    if '"""@' in line:
        text = text.replace('"""@"""', '"@"')  # one line is enough for it
    assert text.replace("@", "1.10.0") == made["pyproject.toml"]


PACKAGES = st.lists(
    st.tuples(st.sampled_from(["app", "core", "x", "app-1"]), st.sampled_from(["1.0.0", "1.0.1"]), st.booleans())
)


@settings(max_examples=40, deadline=None)
@given(PACKAGES, st.sampled_from(["\n", "\r\n"]))
def test_locks_keep_everything_else(packages: list[tuple[str, str, bool]], end: str) -> None:
    """Only entries of the project itself, in its old version, change, and only there."""

    def lock(number: str) -> str:
        def entry(name: str, version: str, foreign: bool) -> str:
            new = number if (name, version, foreign) == ("app", "1.0.0", False) else version
            source = 'registry = "https://x.example"' if foreign else 'editable = "."' if name == "app" else 'git = "x"'
            source = f"source = {{ {source} }}\n" if uv else 'source = "x"\n' if foreign else ""
            rest = 'dependencies = [\n "x",\n "app-1 1.0.0",\n]\n\n'
            return f'[[package]]\nname = "{name}"\nversion = "{new}"\n{source}{rest}'

        return ("version = 1\n\n" + "".join(entry(*package) for package in packages)).replace("\n", end)

    step = Step(old="1.0.0", new="2.0.0")
    uv = False
    assert lock("2.0.0") == cargo_lock(lock("1.0.0"), {"app": step})
    uv = True
    assert lock("2.0.0") == uv_lock(lock("1.0.0"), "uv.lock", {".": step})
