"""What both engines do with a build."""

import pytest

from shipways.adapters.room import fill, path_of, secrets_of
from shipways.errors import PreflightError
from shipways.model.build import Build
from shipways.model.secret import masked
from shipways.model.source import SourceTree

BUILD = Build(name="b", tools=(), source=SourceTree(files=()), commands=(), outputs=("*",), secrets=("TOKEN", "KEY"))


@pytest.mark.parametrize(
    ("text", "secrets", "expected"),
    [
        ("nothing to hide", (), "nothing to hide"),
        ("a hunter2, hunter2!", ("hunter2",), "a ***, ***!"),
        ("short and shorter", ("short", "shorter"), "*** and ***"),
        ("shorter and short", ("shorter", "short"), "*** and ***"),
        ("a.c abc", ("a.c",), "*** abc"),
        ("two\nlines", ("two\nlines",), "***"),
    ],
)
def test_masked(text: str, secrets: tuple[str, ...], expected: str) -> None:
    """No value of a secret is left, nor the rest of one that begins with another."""
    assert expected == masked(text, secrets)


def test_secrets_that_are_not_set() -> None:
    """Every variable that is missing or empty is told."""
    with pytest.raises(PreflightError) as caught:
        secrets_of(BUILD, {"KEY": "", "OTHER": "x"})
    assert ["the variable TOKEN is not set", "the variable KEY is not set"] == [p.what for p in caught.value.problems]


def test_secrets_are_the_named_ones() -> None:
    """Only what the build names is taken from the caller."""
    assert {"TOKEN": "a", "KEY": "b"} == secrets_of(BUILD, {"KEY": "b", "TOKEN": "a", "OTHER": "c"})


def test_placeholders() -> None:
    """Those that are known are filled, others stay."""
    assert "/b/out {jobs} /t/go" == fill("{out} {jobs} {tool:go}", {"out": "/b/out", "tool:go": "/t/go"})


def test_path() -> None:
    """The build's programs come before its backend, and both before the tools."""
    build = Build(
        name="b",
        tools=(),
        source=SourceTree(files=()),
        commands=(),
        outputs=(),
        programs=(("cc", ""),),
        requirements=("x",),
    )
    assert ["/r/home/bin", "/r/home/venv/bin", "/t"] == path_of(build, "/r", ["/t"])
    assert ["/t"] == path_of(BUILD, "/r", ["/t"])
