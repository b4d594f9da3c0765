"""Dockerfiles on a real Dagger engine: images of several platforms, and images that packages are built in."""

import json
import re
from pathlib import Path

import pytest

from engines import Containers
from imaging import members
from registries import skopeo
from sandbox import Ran, Repository
from support import need

pytestmark = pytest.mark.integration

CONFIG = """
[project]
name = "greeter"
source_archive = false

[package.greeter]
build = "command"
version = "1.0.0"
image = "./ci/Dockerfile"
sbom = false
command = { run = [["greet", "{out}"]], outputs = ["said.txt"] }

[image.web]
package = "greeter"
dockerfile = "docker/web.Dockerfile"
context = "app"
args = { VERSION = "v{version}" }
labels = { team = "a" }

[image.run]
package = "greeter"
dockerfile = "docker/run.Dockerfile"
platforms = ["linux/amd64"]
docker_archive = false
"""
FILES = {
    "docker/web.Dockerfile": "# syntax=docker/dockerfile:1\nFROM scratch\nARG VERSION\nCOPY . /srv/web/\n"
    'LABEL said=$VERSION\nUSER 7:7\nENTRYPOINT ["/srv/web/start"]\n',
    "app/index.html": "<p>hello\n",
    "app/deep/er/x": "x\n",
    "app/secret": "no\n",
    "app/local.log": "not in git\n",
    "app/.dockerignore": "*\n!index.html\n!deep\n",
    ".gitignore": "*.log\n/dist/\n",
    "docker/run.Dockerfile": "FROM buildpack-deps:bookworm AS made\nRUN echo made > /made\n"
    "FROM scratch\nCOPY --from=made /made /\n"
    "COPY --from=docker.io/library/buildpack-deps:bookworm-scm /etc/debian_version /\n",
    "ci/Dockerfile": "FROM buildpack-deps:bookworm\nCOPY --chmod=755 greet /usr/local/bin/\n",
    "ci/greet": '#!/bin/sh\necho hello > "$1/said.txt"\n',
}


@pytest.fixture
def project(repository: Repository, containers: Containers) -> Repository:
    """A committed project whose images are locked."""
    repository.file("shipways.toml", CONFIG)
    for path, text in FILES.items():
        repository.file(path, text)
    ran = repository.shipways("lock", env=containers.env)
    assert 0 == ran.code, ran.err
    return repository.commit()


def build(project: Repository, containers: Containers, *steps: str) -> Ran:
    words = [word for step in steps for word in ("--step", step)]
    return project.shipways("build", *words, env=containers.env)


def artifacts(project: Repository) -> list[dict[str, str]]:
    """Those of the last run, of its manifest."""
    return list(json.loads((project.root / "dist/manifest.json").read_text())["artifacts"])


def files(layout: Path, platform: str) -> dict[str, int]:
    """The files in the layers of an image, and their times."""
    blobs = layout / "blobs/sha256"
    top = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"][7:]
    entries = json.loads((blobs / top).read_text())["manifests"]
    entry = next(e for e in entries if e["platform"]["architecture"] == platform)
    layers = json.loads((blobs / entry["digest"][7:]).read_text())["layers"]
    found = (members((blobs / layer["digest"][7:]).read_bytes()) for layer in layers)
    return {name: member.mtime for each in found for name, member in each.items()}


def test_two_platforms_without_run(project: Repository, containers: Containers, tmp_path: Path) -> None:
    """No emulation is needed; other tools read the image, which has only files of git that are not ignored."""
    need("skopeo")
    ran = build(project, containers, "images/web", "images/web/linux-arm64/docker")
    assert 0 == ran.code, ran.err
    layout = project.root / "dist/images/web"
    name = f"oci:{layout}:{json.loads((project.root / 'dist/manifest.json').read_text())['packages'][0]['version']}"
    skopeo("copy", "--all", name, f"oci:{tmp_path}/copy:1")
    for arch in ("amd64", "arm64"):
        told = json.loads(skopeo("--override-arch", arch, "inspect", "--config", f"oci:{tmp_path}/copy:1"))
        assert (arch, "7:7", ["/srv/web/start"]) == (
            told["architecture"],
            told["config"]["User"],
            told["config"]["Entrypoint"],
        )
        assert ("a", "v1.0.0") == (told["config"]["Labels"]["team"], told["config"]["Labels"]["said"].split("-")[0])
        found = files(layout, arch)
        assert {"srv", "srv/web", "srv/web/index.html", "srv/web/deep", "srv/web/deep/er", "srv/web/deep/er/x"} == set(
            found
        )
        assert {int(project.git("log", "-1", "--format=%ct"))} == set(found.values())
    assert {""} == {artifact.get("varies", "") for artifact in artifacts(project)}
    again = build(project, containers, "images/web")
    assert re.search(r"3 steps, 3 of them cached", again.err)


def test_images_that_it_names(project: Repository, containers: Containers) -> None:
    """Stages and other images are found by their digests at the mirror; what RUN lines make says that it may differ."""
    ran = build(project, containers, "images/run")
    assert 0 == ran.code, ran.err
    assert {"made", "debian_version"} == set(files(project.root / "dist/images/run", "amd64"))
    assert {"built by a Dockerfile with RUN lines"} == {artifact["varies"] for artifact in artifacts(project)}
    assert containers.registry.host not in "".join(
        path.read_text(errors="replace") for path in (project.root / "dist/images/run").rglob("*") if path.is_file()
    )


def test_run_line_that_fails(project: Repository, containers: Containers) -> None:
    """Step, platform, command and the end of what it printed are told."""
    text = "FROM buildpack-deps:bookworm\nRUN for i in $(seq 1 60); do echo line $i; done; \\\n    exit 7\n"
    project.file("docker/run.Dockerfile", text)
    ran = build(project, containers, "images/run")
    assert 4 == ran.code
    assert re.search(r"error: images/run/linux-amd64: `/bin/sh -c for i .* exit 7` for linux/amd64 ended with", ran.err)
    assert "at:  docker/run.Dockerfile" in ran.err
    assert [f"line {number}" for number in range(11, 61)] == re.findall(r"line \d+", ran.err.partition("why:")[2])


def test_not_locked_and_without_containers(project: Repository, containers: Containers) -> None:
    """Either is a skip with its reason; the lock had all that the Dockerfiles name."""
    locked = re.findall(r'^name = "(.*)"', (project.root / "shipways.lock").read_text(), re.MULTILINE)
    assert ["buildpack-deps:bookworm", "docker.io/library/buildpack-deps:bookworm-scm"] == locked
    host = project.shipways("plan", env={"SHIPWAYS_ENGINE": "host"})
    assert 2 == host.out.count("a Dockerfile needs the Dagger engine\n    fix: `--engine dagger`")
    project.file("shipways.lock", "")
    plan = project.shipways("plan", env=containers.env)
    assert (
        "images/run: buildpack-deps:bookworm, docker.io/library/buildpack-deps:bookworm-scm are not locked" in plan.out
    )
    assert "images/web/linux-arm64/docker" not in plan.out.partition("skipped")[2]
    ran = build(project, containers, "builders/greeter")
    assert "buildpack-deps:bookworm is not locked" in ran.err


def test_package_in_an_image_of_its_own(project: Repository, containers: Containers) -> None:
    """It is built once; a change of a file of that image is another build."""
    assert 0 == build(project, containers, "builders/greeter").code
    assert "hello\n" == (project.root / "dist/said.txt").read_text()
    assert [""] == [artifact.get("varies", "") for artifact in artifacts(project)]
    assert "1 steps, 1 of them cached" in build(project, containers, "builders/greeter").err
    project.file("ci/greet", FILES["ci/greet"].replace("hello", "good day"))
    assert 0 == build(project, containers, "builders/greeter").code
    assert "good day\n" == (project.root / "dist/said.txt").read_text()


def test_image_to_build_in_that_fails(project: Repository, containers: Containers) -> None:
    """The Dockerfile is named, not the build."""
    project.file("ci/Dockerfile", "FROM buildpack-deps:bookworm\nRUN echo why not; exit 5\n")
    ran = build(project, containers, "builders/greeter")
    assert 4 == ran.code
    assert "error: ./ci/Dockerfile: `/bin/sh -c echo why not; exit 5` ended with status 5" in ran.err
    assert "why: why not" in ran.err
