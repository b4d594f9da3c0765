"""Which images a Dockerfile builds upon."""

import pytest

from shipways.config.dockerfile import bases
from shipways.errors import ConfigError

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM rust:1\nRUN make\n", ["rust:1"]),
        ("from rust:1\r\n", ["rust:1"]),
        (f"FROM ghcr.io/a/b:1@{DIGEST}", [f"ghcr.io/a/b:1@{DIGEST}"]),
        ("FROM a AS one\nFROM b as Two\nFROM ONE\nFROM two AS three\nFROM a\n", ["a", "b"]),
        ("FROM rust AS rust\nFROM rust\n", ["rust"]),
        ("FROM scratch\nCOPY a /\n", []),
        ("FROM --platform=$BUILDPLATFORM a AS x\nFROM --platform=linux/amd64 b\n", ["a", "b"]),
        ('ARG V=1.2\nARG OS="bookworm" W=$V\nFROM rust:${V}-$OS\nFROM go:$W\n', ["rust:1.2-bookworm", "go:1.2"]),
        ('FROM rust:${V:-1}\nFROM rust:${V-2}\nFROM "rust:3"\n', ["rust:1", "rust:2", "rust:3"]),
        ("ARG V=\nFROM a:1$V\nFROM b:${V:-1}\nFROM c:1${V-1}\nFROM d:1${W:-}\n", ["a:1", "b:1", "c:1", "d:1"]),
        ("ARG V=1\nFROM a:$V\nARG V=2\nFROM b:$V\n", ["a:1", "b:1"]),
        ("# syntax=docker/dockerfile:1\n# escape=`\n# why\nFROM `\n# between\n  a:1 `\n  AS x\n", ["a:1"]),
        ("FROM a\nRUN <<EOF cat <<'E2'\nFROM b\nEOF\nFROM c\nE2\nFROM d\n", ["a", "d"]),
        ("FROM a\nRUN x << 2 && echo \\\n  && FROM\nFROM b", ["a", "b"]),
        ("FROM a\nRUN <<E\nx \\\nE\nFROM b\n", ["a", "b"]),
    ],
)
def test_bases(text: str, expected: list[str]) -> None:
    """Stages, platforms, defaults of arguments, here-documents, continued lines: all as Docker reads them."""
    assert expected == list(bases(text, "Dockerfile"))


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("ARG V\nFROM rust:$V\n", 2, "the image of FROM rust:$V is not known: rust:$V"),
        ("FROM a\nARG V=1\nFROM rust:${V} AS x\n", 3, "the image of FROM rust:${V} AS x is not known: rust:${V}"),
        ("ARG V=\nFROM rust:$V\n", 2, "FROM rust:$V: expected the name of an image, such as "),
        ("ARG V=1\nFROM rust:${V%.*}\n", 2, "the image of FROM rust:${V%.*} is not known: rust:${V%.*}"),
        ("FROM Rust:1\n", 1, "FROM Rust:1: expected the name of an image, such as "),
        ("FROM --network=none a\n", 1, "FROM --network=none a: expected the name of an image, such as "),
    ],
)
def test_image_that_the_file_does_not_tell(text: str, line: int, what: str) -> None:
    """The line is named, and what it lacks."""
    with pytest.raises(ConfigError) as caught:
        bases(text, "ci/Dockerfile")
    (problem,) = caught.value.problems
    assert ("ci/Dockerfile", f"ci/Dockerfile:{line}") == (problem.path, problem.place)
    assert problem.what.startswith(what)


def test_every_problem() -> None:
    """All wrong lines come at once."""
    with pytest.raises(ConfigError) as caught:
        bases("FROM a:$A\nFROM b:$B\n", "Dockerfile")
    assert ["Dockerfile:1", "Dockerfile:2"] == [problem.place for problem in caught.value.problems]


@pytest.mark.parametrize("text", ["", "RUN x\n", "# FROM a\n", "RUN FROM a"])
def test_no_dockerfile(text: str) -> None:
    """A file without FROM is none."""
    with pytest.raises(ConfigError, match="Dockerfile: has no FROM line"):
        bases(text, "Dockerfile")
