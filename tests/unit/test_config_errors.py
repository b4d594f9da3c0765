"""What a maintainer reads when the config is wrong."""

import pytest

from shipways.config.load import decode, parse
from shipways.config.locate import locate
from shipways.errors import ConfigError, Problem

HEAD = '[project]\nname = "example"\n'


def problems(text: str, file: str = "shipways.toml") -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(text, file)
    return tuple(caught.value.problems)


@pytest.mark.parametrize(
    ("text", "path", "line", "what", "fix"),
    [
        ('[projekt]\nname = "x"\n' + HEAD, "projekt", 1, "unknown key", "did you mean `project`?"),
        (
            HEAD + '[package.go]\nbuild = "go"\n[package.go.go]\nmian = "x"',
            "package.go.go.mian",
            6,
            "unknown key",
            "did you mean `main`?",
        ),
        (HEAD + "[toolchain]\nhaskell = 1", "toolchain.haskell", 4, "unknown key", "known keys: bun, cargo-xwin, "),
        (
            HEAD + '[serve]\nsources = ["/srv"]\nhosts = ["a"]\nlisten = "127.0.0.1:70000"\n[serve.ssh]\ntender = "t"',
            "serve.listen",
            6,
            "expected a port of at most 65535, found 70000",
            "",
        ),
        (
            HEAD + '[serve]\nsources = ["/srv"]\nhosts = ["a:22", "me@localhost:65536"]\n[serve.ssh]\ntender = "t"',
            "serve.hosts[1]",
            5,
            "expected a port of at most 65535, found 65536",
            "",
        ),
        (
            HEAD + '[package.a]\nbuild = "rusty"',
            "package.a.build",
            4,
            "expected 'rust', 'go', 'zig', 'bun', 'python', 'maturin', 'command' or 'prebuilt', found \"rusty\"",
            "did you mean `rust`?",
        ),
        (
            HEAD
            + '[publish.files]\nfolder = "/srv"\n[publish.attest]\nsigner = "sigstore"\nissuer = "https://i.example"\n'
            'identity = "https://f.example/r.yml@refs/tags/{tag}"\n[workflows]\ncreate_tag = true',
            "publish.attest.identity",
            8,
            "names the tag, but with workflows.create_tag the release is started at a branch, and that is who signs: "
            "let it end with @refs/heads/main",
            "",
        ),
        (HEAD + "[checksums]\ncombined = 1", "checksums.combined", 4, "expected a valid boolean, found 1", ""),
        (
            HEAD + '[package.a]\nbuild = "go"\npath = "../x"',
            "package.a.path",
            5,
            "expected a path below the repository, with slashes and without `..`",
            "",
        ),
        (HEAD + '[package]\na = "go"', "package.a", 4, "expected a table", ""),
        (HEAD + '[image.a]\npackage = "b"', "image.a.package", 4, "there is no [package.b]", ""),
        (
            HEAD + '[image.a]\npackage = "a"\nalso = ["b"]\n[package.a]\nbuild = "go"\n[package.b]\nbuild = "python"',
            "image.a.also",
            5,
            "there is no [package.b] that makes programs",
            "",
        ),
        (
            HEAD + '[image.a]\npackage = "a"\nalso = ["b"]\n'
            '[package]\na.build = "go"\nb = { build = "go", tag = "b{version}" }',
            "image.a.also",
            5,
            "b has another tag than a, and is not built with it",
            "",
        ),
        (
            HEAD + '[package.a]\nbuild = "zig"\nbinaries = ["a", "b"]\nzig = { main = "a.zig" }',
            "package.a.binaries",
            5,
            "zig.main makes one program, not 2",
            "",
        ),
        (
            HEAD + '[publish.files]\nfolder = "/srv"\nregion = "eu-west-1"',
            "publish.files",
            3,
            "endpoint and region are for a folder that begins with s3://",
            "",
        ),
    ],
)
def test_one_problem(text: str, path: str, line: int, what: str, fix: str) -> None:
    """A problem has its path, its line, what was expected and found, and the nearest key or value."""
    [problem] = problems(text)
    assert (path, f"shipways.toml:{line}", what) == (problem.path, problem.place, problem.what)
    assert problem.hint.startswith(fix)


def test_all_at_once() -> None:
    """Problems of many tables come together, those between tables too."""
    text = HEAD + 'nmae = 1\n[package.a]\nbuild = "go"\npath = "/"\n[image.a]\npackage = "b"\nports = [0]\n'
    expected = ["project.nmae", "package.a.path", "image.a.ports[0]", "image.a.package"]
    assert expected == [problem.path for problem in problems(text)]


def test_meaning_of_a_pattern() -> None:
    """Where only a regular expression was not met, the reference says what the key is."""
    [problem] = problems('[project]\nname = "My App"')
    assert 'must match ^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$, found "My App"' == problem.what
    assert problem.why.startswith("The name of the project: lower-case letters")


def test_missing() -> None:
    """A required key that is missing is placed at its table."""
    assert [("image.a.package", "shipways.toml:3")] == [
        (problem.path, problem.place) for problem in problems(HEAD + "[image.a]\n")
    ]


def test_pyproject() -> None:
    """In pyproject.toml the path is that of the config, the line that of the file."""
    [problem] = problems('[project]\nname = "x"\n\n[tool.shipways.project]\nname = "x"\nx = 1\n', "pyproject.toml")
    assert ("project.x", "pyproject.toml:6") == (problem.path, problem.place)


def test_not_utf_8() -> None:
    """A file in another encoding is refused at the line that shows it."""
    with pytest.raises(ConfigError) as caught:
        decode(b'[project]\nname = "caf\xe9"', "shipways.toml")
    assert "shipways.toml:2" == caught.value.problems[0].place


def test_byte_order_mark() -> None:
    """The mark that some editors write at the start is not part of the text."""
    assert "[project]" == decode(b"\xef\xbb\xbf[project]", "shipways.toml")


LINES = '''a = """
b = 1
"""
b = [
  ["c"],
]
c.d . "e f" = 1
[[t.x]]
b = 1
[[t.x]]
b = { c = 1 }
[t.x.y]
b = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("b",), 4),
        (("b", 0), 4),
        (("c",), 7),
        (("c", "d", "e f"), 7),
        (("t", "x", 0, "b"), 9),
        (("t", "x", 1, "b", "c"), 11),
        (("t", "x", 1, "y", "b"), 13),
        (("t", "x", 1, "z"), 10),
        (("z",), None),
    ],
)
def test_lines(path: tuple[str | int, ...], line: int | None) -> None:
    """The line of a key is found in arrays of tables and past strings that look like keys; else that of its table."""
    data = {"b": [["c"]], "c": {"d": {"e f": 1}}, "t": {"x": [{"b": 1}, {"b": {"c": 1}, "y": {"b": 1}}]}}
    assert line == locate(LINES, data, path)


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ('command = { run = [[]], outputs = ["a"] }', "package.a.command.run[0]"),
        ('command = { run = [["a\\u0000"]], outputs = ["a"] }', "package.a.command.run[0][0]"),
        ('command = { run = [["x"]], outputs = ["/a"] }', "package.a.command.outputs[0]"),
        ('command = { run = [["x"]], outputs = [""] }', "package.a.command.outputs[0]"),
        ('command = { run = [["x"]], outputs = ["a"] }\ntest = []', "package.a.test"),
        ('command = { run = [["x"]], outputs = ["a"] }\nenv = { "A=B" = "x" }', 'package.a.env."A=B"'),
    ],
)
def test_what_no_system_can_run(keys: str, path: str) -> None:
    """A command without a program, a null byte, a variable with `=`, a pattern out of the build: told by their keys."""
    assert path in [problem.path for problem in problems(HEAD + f'[package.a]\nbuild = "command"\n{keys}\n')]
