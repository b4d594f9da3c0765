"""Small projects that integration tests start from."""

from pathlib import Path

import pytest

from sandbox import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty repository."""
    return Repository(tmp_path / "repository", tmp_path / "cache")


COMMAND = """
[project]
name = "hello"
source_archive = false

[package.hello]
build = "command"
version = "1.0.0"

[package.hello.command]
run = [["sh", "build.sh", "{out}", "{version}"]]
outputs = ["*.txt"]
"""


@pytest.fixture
def hello(repository: Repository) -> Repository:
    """A committed project whose build is a shell script that writes what it sees."""
    repository.file("shipways.toml", COMMAND)
    repository.file(".gitignore", "/dist/\nignored\n")
    repository.file("build.sh", 'cat greeting > "$1/hello.txt"\necho "$2" >> "$1/hello.txt"\n')
    repository.file("greeting", "hello\n")
    return repository.commit()
