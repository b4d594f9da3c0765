"""Images that are published to registries: first, again, the next over the first, and what is there already."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from registries import LocalRegistry, local_registry, skopeo
from shipping import Release, Run, release, states
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.oci import OciRegistry
from shipways.rehearse.serving import served
from support import need

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Released:
    """Three versions, made once."""

    first: Release
    second: Release
    prerelease: Release


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Released:
    root = tmp_path_factory.mktemp("made")
    return Released(*(release(root, version, sbom=True) for version in ("1.2.3", "1.3.0", "2.0.0-rc.1")))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    need("docker-registry")
    with local_registry(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(OciRegistry(tmp_path_factory.mktemp("oci")).app) as url:
        yield url.removeprefix("http://")


@pytest.fixture(params=["docker-registry", "stand-in"])
def host(request: pytest.FixtureRequest) -> str:
    """Each registry in turn."""
    if request.param == "stand-in":
        return str(request.getfixturevalue("stand_in"))
    return str(request.getfixturevalue("real").host)


def tag(host: str, name: str) -> str:
    """The digest that a tag stands for; empty when there is none."""
    repository, _, version = name.partition(":")
    accept = {"Accept": "application/vnd.oci.image.index.v1+json"}
    answer = httpx.head(f"http://{host}/v2/{repository}/manifests/{version}", headers=accept, trust_env=False)
    return answer.headers.get("Docker-Content-Digest", "")


def test_release_and_again(host: str, made: Released) -> None:
    """Everything is there after the first run; the second one, and `verify`, find it so."""
    run = Run((f"{host}/a/pulse", f"{host}/b/pulse"))
    assert ["applied"] * 12 == states(run(made.first))
    for name in (f"{which}/pulse:{version}" for which in "ab" for version in ("1.2.3", "latest", "1", "1.2")):
        assert made.first.index.digest == tag(host, name)
    assert ["there"] * 12 == states(run(made.first))
    assert ["there"] * 12 == states(run(made.first, apply=False))


def test_second_release(host: str, made: Released) -> None:
    """What moves goes on; publishing the older one again moves nothing back; a pre-release has its own tag only."""
    run = Run((f"{host}/second/pulse",))
    run(made.first)
    assert ["applied"] * 6 == states(run(made.second))
    assert ["there", "there", "there", "kept", "kept", "there"] == states(run(made.first))
    assert ["applied"] * 3 == states(run(made.prerelease))
    newest, oldest = made.second.index.digest, made.first.index.digest
    assert {"latest": newest, "1": newest, "1.3": newest, "1.2": oldest, "1.2.3": oldest} == {
        version: tag(host, f"second/pulse:{version}") for version in ("latest", "1", "1.3", "1.2", "1.2.3")
    }


def test_conflict(host: str, made: Released) -> None:
    """Another image under the tag of the version stays, and stops what moves after it."""
    repository = f"{host}/conflict/pulse"
    Run((repository,), moving=())(made.first)
    skopeo("copy", "--all", *PLAIN, f"docker://{repository}:1.2.3", f"docker://{repository}:1.3.0")
    outcome = Run((repository,))(made.second)
    assert ["applied", "applied", "conflict", "waits", "waits", "waits"] == states(outcome)
    assert made.first.index.digest == tag(host, "conflict/pulse:1.3.0")


PLAIN = ("--src-tls-verify=false", "--dest-tls-verify=false")


def test_skopeo(host: str, made: Released, tmp_path: Path) -> None:
    """Users' tools read what was pushed, whole; and what they push in front of us is not sent again."""
    Run((f"{host}/skopeo/pulse",))(made.first)
    skopeo("copy", "--all", *PLAIN, f"docker://{host}/skopeo/pulse:latest", f"oci:{tmp_path}/copy:1")
    found = {f"sha256:{path.name}" for path in (tmp_path / "copy" / "blobs" / "sha256").iterdir()}
    assert made.first.blobs <= found
    assert made.first.index.digest in found
    skopeo("copy", "--all", *PLAIN, f"oci:{tmp_path}/copy:1", f"docker://{host}/skopeo/other:1.2.3")
    assert ["there", "applied", "there", "applied"] == states(Run((f"{host}/skopeo/other",), moving=("x",))(made.first))
    assert '"Tags": [' in skopeo("list-tags", "--tls-verify=false", f"docker://{host}/skopeo/other")


def test_only_heads(tmp_path: Path) -> None:
    """An unchanged image costs a HEAD for each thing, and nothing else."""
    made, traffic = release(tmp_path), Traffic()
    (tmp_path / "oci").mkdir()
    with served(Faulty(OciRegistry(tmp_path / "oci").app, lambda *_: Fault.NONE, traffic)) as url:
        run = Run((f"{url.removeprefix('http://')}/pulse",))
        run(made)
        traffic.requests.clear()
        run(made)
    assert {"HEAD": 5} == traffic.methods()


def test_mount(tmp_path: Path, made: Released) -> None:
    """The second repository of a registry takes the blobs of the first, and is sent none of the image."""
    (tmp_path / "oci").mkdir()
    app = OciRegistry(tmp_path / "oci")
    with served(app.app) as url:
        host = url.removeprefix("http://")
        Run((f"{host}/first", f"{host}/second"))(made.first)
    assert made.first.blobs == {digest for what, name, digest in app.log if (what, name) == ("mount", "second")}
    assert not made.first.blobs & {digest for what, name, digest in app.log if (what, name) == ("blob", "second")}


def test_lost_blob_of_a_stage(tmp_path: Path, made: Released) -> None:
    """An image that is gone is put there again, while its tag stays."""
    (tmp_path / "oci").mkdir()
    app = OciRegistry(tmp_path / "oci")
    with served(app.app) as url:
        run = Run((f"{url.removeprefix('http://')}/pulse",))
        run(made.first)
        for stored in app.repositories.values():
            stored.manifests.pop(made.first.index.digest)
        assert "to do" in states(run(made.first, apply=False))
        assert {"applied", "there"} == set(states(run(made.first)))
        assert {"there"} == set(states(run(made.first)))
