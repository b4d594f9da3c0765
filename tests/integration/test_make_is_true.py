"""A build is a function of the commit: not of the machine, the folder, or what lies around."""

import json
from pathlib import Path

import pytest

from sandbox import Repository

pytestmark = pytest.mark.integration


def manifest(repository: Repository) -> bytes:
    return (repository.root / "dist" / "manifest.json").read_bytes()


def snoop(repository: Repository) -> None:
    """Let the build write down its whole surroundings."""
    repository.file(
        "build.sh",
        'exec > "$1/hello.txt"\nfor f in * .[a-z]*; do echo "$f"; done\nenv | sort\npwd\n',
    )
    repository.commit()


def test_ignored_file_and_variable_make_no_difference(hello: Repository, tmp_path: Path) -> None:
    """A planted file that git ignores, and a planted variable, reach neither the key nor the build."""
    snoop(hello)
    assert 0 == hello.shipways("release").code
    first = manifest(hello)
    hello.file("ignored", "planted")
    hello.cache = tmp_path / "other"
    ran = hello.shipways("release", env={"PLANTED": "1", "CFLAGS": "-O9", "GOFLAGS": "-mod=mod", "TZ": "Asia/Tokyo"})
    assert 0 == ran.code, ran.err
    assert first == manifest(hello)


def test_two_folders_two_paths(hello: Repository, tmp_path: Path) -> None:
    """A clone in a deeper folder, with its own store and another PATH, gives the same manifest to the byte."""
    snoop(hello)
    assert 0 == hello.shipways("release").code
    deep = tmp_path / "a" / "much" / "deeper"
    deep.parent.mkdir(parents=True)
    hello.git("clone", "--quiet", ".", str(deep))
    other = Repository(deep, tmp_path / "other")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("go", "zig", "rustc"):
        (tools / name).write_text("#!/bin/sh\nexit 1\n")
        (tools / name).chmod(0o755)
    ran = other.shipways("release", env={"PATH": f"{tools}:/usr/bin:/bin"})
    assert 0 == ran.code, ran.err
    assert manifest(hello) == manifest(other)


def test_change_after_the_snapshot_is_not_built(hello: Repository) -> None:
    """A file that a running build changes in the work tree is built as it was when the run began."""
    hello.file("build.sh", f'echo changed > "{hello.root}/greeting"\ncat greeting > "$1/hello.txt"\n')
    hello.commit()
    assert 0 == hello.shipways("release").code
    assert "hello\n" == (hello.root / "dist" / "hello.txt").read_text()


def test_dirty_tree_is_a_named_snapshot(hello: Repository) -> None:
    """Changes that are not committed are built, under a version that says so."""
    hello.file("greeting", "changed\n")
    ran = hello.shipways("release")
    assert 0 == ran.code
    assert "dirty" in json.loads(manifest(hello))["packages"][0]["version"]
    assert (hello.root / "dist" / "hello.txt").read_text().startswith("changed\n1.0.0-snapshot.g")


def test_make_digest_ignores_tags_and_ci(hello: Repository) -> None:
    """The digest of what is built is the same in CI and on a laptop."""

    def digest(**env: str) -> str:
        return str(json.loads(hello.shipways("plan", "--json", env=env).out)["make_digest"])

    assert digest() == digest(CI="true", GITHUB_ACTIONS="true", GITHUB_REF_NAME="main")


def test_second_run_is_from_the_store(hello: Repository) -> None:
    """Nothing is made twice, and dist/ is not written again."""
    hello.shipways("release")
    before = (hello.root / "dist" / "hello.txt").stat().st_mtime_ns
    ran = hello.shipways("release", "--log", "json")
    finished = [json.loads(line) for line in ran.err.splitlines() if '"finished"' in line]
    assert finished
    assert all(event["cached"] for event in finished)
    assert before == (hello.root / "dist" / "hello.txt").stat().st_mtime_ns


def test_unpinned_programs_are_named(hello: Repository) -> None:
    """What no lock pins is said in the manifest."""
    hello.shipways("release")
    entries = {entry["path"]: entry for entry in json.loads(manifest(hello))["artifacts"]}
    assert "made by programs of the machine, which no lock pins: sh" == entries["hello.txt"]["varies"]
