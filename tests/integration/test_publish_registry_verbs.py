"""Images that users release: `release --publish` and `verify` in front of a real registry."""

from collections.abc import Iterator

import pytest

from programs import smallest
from registries import LocalRegistry, local_registry, skopeo
from sandbox import Repository
from support import need

pytestmark = pytest.mark.integration

CONFIG = """
[project]
name = "pulse"
source_archive = false

[package.pulse]
build = "prebuilt"
version = "1.0.0"
sbom = false

[package.pulse.prebuilt.files]
x86_64-unknown-linux-musl = "bin/amd64/pulse"
aarch64-unknown-linux-gnu = "bin/arm64/pulse"

[image.pulse]
package = "pulse"
repositories = ["HOST/team/pulse"]

[publish.registry]
moving = ["latest", "{major}"]
"""
MACHINES = {"amd64": 62, "arm64": 183}
"""e_machine (ELF-64 Object File Format, figure 4, and its registry of machines)."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    need("docker-registry")
    with local_registry(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture
def project(repository: Repository, registry: LocalRegistry) -> Repository:
    """A program for two platforms, and its image."""
    for name, machine in MACHINES.items():
        place = repository.root / "bin" / name / "pulse"
        place.parent.mkdir(parents=True)
        place.write_bytes(smallest(machine))
        place.chmod(0o755)
    repository.file("shipways.toml", CONFIG.replace("HOST", registry.host))
    repository.file(".gitignore", "/dist/\n")
    repository.commit().git("tag", "v1.0.0")
    return repository


def test_release_and_verify(project: Repository, registry: LocalRegistry) -> None:
    """The image is there under its tags; again nothing is done; `verify` sees it, and what somebody has changed."""
    ran = project.shipways("release", "--dry-run", "--publish")
    assert (0, True) == (ran.code, "4 to do" in ran.err), ran.err
    ran = project.shipways("release", "--publish")
    assert (0, True) == (ran.code, "4 applied" in ran.err), ran.err
    name = f"docker://{registry.host}/team/pulse"
    assert '"Architecture": "amd64"' in skopeo("inspect", "--tls-verify=false", f"{name}:latest")
    ran = project.shipways("release", "--publish")
    assert (0, True) == (ran.code, "4 there" in ran.err), ran.err
    assert 0 == project.shipways("verify").code
    plain = ("--src-tls-verify=false", "--dest-tls-verify=false")
    skopeo("copy", "--format=v2s2", *plain, f"{name}:latest", f"{name}:1.0.0")
    ran = project.shipways("verify")
    assert (7, True) == (ran.code, "team/pulse:1.0.0: sha256:" in ran.err), ran.err
    assert 6 == project.shipways("release", "--publish").code
