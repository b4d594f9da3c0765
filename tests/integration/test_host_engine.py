"""The host engine's own promises: surroundings, toolchains, caches."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from sandbox import Repository
from support import need

pytestmark = pytest.mark.integration


def test_surroundings_are_scrubbed(hello: Repository) -> None:
    """A build sees a home and a temporary folder of its own, UTC, and nothing of the caller's variables."""
    hello.file("build.sh", 'env > "$1/hello.txt"\ndate +%Z >> "$1/hello.txt"\n')
    hello.commit()
    ran = hello.shipways("release", env={"SECRET_TOKEN": "s3cret", "HOME": "/nonexistent/home", "TZ": "Asia/Tokyo"})
    assert 0 == ran.code, ran.err
    seen = (hello.root / "dist" / "hello.txt").read_text()
    assert "s3cret" not in seen
    assert "/nonexistent/home" not in seen
    assert seen.endswith("UTC\n")


def test_path_is_the_same_everywhere(hello: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The folder of a build is named by its inputs, so that a path that leaks is the same on every machine."""
    hello.file("build.sh", 'pwd > "$1/hello.txt"\n')
    hello.commit()
    hello.shipways("release")
    first = (hello.root / "dist" / "hello.txt").read_text()
    hello.cache = tmp_path_factory.mktemp("other")
    hello.shipways("release")
    assert first == (hello.root / "dist" / "hello.txt").read_text()
    assert first.startswith("/tmp/shipways/")


def test_tool_of_another_version_is_not_used(repository: Repository) -> None:
    """A Go on PATH that is not exactly the pinned one does not build."""
    need("go")
    repository.file("shipways.toml", '[project]\nname = "p"\n[toolchain]\ngo = "1.0.99"\n[package.p]\nbuild = "go"\n')
    repository.commit()
    ran = repository.shipways("build", "--log", "json")
    skipped = [json.loads(line) for line in ran.err.splitlines() if '"skipped"' in line]
    assert 6 == len(skipped)
    assert {"toolchain"} == {event["kind"] for event in skipped}


def test_one_poisoned_cache_entry(hello: Repository) -> None:
    """A changed object in the store is made again, and dist/ gets the right bytes."""
    hello.shipways("release")
    good = (hello.root / "dist" / "hello.txt").read_text()
    for path in (hello.cache / "shipways" / "objects").rglob("*"):
        if path.is_file():
            path.write_text("poison")
    (hello.root / "dist" / "hello.txt").unlink()
    assert 0 == hello.shipways("release").code
    assert good == (hello.root / "dist" / "hello.txt").read_text()


def test_patterns_that_overlap(hello: Repository) -> None:
    """A file that two patterns match is taken once."""
    config = (hello.root / "shipways.toml").read_text().replace('["*.txt"]', '["hello.txt", "*.txt"]')
    hello.file("shipways.toml", config)
    ran = hello.commit().shipways("release")
    assert 0 == ran.code, ran.err
    assert 1 == (hello.root / "dist" / "manifest.json").read_text().count('"path": "hello.txt"')


def test_go_leaves_nothing_behind(repository: Repository, tools: Path) -> None:
    """A Go build's helpers do not make its folder anew after it was removed."""
    need("go")
    version = subprocess.run(("go", "env", "GOVERSION"), capture_output=True, text=True, check=True).stdout.strip()[2:]
    config = f'[project]\nname = "p"\ntargets = ["x86_64-unknown-linux-gnu"]\n[toolchain]\ngo = "{version}"\n'
    repository.file("shipways.toml", config + '[package.p]\nbuild = "go"\n')
    repository.file("go.mod", "module p\n\ngo 1.24\n")
    repository.file("main.go", "package main\n\nfunc main() {}\n")
    before = set(Path("/tmp/shipways").glob("*"))
    ran = repository.share(tools).commit().shipways("build")
    assert 0 == ran.code, ran.err
    time.sleep(1)
    # Another process may build at the same time; its folders have their locks.
    new = set(Path("/tmp/shipways").glob("*")) - before
    assert [] == [path for path in new if path.is_dir() and not path.with_suffix(".lock").exists()]
