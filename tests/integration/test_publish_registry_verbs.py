"""Images that users release: `release --publish` and `verify` in front of a real registry."""

import struct
from collections.abc import Iterator

import pytest

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


def program(machine: int) -> bytes:
    """The smallest static program: a header, and one segment that holds all of it."""
    start, size = 0x400078, 0x80
    header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 0x1000)
    return b"\x7fELF\x02\x01\x01" + bytes(9) + header + segment + bytes(8)


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
        place.write_bytes(program(machine))
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
