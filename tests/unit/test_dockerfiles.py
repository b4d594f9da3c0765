"""Dockerfiles of services: what is built when, what runs as whom, and which digests they build upon."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from shipways.config.dockerfile import bases
from shipways.config.load import parse
from shipways.deploy import dockerfile
from shipways.errors import ConfigError
from shipways.model.facts import PythonProject
from shipways.model.lock import Lock, LockedImage
from shipways.model.source import REGULAR, SourceFile, SourceTree
from support import facts

PROJECT = """
[project]
name = "shop"
[toolchain]
rust = "1.96.0"
[package.web]
build = "{build}"
{package}
[image.web]
package = "web"
{image}
[service.web]
image = "web"
port = 8080
health = "/health"
{service}
"""
TENDER = 'tender = "example.com/tender:1"\n'
TOP = '[deployment.docker]\nfile = "Dockerfile"\n'


def rendered(
    build: str,
    *files: str,
    package: str = "",
    image: str = TENDER,
    service: str = "",
    more: str = "",
    known: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """The texts by path, for a repository with these files; `known` are other facts."""
    config = parse(PROJECT.format(build=build, package=package, image=image, service=service) + more, "shipways.toml")
    tree = SourceTree(files=tuple(SourceFile(path=path, mode=REGULAR, oid="0") for path in sorted(files)))
    told = replace(facts(web="1.0.0"), source=tree, **(known or {}))
    return {file.path: file.text for file in dockerfile.rendered(config, told)}


def only(build: str, *files: str, **keys: str) -> list[str]:
    """The lines of the one Dockerfile."""
    return rendered(build, *files, **keys)["deployment/docker/web/Dockerfile"].splitlines()  # type: ignore[arg-type] # texts


def instruction(lines: list[str], word: str) -> str:
    """What follows the last instruction of that name."""
    return next(line.removeprefix(f"{word} ") for line in reversed(lines) if line.startswith(f"{word} "))


WORKSPACE = (
    *("Cargo.toml", "Cargo.lock", "crates/web/Cargo.toml", "crates/web/src/main.rs", "crates/web/src/bin/other.rs"),
    *("crates/core/Cargo.toml", "crates/core/src/lib.rs", "crates/core/src/deep/lib.rs", "crates/core/build.rs"),
)


def test_rust_dependencies_first() -> None:
    """S1-08: a layer with the manifests of every crate and programs that do nothing, then the sources."""
    lines = only("rust", *WORKSPACE, package='path = "crates/web"\nrust = { features = ["a", "b"] }\n')
    sources = lines.index("COPY . /src")
    before = "\n".join(lines[:sources])
    assert "WORKDIR /src\n" in before
    for copied in ("Cargo.lock /src/", "Cargo.toml /src/", "crates/web/Cargo.toml /src/crates/web/"):
        assert f"\nCOPY {copied}" in before
    assert "echo 'fn main() {}' > crates/web/src/bin/other.rs" in before
    assert "echo '' > crates/core/src/lib.rs" in before
    assert "crates/core/src/deep" not in before
    stubs = "crates/core/build.rs crates/core/src/lib.rs crates/web/src/bin/other.rs crates/web/src/main.rs"
    assert f"RUN touch {stubs} \\" == lines[sources + 1]
    build = "cargo build --locked --profile release --package web --bin web --features a,b"
    assert 2 == sum(build in line for line in lines)


def test_workspace_below_the_top() -> None:
    """A lock file further down is where cargo runs; the context is the whole repository all the same."""
    files = ("rs/Cargo.toml", "rs/Cargo.lock", "rs/src/main.rs", "README.md")
    lines = only("rust", *files, package='path = "rs"\nrust = { profile = "dev" }\n')
    assert {"WORKDIR /src/rs", "COPY rs/Cargo.lock /src/rs/", "RUN touch src/main.rs \\"} <= set(lines)
    assert " && install -D target/debug/web /out/bin/web \\" in lines


def test_runtime_is_small() -> None:
    """S0-01, S0-03, S0-04, S0-06, S0-07: certificates, the program, its data; as 1000:1000; nothing is installed."""
    keys = 'user = "1000:1000"\nvolumes = ["/data", "/more"]\nports = [9090]\ncommand = ["serve", "--all"]\n' + TENDER
    lines = only("rust", *WORKSPACE, image=keys, service='data = { more = "/more" }\n')
    final = lines[lines.index("FROM docker.io/library/debian:bookworm-slim") :]
    assert not [line for line in final if line.startswith("RUN")]
    assert "COPY --from=build --chown=1000:1000 /out/empty /data" in final
    assert ("1000:1000", "8080 9090") == (instruction(final, "USER"), instruction(final, "EXPOSE"))
    assert ["/data", "/more"] == json.loads(instruction(final, "VOLUME"))
    assert ["web", "serve", "--all"] == json.loads(instruction(final, "CMD"))
    check = instruction(final, "HEALTHCHECK")
    assert check.startswith("--interval=30s --timeout=5s --start-period=10s --retries=3 CMD [")
    assert "http://127.0.0.1:8080/health" in json.loads(check.partition("CMD ")[2])


def test_go() -> None:
    """S1-08: modules come before the sources; tags, flags and the version's variable are those of a release."""
    package = 'go = { tags = ["a"], main = "cmd/web", version_variable = "example.com/v.Version" }\n'
    lines = only("go", "go.mod", "go.sum", "main.go", package=package)
    assert lines.index("RUN go mod download") < lines.index("COPY . /src")
    assert "COPY go.mod go.sum /src/" in lines
    flags = '-ldflags "-s -w -X example.com/v.Version=$VERSION" -tags a -o /out/bin/web ./cmd/web'
    assert [f"RUN go build -trimpath -buildvcs=false {flags} \\"] == [line for line in lines if "go build" in line]
    assert "FROM docker.io/library/golang:1.27.3-bookworm AS build" in lines


def test_bun() -> None:
    """S1-08: dependencies as locked come before the sources; the image of bun has no certificates to take."""
    files = ("bun.lock", "package.json", "web/package.json", "web/index.ts", "bunfig.toml")
    lines = only("bun", *files, package='path = "web"\nbun = { options = ["--define", "V=\'{version}\'"] }\n')
    sources = lines.index("COPY . /src")
    assert ["COPY bun.lock bunfig.toml /src/", "COPY package.json /src/", "COPY web/package.json /src/web/"] == [
        line for line in lines[:sources] if line.startswith("COPY")
    ]
    assert "RUN bun install --frozen-lockfile --ignore-scripts" == lines[sources - 1]
    (build,) = (line for line in lines if "bun build --compile" in line)
    assert build.endswith("--outfile=/out/bin/web web/index.ts")
    assert ["bun", "V='1.2'"] == [shlex.split(build.replace("$VERSION", "1.2"))[at] for at in (1, -3)]
    assert "FROM docker.io/oven/bun:1.4.4-debian AS build" in lines
    assert not [line for line in lines if "ca-certificates" in line]


def test_programs_of_other_packages() -> None:
    """S1-08: each has a stage of its own, and what runs has them all; certificates come from one that has them."""
    other = '[package.tool]\nbuild = "rust"\nbinaries = ["ask"]\n'
    files = ("bun.lock", "package.json", "index.ts", "Cargo.toml", "Cargo.lock", "src/main.rs")
    texts = rendered("bun", *files, image=TENDER + 'also = ["tool"]\n', more=other)
    lines = texts["deployment/docker/web/Dockerfile"].splitlines()
    assert "FROM docker.io/library/rust:1.96.0-bookworm AS build-tool" in lines
    final = lines[lines.index("FROM docker.io/library/debian:bookworm-slim") :]
    assert "COPY --from=build /out/bin /usr/local/bin" in final
    assert "COPY --from=build-tool /out/bin /usr/local/bin" in final
    assert [line for line in final if line.startswith("COPY --from=build-tool /etc/ssl/")]
    ignored = texts["deployment/docker/web/Dockerfile.dockerignore"].splitlines()
    assert {"target", "**/node_modules"} <= set(ignored)
    with pytest.raises(ConfigError, match=r"tool cannot be built in a Dockerfile: its build is zig"):
        rendered("bun", *files, image=TENDER + 'also = ["tool"]\n', more=other.replace("rust", "zig"))


def test_python() -> None:
    """S4-01, S4-02, S4-03, S4-07: two stages, a user with a name, a check without curl; what is not sent."""
    image = 'dockerfile = "Dockerfile"\n'
    service = 'user = "aegis"\ndata = { data = "/app/data" }\ncommand = ["serve", "--port", "{port}"]\n'
    texts = rendered("python", "pyproject.toml", image=image, service=service, more=TOP)
    lines = texts["Dockerfile"].splitlines()
    assert 2 == lines.count("FROM docker.io/library/python:3.13-slim") + lines.count(
        "FROM docker.io/library/python:3.13-slim AS build"
    )
    assert "RUN pip install --no-cache-dir --ignore-installed --prefix=/install ." in lines
    assert "COPY --from=build /install /usr/local" in lines
    assert {"RUN useradd --create-home --uid 1000 aegis \\", " && install -d -o aegis -g aegis /app/data"} <= set(lines)
    assert ("1000:1000", "8080") == (instruction(lines, "USER"), instruction(lines, "EXPOSE"))
    assert ["web", "serve", "--port", "8080"] == json.loads(instruction(lines, "CMD"))
    asked = json.loads(instruction(lines, "HEALTHCHECK").partition("CMD ")[2])
    assert ["python", "-c"] == asked[:2]
    assert "urllib.request.urlopen('http://127.0.0.1:8080/health')" in asked[2]
    ignored = set(texts[".dockerignore"].splitlines())
    assert {".venv", "**/__pycache__", "**/*.pyc", ".git", ".github", "tests/", "docs/", "coverage.xml"} <= ignored
    assert {".ruff_cache", ".mypy_cache", "**/*.egg-info"} <= ignored


def test_python_as_locked() -> None:
    """S1-08, S4-01: what a lock names is installed before the sources are there, and then nothing but the package."""
    project = PythonProject(package="web", name="web", requires=(), lock="py/requirements.txt")
    texts = rendered("python", package='path = "py"\n', known={"python": (project,)})
    lines = texts["deployment/docker/web/Dockerfile"].splitlines()
    first, then = (at for at, line in enumerate(lines) if line.startswith("RUN pip install"))
    assert ["WORKDIR /src/py", "COPY py/requirements.txt /src/py/"] == [lines[first - 3], lines[first - 1]]
    assert lines[first].endswith(" --prefix=/install --require-hashes -r requirements.txt")
    assert ("COPY . /src", True) == (lines[then - 1], lines[then].endswith(" --prefix=/install --no-deps ."))


def test_data_is_not_sent() -> None:
    """S4-07: neither volumes that lie in the repository nor data of a program that was started there; but sources."""
    service = 'data = { a = "/app/state", b = "/data/b", c = "/docs" }\n'
    image = 'volumes = ["/app/state", "/data/b", "/docs"]\n' + TENDER
    texts = rendered("python", "docs/data.txt", service=service, image=image)
    ignored = texts["deployment/docker/web/Dockerfile.dockerignore"].splitlines()
    assert {"state", "data/b", "deployment/volumes"} <= set(ignored)
    assert "docs" not in ignored


def test_digests_of_the_lock() -> None:
    """What the lock has is named by its digest as well, and stays what the lock has."""
    name, digest = "docker.io/library/debian:bookworm-slim", "sha256:" + "1" * 64
    locked = LockedImage(name=name, digest=digest, platforms=())
    texts = rendered("go", "go.mod", known={"lock": Lock(images=(locked,))})
    text = texts["deployment/docker/web/Dockerfile"]
    found = bases(text, "Dockerfile")
    assert f"{name}@{digest}" in found
    assert "example.com/tender:1" in found
    assert locked == Lock(images=(locked,)).image(f"{name}@{digest}")
    assert Lock(images=(locked,)).image(f"{name}@sha256:{'2' * 64}") is None


def test_own_dockerfile_is_left_alone() -> None:
    """Nothing is rendered where the config names another one, for a builder without one, or for an empty path."""
    assert {} == rendered("go", image='dockerfile = "docker/own.Dockerfile"\n' + TENDER)
    assert {} == rendered("zig", more="")
    assert {} == rendered("go", more='[deployment.docker]\nfile = ""\n')


def test_one_file_for_two() -> None:
    """Two services cannot have one file."""
    with pytest.raises(ConfigError, match=r"deployment\.docker\.file: the services web and other would have one file"):
        rendered("go", more='[service.other]\nimage = "web"\n' + TOP)


def test_values() -> None:
    """Quotes, dollars and backslashes arrive as they are; a line break cannot be written, and is an error."""
    lines = only("go", image=TENDER + "env = { A = 'a \"b\" $c \\d' }\n")
    assert 'ENV A="a \\"b\\" \\$c \\\\d"' in lines
    with pytest.raises(ConfigError, match=r"image\.web\.env\.A: has a line break"):
        only("go", image=TENDER + 'env = { A = "a\\nb" }\n')
