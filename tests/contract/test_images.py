"""What every registry does, the public fake included."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from imaging import packed, stacked
from registries import LocalRegistry, local_registry
from shipways.adapters.dockerauth import DockerLogins
from shipways.adapters.process import OsProcess
from shipways.adapters.registry import Registry
from shipways.adapters.registryhttp import RegistryHttp
from shipways.adapters.shell import OsClock, OsShell
from shipways.errors import BuildError, ConfigError, Unavailable
from shipways.model.digest import digest_bytes
from shipways.model.lock import LockedImage
from shipways.model.oci import Descriptor
from shipways.outside.upstream import Images
from shipways.testing.images import Content, MemoryImages
from support import need

LAYER = packed({"etc/motd": b"hello"})
BOTH = {f"linux/{arch}": stacked(LAYER, packed({arch: b"x"}), arch=arch) for arch in ("amd64", "arm64")}


@dataclass(frozen=True)
class Place:
    """A registry under test: how it is asked, the host in its names, and what a test may do to it."""

    images: Images
    host: str
    push: Callable[[str, Mapping[str, Content]], object]
    spoil: Callable[[str], None]
    dead: Images
    """The same kind of registry, where nothing answers."""

    def resolve(self, name: str) -> LockedImage:
        async def ask() -> LockedImage:
            return await self.images.resolve(name)

        return anyio.run(ask)

    def fetch(self, name: str, blob: Descriptor, into: Path) -> bytes:
        anyio.run(self.images.blob, name, blob, into)
        return into.read_bytes()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    need("docker-registry")
    with local_registry(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture(params=["memory", pytest.param("http", marks=pytest.mark.integration)])
def place(request: pytest.FixtureRequest) -> Place:
    """The fake, and the real adapter in front of a real registry."""
    if request.param == "memory":
        memory, dead = MemoryImages(), MemoryImages()
        dead.reachable = False
        return Place(memory, "example.com", memory.push, memory.spoil, dead)
    registry = request.getfixturevalue("running")
    real = Registry(RegistryHttp(DockerLogins(OsProcess(), OsShell()), OsClock()), pauses=(0,))
    return Place(real, registry.host, registry.push, registry.spoil, real)


def test_resolve_names_everything(place: Place) -> None:
    """A name becomes the digest of its index, and for each platform the config and the layers."""
    name = f"{place.host}/base:1"
    place.push(name, BOTH)
    found = place.resolve(name)
    assert name == found.name
    assert ["linux/amd64", "linux/arm64"] == [entry.platform for entry in found.platforms]
    for entry in found.platforms:
        content = BOTH[entry.platform]
        assert digest_bytes(content.config) == entry.config.digest
        assert [(digest_bytes(data), len(data)) for data in content.layers] == [
            (b.digest, b.size) for b in entry.layers
        ]


def test_resolve_follows_a_moved_tag(place: Place) -> None:
    """A tag means what was pushed last; a digest means the same for ever."""
    name = f"{place.host}/moved:1"
    place.push(name, BOTH)
    first = place.resolve(name)
    place.push(name, {"linux/amd64": BOTH["linux/amd64"]})
    assert first.digest != place.resolve(name).digest
    pinned = f"{place.host}/moved@{first.digest}"
    assert first.digest == place.resolve(pinned).digest
    assert first.platforms == place.resolve(pinned).platforms


@pytest.mark.parametrize("missing", ["nothing:1", "known:2", "known@sha256:" + "0" * 64])
def test_resolve_of_nothing(place: Place, missing: str) -> None:
    """An unknown repository, tag or digest is a mistake in the config."""
    place.push(f"{place.host}/known:1", BOTH)
    with pytest.raises(ConfigError, match="no such image"):
        place.resolve(f"{place.host}/{missing}")


def test_blob_arrives(place: Place, tmp_path: Path) -> None:
    """A layer arrives as it was pushed."""
    name = f"{place.host}/blobs:1"
    place.push(name, BOTH)
    wanted = place.resolve(name).platforms[0].layers[0]
    assert LAYER == place.fetch(name, wanted, tmp_path / "blob")


def test_blob_that_is_gone(place: Place, tmp_path: Path) -> None:
    """What a registry does not have any more is unavailable."""
    name = f"{place.host}/gone:1"
    place.push(name, BOTH)
    known = place.resolve(name).platforms[0].layers[0]
    lost = Descriptor(media_type=known.media_type, digest="sha256:" + "1" * 64, size=1)
    with pytest.raises(Unavailable) as caught:
        place.fetch(name, lost, tmp_path / "blob")
    assert "image" == caught.value.kind


def test_spoilt_blob_is_refused(place: Place, tmp_path: Path) -> None:
    """Bytes that do not have the digest are an error, not a skip."""
    name = f"{place.host}/spoilt:1"
    layer = packed({"spoilt": b"soon"})
    place.push(name, {"linux/amd64": stacked(layer)})
    wanted = place.resolve(name).platforms[0].layers[0]
    place.spoil(wanted.digest)
    with pytest.raises(BuildError) as caught:
        place.fetch(name, wanted, tmp_path / "blob")
    assert not isinstance(caught.value, Unavailable)


def test_nothing_answers(place: Place, tmp_path: Path) -> None:
    """No registry: neither a name nor a blob can be had, and both say so in the same way."""
    name, blob = "127.0.0.1:1/x:1", Descriptor(media_type="x/y", digest="sha256:" + "1" * 64, size=1)
    with pytest.raises(Unavailable):
        anyio.run(place.dead.resolve, name)
    with pytest.raises(Unavailable):
        anyio.run(place.dead.blob, name, blob, tmp_path / "blob")
