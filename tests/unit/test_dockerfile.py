"""Which images a Dockerfile builds upon."""

import pytest

from shipways.config.dockerfile import bases, pinned, sees_context, unpinned
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a AS x\nCOPY --from=b /x /\nCOPY --from=X /y /\nCOPY --from=0 /z /\n", ["a", "b"]),
        ("FROM a\nCOPY --link --chown=1:1 \\\n  --from=b:1 /x /\n", ["a", "b:1"]),
        ("FROM a\nRUN --mount=type=bind,source=c,from=c --mount=from=d,target=/x cat from=e --from=f", ["a", "c", "d"]),
        ("FROM a\nRUN --mount=type=cache,target=/x y\nCOPY x --from=b /\n", ["a"]),
    ],
)
def test_bases_of_files(text: str, expected: list[str]) -> None:
    """Other images that files come from are named too, those that are no stage of the file."""
    assert expected == list(bases(text, "Dockerfile"))


def test_bases_with_values() -> None:
    """A given argument goes before its default, once it is declared; those of the platform need not be."""
    text = "ARG V=1\nARG W\nFROM a:$V-$W-$X\nFROM --platform=$BUILDPLATFORM b-$TARGETARCH AS c\nFROM c-${TARGETOS}"
    values = {"V": "2", "W": "3", "TARGETARCH": "arm64", "TARGETOS": "linux"}
    assert ["a:2-3-4", "b-arm64", "c-linux"] == list(bases(text.replace("$X", "4"), "Dockerfile", values))
    with pytest.raises(ConfigError, match=r"is not known: a:2-3-\$X"):
        bases(text, "Dockerfile", values | {"X": "5"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a AS x\nFROM X\nFROM scratch\n", "FROM <a> AS x\nFROM X\nFROM scratch\n"),
        ('ARG V=1\nFROM --platform=a "a:${V}" as a\nRUN a:1\n', "ARG V=1\nFROM --platform=a <a:1> as a\nRUN a:1\n"),
        ("from \\\n  # why\n  a \\\n  AS b\nFROM c", "FROM <a> AS b\n\n\n\nFROM <c>"),
        ("FROM a\nCOPY --link \\\n  --from=b b /\n", "FROM <a>\nCOPY --link \\\n  --from=<b> b /\n"),
        (
            "FROM a\nRUN --mount=type=bind,source=b,from=b,target=/b --mount=from=a x b\n",
            "FROM <a>\nRUN --mount=type=bind,source=b,from=<b>,target=/b --mount=from=<a> x b\n",
        ),
        ("# syntax=x/y:1\n# escape=`\n# why\nFROM `\n a\n", "# escape=`\n# why\n#\nFROM <a>\n\n"),
        ("#Syntax = docker/dockerfile:1\nFROM a\n", "#\nFROM <a>\n"),
        ("FROM a\n# syntax=x\n", "FROM <a>\n# syntax=x\n"),
        ("FROM a\nRUN <<E\nFROM b\nE\n", "FROM <a>\nRUN <<E\nFROM b\nE\n"),
    ],
)
def test_pinned(text: str, expected: str) -> None:
    """Each image gets another name, on its line; stages, flags and all that is not its name stay as they are."""
    assert expected == pinned(text, {}, lambda name: f"<{name}>")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\nCOPY RUN /\nADD x /\n", []),
        ("FROM a\nRUN x\nRUN y\n", ["RUN lines"]),
        ("FROM a\nADD https://x/y /\n", ["ADD lines that fetch without a checksum"]),
        ("FROM a\nADD --checksum=sha256:0 https://x/y /\n", []),
        ("FROM a\nADD git@x:y.git /\nRUN z\n", ["RUN lines", "ADD lines that fetch without a checksum"]),
    ],
)
def test_unpinned(text: str, expected: list[str]) -> None:
    """Commands, and downloads that nothing verifies, may give other bytes tomorrow."""
    assert expected == list(unpinned(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\nRUN x\nCOPY --from=b . /\n", False),
        ("FROM a\nCOPY --chown=1 --from=b . /\nRUN COPY . /\n", False),
        ("FROM a\nCOPY . /\n", True),
        ("FROM a\nADD x /\n", True),
        ("FROM a\nRUN --mount=target=/x y\n", True),
    ],
)
def test_context_is_seen(text: str, expected: bool) -> None:
    """A Dockerfile that takes no file of its context does not depend on it."""
    assert expected == sees_context(text)
