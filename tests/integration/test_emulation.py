"""RUN lines for another architecture than this machine's, which the kernel hands to qemu (binfmt_misc)."""

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from engines import Containers, tiny
from sandbox import Repository, commanded
from support import missing

pytestmark = [pytest.mark.integration, pytest.mark.long]

BOTH = "docker.io/library/both:1"
CONFIG = f"""{commanded("true", outputs="x")}
[image.web]
package = "hello"
dockerfile = "Dockerfile"
docker_archive = false
"""


@pytest.fixture
def project(repository: Repository, containers: Containers, pytestconfig: pytest.Config) -> Repository:
    """A project with a Dockerfile upon an image of two platforms."""
    if not Path("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists():
        missing("binfmt", "the kernel has no emulator for arm64: `update-binfmts --enable qemu-aarch64`")
    assert pytestconfig.cache
    kept = pytestconfig.cache.mkdir("images")
    containers.registry.push(BOTH, {f"linux/{arch}": tiny(kept, arch) for arch in ("amd64", "arm64")})
    repository.file("shipways.toml", CONFIG)
    repository.file(".gitignore", "/dist/\n")
    repository.file("Dockerfile", f"FROM {BOTH}\nRUN uname -m > /machine\n")
    ran = repository.shipways("lock", env=containers.env)
    assert 0 == ran.code, ran.err
    return repository.commit()


def machines(layout: Path) -> Mapping[str, str]:
    """What /machine says in the image of each architecture."""
    blobs = layout / "blobs" / "sha256"

    def document(digest: str) -> dict[str, list[dict[str, str]]]:
        return dict(json.loads((blobs / digest.removeprefix("sha256:")).read_text()))

    index = document(json.loads((layout / "index.json").read_text())["manifests"][0]["digest"])
    found = {}
    for entry in index["manifests"]:
        last = document(entry["digest"])["layers"][-1]["digest"]
        with tarfile.open(blobs / last.removeprefix("sha256:")) as tar:
            text = tar.extractfile("machine")
            assert text
            found[entry["platform"]["architecture"]] = text.read().decode().strip()  # type: ignore[index]
    return found


def test_run_lines(project: Repository, containers: Containers) -> None:
    """Each platform runs its own programs."""
    ran = project.shipways("build", "--step", "images/web", env=containers.env)
    assert 0 == ran.code, ran.err
    assert {"amd64": "x86_64", "arm64": "aarch64"} == machines(project.root / "dist" / "images" / "web")


def test_run_line_that_fails_on_one(project: Repository, containers: Containers) -> None:
    """The error names the platform."""
    project.file("Dockerfile", f'FROM {BOTH}\nRUN [ "$(uname -m)" = x86_64 ] || exit 9\n')
    project.commit()
    ran = project.shipways("build", "--step", "images/web", env=containers.env)
    assert (4, True) == (ran.code, "for linux/arm64 ended with status 9" in ran.err), ran.err
    assert "for linux/amd64" not in ran.err
