"""What every registry does that images are pushed to: the real one of Debian, and the stand-in in two kinds."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from imaging import packed, stacked
from registries import local_registry
from shipping import Run
from shipways.adapters.registrypush import PushRegistries
from shipways.adapters.registryupload import Uploads
from shipways.errors import Moved, Unfinished
from shipways.model.digest import digest_bytes
from shipways.model.oci import INDEX, Descriptor
from shipways.outside.registries import Attachment
from shipways.pack.referrers import referrer
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.oci import OciRegistry
from shipways.rehearse.serving import served
from shipways.testing.images import Content, documents
from support import need

pytestmark = pytest.mark.integration

BOTH = {f"linux/{arch}": stacked(packed({arch: b"x" * 70_000}), arch=arch) for arch in ("amd64", "arm64")}
ONE = {"linux/amd64": BOTH["linux/amd64"]}


@dataclass(frozen=True)
class Place:
    """A registry under test, and the adapter in front of it."""

    host: str
    folder: Path

    def registries(self, uploads: Uploads | None = None) -> PushRegistries:
        return Run((), uploads=uploads or Uploads()).registries()

    def layout(self, platforms: Mapping[str, Content]) -> tuple[str, Callable[[str], Path]]:
        """The digest of an image's index, and where its blobs lie."""
        every = [*documents(platforms), *(data for c in platforms.values() for data in (c.config, *c.layers))]
        for data in every:
            (self.folder / digest_bytes(data)[7:]).write_bytes(data)
        return digest_bytes(documents(platforms)[-1]), lambda digest: self.folder / digest[7:]


@pytest.fixture(scope="module", params=["docker-registry", "stand-in", "stand-in without lists"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host of each registry in turn."""
    folder = tmp_path_factory.mktemp("registry")
    if request.param == "docker-registry":
        need("docker-registry")
        with local_registry(folder) as real:
            yield real.host
    else:
        with served(OciRegistry(folder, referrers=request.param == "stand-in").app) as url:
            yield url.removeprefix("http://")


@pytest.fixture
def place(running: str, tmp_path: Path) -> Place:
    return Place(running, tmp_path)


def test_nothing_is_there(place: Place) -> None:
    """An unknown repository, tag or digest stands for nothing, and has nothing attached."""
    registries = place.registries()
    name, digest = f"{place.host}/nothing:1", f"{place.host}/nothing@sha256:{'0' * 64}"
    assert {} == anyio.run(registries.digests, (name, digest))
    assert {name: ""} == anyio.run(registries.versions, (name,))
    assert {digest: ()} == anyio.run(registries.attached, (digest,))


def test_push_and_tag(place: Place) -> None:
    """An image is there by its digest, then by its tag; both stand for the same."""
    registries, (digest, blob) = place.registries(), place.layout(BOTH)
    image, tag = f"{place.host}/pushed@{digest}", f"{place.host}/pushed:1"

    async def main() -> None:
        await registries.push(image, blob)
        assert {image: digest} == await registries.digests((image, tag))
        await registries.tag(tag, blob(digest), seen="")
        assert {image: digest, tag: digest} == await registries.digests((image, tag))

    anyio.run(main)


def test_tag_that_moved(place: Place) -> None:
    """A tag that stands for something else than was seen stays as it is."""
    registries, (digest, blob), (other, _) = place.registries(), place.layout(BOTH), place.layout(ONE)
    name = f"{place.host}/moved"

    async def main() -> None:
        await registries.push(f"{name}@{digest}", blob)
        await registries.push(f"{name}@{other}", blob)
        await registries.tag(f"{name}:1", blob(digest), seen="")
        with pytest.raises(Moved):
            await registries.tag(f"{name}:1", blob(other), seen="")
        await registries.tag(f"{name}:1", blob(other), seen=digest)
        assert {f"{name}:1": other} == await registries.digests((f"{name}:1",))

    anyio.run(main)


def test_push_near(place: Place) -> None:
    """What a repository beside has, or does not have after all, arrives."""
    registries, (digest, blob) = place.registries(), place.layout(BOTH)

    async def main() -> Mapping[str, str]:
        await registries.push(f"{place.host}/first@{digest}", blob)
        await registries.push(f"{place.host}/second@{digest}", blob, near=f"{place.host}/first@{digest}")
        await registries.push(f"{place.host}/third@{digest}", blob, near=f"{place.host}/empty@{digest}")
        return await registries.digests([f"{place.host}/{name}@{digest}" for name in ("second", "third")])

    assert 2 == len(anyio.run(main))


def test_chunks(place: Place) -> None:
    """A large blob arrives in chunks, also where its size is a multiple of theirs."""
    for number, size in enumerate((20_000, 20_001, 60_000)):
        data = bytes([number]) * size
        content = {"linux/amd64": Content(config=BOTH["linux/amd64"].config, layers=(data,))}
        digest, blob = place.layout(content)
        registries = place.registries(Uploads(whole=10_000, chunk=10_000))
        name = f"{place.host}/chunks@{digest}"
        anyio.run(registries.push, name, blob)
        assert {name: digest} == anyio.run(registries.digests, (name,))


def test_attach(place: Place) -> None:
    """Two files are attached to one image at the same time, each once, however often."""
    registries, (digest, blob) = place.registries(), place.layout(BOTH)
    name, files = f"{place.host}/attached@{digest}", []
    subject = Descriptor(media_type=INDEX, digest=digest, size=blob(digest).stat().st_size)
    for text in ("one", "two"):
        source = place.folder / f"{text}.json"
        source.write_text(text)
        described = Descriptor(media_type="text/json", digest=digest_bytes(text.encode()), size=3)
        manifest = digest_bytes(referrer(subject, described, source.name))
        files.append(Attachment(title=source.name, source=source, media_type="text/json", digest=manifest))

    async def main() -> None:
        await registries.push(name, blob)
        for _ in range(2):
            async with anyio.create_task_group() as group:
                for file in files:
                    group.start_soon(registries.attach, name, file)
        found = (await registries.attached((name,)))[name]
        assert sorted(file.digest for file in files) == sorted(found)
        told = [("one.json", b"one"), ("two.json", b"two")]
        assert told == sorted(await registries.files(name, "text/json"))
        assert [] == await registries.files(name, "text/plain")

    anyio.run(main)


def test_attach_what_is_not_meant(place: Place) -> None:
    """A file that is not what the manifest says is not attached, and none to what is not there."""
    registries, (digest, blob) = place.registries(), place.layout(BOTH)
    name, source = f"{place.host}/wrong@{digest}", place.folder / "file"
    source.write_text("other")

    async def main() -> None:
        await registries.push(name, blob)
        with pytest.raises(Unfinished, match="cannot be attached"):
            await registries.attach(name, Attachment(title="a", source=source, media_type="a/b", digest="sha256:0"))
        absent = f"{place.host}/wrong@{digest_bytes(b'absent')}"
        with pytest.raises(Unfinished, match="cannot be attached"):
            await registries.attach(absent, Attachment(title="a", source=b"a", media_type="a/b"))

    anyio.run(main)


def test_blob_that_is_lost_here(place: Place) -> None:
    """A file that is gone is told by its path."""
    digest, blob = place.layout(BOTH)
    layer = blob(digest_bytes(BOTH["linux/amd64"].layers[0]))
    layer.unlink()
    with pytest.raises(Unfinished, match=f"{layer.name}: cannot be read"):
        anyio.run(place.registries().push, f"{place.host}/lost@{digest}", blob)


DATA = bytes(range(256)) * 400
CHUNK = 10_000


@contextmanager
def large(tmp_path: Path, fault: Callable[[int], Fault], **how: object) -> Iterator[tuple["Large", Traffic]]:
    """A stand-in that fails at the n-th chunk as it is told to."""
    (tmp_path / "registry").mkdir()
    app, traffic = OciRegistry(tmp_path / "registry", **how), Traffic()

    def choose(method: str, path: str) -> Fault:
        return fault(traffic.methods()["PATCH"]) if method == "PATCH" else Fault.NONE

    with served(Faulty(app.app, choose, traffic)) as url:
        yield Large(app, url.removeprefix("http://"), tmp_path), traffic


@dataclass(frozen=True)
class Large:
    """A large blob, and where it goes."""

    app: OciRegistry
    host: str
    folder: Path

    def push(self, times: int) -> None:
        """As a run does that tries again."""
        place = Place(self.host, self.folder)
        registries = place.registries(Uploads(whole=CHUNK, chunk=CHUNK))
        digest, blob = place.layout({"linux/amd64": Content(config=BOTH["linux/amd64"].config, layers=(DATA,))})

        async def main() -> None:
            for _ in range(times - 1):
                with pytest.raises(Unfinished):
                    await registries.push(f"{self.host}/large@{digest}", blob)
            await registries.push(f"{self.host}/large@{digest}", blob)

        anyio.run(main)
        assert DATA == self.app.path(digest_bytes(DATA)).read_bytes()


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT])
def test_broken_upload_goes_on(tmp_path: Path, fault: Fault) -> None:
    """After the fifth of eleven chunks failed, the ones before are not sent again."""
    with large(tmp_path, lambda n: fault if n == 5 else Fault.NONE) as (one, traffic):
        one.push(times=2)
    done = fault in (Fault.ERROR_AFTER, Fault.LOST)
    assert 10 + (not done) == traffic.methods()["PATCH"]
    assert 1 == len([request for request in traffic.requests if request[0] == "GET"])


def test_registry_that_takes_no_chunks(tmp_path: Path) -> None:
    """Where a chunk is too large, the blob is sent in one piece."""
    with large(tmp_path, lambda _: Fault.NONE, limit=1000) as (one, traffic):
        one.push(times=1)
    assert 1 == traffic.methods()["PATCH"]
