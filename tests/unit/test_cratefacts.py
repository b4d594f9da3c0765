"""Which crates a registry must have before others."""

import tomllib

import pytest

from shipways.cratefacts import Dependencies, dependencies, needs

WORKSPACE = """
[workspace.dependencies]
core = { path = "core", version = "1" }
short = { package = "long-name", path = "long" }
plain = "1"
"""


@pytest.mark.parametrize(
    ("text", "always", "tests"),
    [
        ('[dependencies]\na = "1"\nb = { package = "c", path = "../c" }', {"a", "c"}, set()),
        ('[build-dependencies]\na = "1"', {"a"}, set()),
        ("[dependencies]\ncore = { workspace = true }\nshort = { workspace = true }", {"core", "long-name"}, set()),
        ("[dependencies]\nplain.workspace = true\nmissing.workspace = true", {"plain", "missing"}, set()),
        ("[target.'cfg(unix)'.dependencies]\na = \"1\"", {"a"}, set()),
        ('[dev-dependencies]\na = "1"\nb = { path = "../b" }\ncore.workspace = true', set(), {"a", "core"}),
        ("[target.'cfg(unix)'.dev-dependencies]\na = \"1\"", set(), {"a"}),
        ('dependencies = "odd"\ntarget = []', set(), set()),
    ],
)
def test_dependencies(text: str, always: set[str], tests: set[str]) -> None:
    """Every table counts; of those for tests only what cargo packs: what has a version."""
    found = dependencies(tomllib.loads(text), tomllib.loads(WORKSPACE))
    assert (always, tests) == (found.always, found.tests)


def said(always: str = "", tests: str = "") -> Dependencies:
    """Dependencies by words."""
    return Dependencies(always=frozenset(always.split()), tests=frozenset(tests.split()))


def test_needs() -> None:
    """The packages of the config by the names of their crates; what is from elsewhere is nobody's need."""
    names = {"app": "the-app", "core": "the-core", "util": "util"}
    found = needs(names, {"app": said("the-core serde", "util"), "core": said("util"), "util": said()})
    assert {"app": ("core", "util"), "core": ("util",), "util": ()} == found


def test_needs_in_a_circle() -> None:
    """What only tests need is left out where nothing could come first."""
    names = {"a": "a", "b": "b", "c": "c"}
    found = needs(names, {"a": said(tests="a b"), "b": said("c"), "c": said("a", "b")})
    assert {"a": (), "b": ("c",), "c": ("a",)} == found
