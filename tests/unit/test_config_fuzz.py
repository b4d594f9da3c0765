"""No input ends in a traceback: a config is read, or every problem in it is told."""

import contextlib
import datetime
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from shipways import cli
from shipways.config.explain import explain
from shipways.config.jsonschema import config_schema
from shipways.config.load import decode, has_table, parse
from shipways.config.lockfile import parse_lock
from shipways.config.reference import reference
from shipways.config.schema import Config
from shipways.errors import ConfigError

# Cores are shared with whatever else runs, so the time of one example says nothing.
patient = settings(deadline=None)
_SCHEMA = Draft202012Validator(config_schema())
_NAMES = st.sampled_from(["go", "NAME", "a b", "x.y", "", "ü", "tender", "\x1b[31m", "a\nb", "0"])
_WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([1 << 70, -(1 << 64), 65536]),
    st.floats(),
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, datetime.UTC])),
    st.times(),
    _WORDS,
)
_ANY = st.recursive(
    _ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | _WORDS, inner, max_size=3), max_leaves=8
)
_KEYS = [(entry.path, json.loads(entry.value)) for entry in reference() if entry.value not in ("", "{}")]


@st.composite
def _documents(draw: st.DrawFn) -> dict[str, object]:
    """Tables of the real config with real keys; here and there a value, a key or a name is something else."""
    document: dict[str, object] = {"project": {"name": "example"}} if draw(st.booleans()) else {}
    for path, value in draw(st.lists(st.sampled_from(_KEYS), max_size=8)):
        *tables, key = (draw(_NAMES) if part == "NAME" else part for part in path)
        table = document
        for part in tables:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                break
            table = inner
        table[draw(_NAMES) if draw(st.integers(0, 9)) == 0 else key] = draw(_ANY) if draw(st.booleans()) else value
    return document


def _toml(value: object) -> str:
    """A value as TOML writes it in a line; `None`, which it does not have, as an empty list."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(str(key))} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str | bool | int | float):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else "[]"


_LINES = st.one_of(
    st.builds("[{}]".format, st.sampled_from(["project", "package.x", "tool.shipways", "a . 'b'", "package.x.go"])),
    st.builds("[[{}]]".format, st.sampled_from(["formula.x.test", "package", "image.x"])),
    st.builds(
        "{} = {}".format,
        st.sampled_from(["a", "name", "package.x.build", '"é"', "a.b.c"]),
        _ANY.map(_toml),
    ),
    st.sampled_from(['x = """', '"""', "y = '''", "# '''", "x = [", '["a"]', "]", "a." * 400 + "b = 1"]),
)


def _text(document: Mapping[str, object]) -> str:
    return "\n".join(f"{_toml(key)} = {_toml(value)}" for key, value in document.items())


def _read(text: str, file: str = "shipways.toml") -> Config | None:
    """The config, or None when it was refused with problems that can be printed and point into the file."""
    try:
        return parse(text, file)
    except ConfigError as error:
        assert error.problems
        for problem in error.problems:
            assert "\n" not in problem.path
            assert problem.path
            line = problem.place.rpartition(":")[2]
            assert not line.isdecimal() or 1 <= int(line) <= text.count("\n") + 1
        assert str(error)
        return None


@patient
@given(_documents())
def test_structures(document: dict[str, object]) -> None:
    """Real keys with wrong values are refused by path, and what is accepted is valid by the published schema too."""
    if _read(_text(document)) is not None:
        assert [] == list(_SCHEMA.iter_errors(json.loads(json.dumps(document))))


@patient
@given(st.lists(_LINES, max_size=8).map("\n".join), st.sampled_from(["shipways.toml", "pyproject.toml"]))
@example("a = " + "9" * 5000, "shipways.toml")
@example("a = 0x" + "f" * 5000 + "\n[project]\nname = 0x" + "f" * 5000, "shipways.toml")
@example("a = " + "[" * 100_000, "shipways.toml")
@example("a" + ".a" * 5000 + " = 1", "shipways.toml")
@example("tool = 1", "pyproject.toml")
@example("tool.shipways = 1", "pyproject.toml")
def test_lines(text: str, file: str) -> None:
    """Headers, dotted keys, open strings and nesting in any order are read or refused."""
    _read(text, file)
    has_table(text)


@patient
@given(st.binary(max_size=200))
def test_bytes(data: bytes) -> None:
    """Bytes that are no UTF-8, or no TOML, are refused."""
    with contextlib.suppress(ConfigError):
        _read(decode(data, "shipways.toml"))


@patient
@given(_documents() | st.dictionaries(st.sampled_from(["tools", "backends", "images"]), _ANY))
def test_lock(document: dict[str, object]) -> None:
    """A lock that `shipways lock` did not write is refused."""
    with contextlib.suppress(ConfigError):
        parse_lock(_text(document))


@patient
@given(_WORDS | st.lists(st.sampled_from(["package", "x", "go", "main", "'", "NAME"])).map(".".join))
def test_explain(key: str) -> None:
    """Any word is explained, or refused."""
    with contextlib.suppress(ConfigError):
        assert explain(key)


class TestCheck:
    """The whole verb. It looks for git where the config is right, and finds none."""

    @pytest.fixture(autouse=True)
    def closed_doors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No program is on PATH."""
        monkeypatch.setenv("PATH", "")

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(config=_documents().map(_text).map(str.encode) | st.binary(max_size=60), lock=st.none() | st.binary())
    @example(config=b'[project]\nname = "x"', lock=b"")
    def test_check(self, tmp_path: Path, config: bytes, lock: bytes | None) -> None:
        """`shipways check` says yes or no, and never prints a traceback."""
        (tmp_path / ".git").mkdir(exist_ok=True)  # so that no config above it is found
        (tmp_path / "shipways.toml").write_bytes(config)
        (tmp_path / "shipways.lock").unlink(missing_ok=True)
        if lock is not None:
            (tmp_path / "shipways.lock").write_bytes(lock)
        told = io.StringIO()
        with contextlib.chdir(tmp_path), contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
            assert cli.run(["check"]) in (0, 2)
        assert "Traceback" not in told.getvalue()
