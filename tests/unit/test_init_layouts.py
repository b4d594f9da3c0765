"""What `init` makes of the ways in which people lay out their repositories."""

import tomllib
from dataclasses import replace

import pytest

import layouts
from rusting import HOST, MAC
from shipways.detect import Project, detect
from shipways.drafts import Tree
from shipways.run.starting import Compiler, compiler, config_text

MEMBER = '[package]\nname = "NAME"\nversion.workspace = true\n'
ORIGIN = '[remote "origin"]\n\turl = URL\n'


def look(texts: layouts.Layout, title: str = "town") -> Project:
    """A repository of these files."""
    return detect(title, Tree(files=tuple(texts), texts=texts))


def test_workspace_says_one_tag() -> None:
    """Versions that are inherited are one version; the library goes to the registry; private crates do not."""
    found = look(layouts.WORKSPACE, "lantern")
    assert [("lantern", "", True, False), ("lantern-core", "", True, True), ("lantern-server", "", False, False)] == [
        (draft.name, draft.tag, draft.published, draft.library) for draft in found.packages
    ]
    assert "MIT" == found.license
    assert ["fuzz/Cargo.toml: it is no member", "xtask/Cargo.toml: it is a chore"] == [
        " ".join(note.split()[:5]) for note in found.notes
    ]


def test_deep_members() -> None:
    """A member may be deeper than other manifests; a program that needs features is left out with its reason."""
    found = look(
        {
            "rust/Cargo.toml": '[workspace]\nmembers = ["crates/*"]\n[workspace.package]\nversion = "1.0.0"\n',
            "rust/crates/a/Cargo.toml": MEMBER.replace("NAME", "a")
            + '[[bin]]\nname = "a"\n[[bin]]\nname = "x"\nrequired-features = ["odd"]\n',
        }
    )
    assert [("a", "rust/crates/a", ("a",))] == [(draft.name, draft.path, draft.programs) for draft in found.packages]
    assert ["rust/crates/a/Cargo.toml: x: needs features that are not among the default ones; left out"] == list(
        found.notes
    )


@pytest.mark.parametrize(
    ("need", "why"),
    [
        ('b = { path = "../b" }', "a is not made a .crate: it needs b by its path, without a version"),
        ('b = { path = "../b", version = "1" }', "a is not made a .crate: it needs b, which is private"),
        ('b = { git = "https://example.org/b" }', "a is not made a .crate: it needs b from git"),
    ],
)
def test_crates_that_no_registry_can_have(need: str, why: str) -> None:
    """They are released as programs alone."""
    found = look(
        {
            "a/Cargo.toml": f'[package]\nname = "a"\n[dependencies]\n{need}\n',
            "a/src/main.rs": "",
            "b/Cargo.toml": '[package]\nname = "b"\npublish = false\n',
            "b/src/lib.rs": "",
        }
    )
    assert [("a", False)] == [(draft.name, draft.published) for draft in found.packages]
    assert f"a/Cargo.toml: {why}" in found.notes


def test_monorepo() -> None:
    """A module of Go has the tag that Go wants, and sees those beside it; the others have their names in theirs."""
    found = {draft.name: draft for draft in look(layouts.MONOREPO).packages}
    assert {
        "spool": ("spool-v{version}", ()),
        "knot": ("knot-v{version}", ()),
        "gate": ("services/gate/v{version}", ("go.work", "libs/words", "services/gate")),
    } == {name: (draft.tag, draft.source) for name, draft in found.items()}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cmd/main.go": "package main"}, [("ferry", "cmd")]),
        ({"cmd/a/other.go": "package main", "cmd/root.go": "package cmd"}, [("a", "cmd/a")]),
        ({"main.go": "", "cmd/serve/serve.go": "package serve"}, [("ferry", ".")]),
    ],
)
def test_mains(files: dict[str, str], expected: list[tuple[str, str]]) -> None:
    """A main straight in cmd/ has the module's name; one in cmd/NAME need not be called main.go."""
    found = look({"go.mod": "module example.org/ferry/v2\n", **files})
    assert expected == [(draft.name, draft.main) for draft in found.packages]


def test_maturin() -> None:
    """An extension is one package; programs are wrapped into wheels, with the version of their crate."""
    extension = look(layouts.EXTENSION)
    assert [("tide", "maturin", False)] == [(d.name, d.build, d.library) for d in extension.packages]
    pyproject = (
        '[build-system]\nbuild-backend = "maturin"\n[project]\nname = "rig"\nversion = "1.0.0"\n[tool.maturin]\n'
    )
    wrapped = look(
        {
            "pyproject.toml": pyproject + 'bindings = "bin"\nmanifest-path = "crates/rig/Cargo.toml"',
            "crates/rig/Cargo.toml": '[package]\nname = "rig"\n',
            "crates/rig/src/main.rs": "",
        }
    )
    config = tomllib.loads(config_text(wrapped, Compiler(version="1.96.0")))
    assert {"binary": "rig", "distribution": "rig"} == config["package"]["rig-python"]["python"]
    assert {"rust", "python"} == {package["build"] for package in config["package"].values()}
    assert not any("tag" in package for package in config["package"].values())


def test_versions_of_backends() -> None:
    """One that git says is fine; one that only the backend knows is told at once; a uv workspace is no package."""
    assert () == look(layouts.VERSIONED_BY_GIT).notes
    left = look({"pyproject.toml": '[build-system]\nrequires = ["flit"]\n[project]\nname = "x"\ndynamic = ["version"]'})
    assert "leaves its version to the build backend" in left.notes[0]
    root = look({"pyproject.toml": '[project]\nname = "x"\n[tool.uv.workspace]\nmembers = ["packages/*"]'})
    assert () == root.packages


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git@github.com:a/b.git", ("github.com", "a/b", True)),
        ("https://github.com/a/b", ("github.com", "a/b", True)),
        ("ssh://git@forge.example:22/a/b.git", ("forge.example", "a/b", False)),
    ],
)
def test_origin(url: str, expected: tuple[str, str, bool]) -> None:
    """A release on GitHub is planned where the repository lies there."""
    found = look({**layouts.PURE, ".git/config": ORIGIN.replace("URL", url)})
    config = tomllib.loads(config_text(found, Compiler()))
    assert expected == (found.host, found.repository, "github" in config["publish"])


def test_compiler() -> None:
    """The folder's own where it can build for all targets; else one that can; a pinned one stays, with the command."""
    poor, rich = replace(HOST, version="1.95.0", sources=""), HOST
    assert Compiler(version="1.96.0", build_std=True) == compiler("1.96.0", (poor, rich), pinned=False)
    other = compiler("1.95.0", (poor, rich), pinned=False)
    assert ("1.96.0", True, True) == (other.version, other.build_std, "1.95.0" in other.note)
    pinned = compiler("1.95.0", (poor, rich), pinned=True)
    assert ("1.95.0", False) == (pinned.version, pinned.build_std)
    assert f"rustup target add --toolchain 1.95.0 {MAC}" in pinned.note
    assert Compiler() == compiler("", (), pinned=False)
