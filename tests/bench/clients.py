"""`python clients.py PLACE SIDE ADDRESS FOLDER`: sends the files of a folder somewhere, and prints the seconds it took.

SIDE is `ours`, what a release does, or `raw`: the requests that carry the bytes, by the same HTTP library, as many at
once, and nothing besides.
"""

import contextlib
import hashlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import httpx

from places import REPOSITORY, TOKEN, api
from shipways.adapters import web
from shipways.adapters.dockerauth import DockerLogins
from shipways.adapters.github import GithubForge
from shipways.adapters.process import OsProcess
from shipways.adapters.registryhttp import RegistryHttp
from shipways.adapters.registrypush import PushRegistries
from shipways.adapters.s3 import S3Bucket
from shipways.adapters.shell import OsClock, OsShell
from shipways.config.manifestfile import FILE_NAME, manifest_text
from shipways.config.publish import FilesTable
from shipways.model.digest import canonical
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry
from shipways.model.oci import CONFIG, INDEX, LAYER_GZIP, MANIFEST
from shipways.model.secret import Secret
from shipways.publish.files import FilesChannel
from shipways.publish.github import GithubChannel
from shipways.run.reconciler import WIDTH, Around, converge
from shipways.tasks import together
from shipways.testing.console import RecordingConsole
from shipways.testing.doors import CLOSED
from support import sealed

REGISTRY_WIDTH = 6
"""As many as the adapter sends at once."""


def files(folder: Path) -> list[Path]:
    """What is to be sent."""
    return sorted(folder.glob("*.bin"))


def digest(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def release(folder: Path) -> Manifest:
    """A release of the files."""
    entries = [
        ArtifactEntry(path=path.name, kind="archive", digest=digest(path), size=path.stat().st_size)
        for path in files(folder)
    ]
    made = sealed(PackageEntry(name="demo", version="1.0.0", tag="v1.0.0"), artifacts=entries, project="demo")
    (folder / FILE_NAME).write_text(manifest_text(made))
    return made


@contextlib.asynccontextmanager
async def github(url: str) -> AsyncIterator[tuple[GithubForge, httpx.AsyncClient]]:
    """The adapter, and the client that sends for it."""
    async with web.client(api(url)) as http:
        adapter = GithubForge(api(url), REPOSITORY, Secret(TOKEN), http, OsClock())
        with contextlib.closing(adapter):
            yield adapter, http


async def forge_ours(url: str, folder: Path) -> float:
    """The whole release, until it is public."""
    made = release(folder)
    channel = GithubChannel(
        repository=REPOSITORY, commit=made.commit, notes=(("v1.0.0", "x"),), patterns=("v{version}",)
    )
    async with github(url) as (adapter, _):
        outside = replace(CLOSED, artifact=lambda path: folder / path, forge=lambda *_: adapter)
        around = Around(outside=outside, console=RecordingConsole(), clock=OsClock())
        begin = time.perf_counter()
        outcome = await converge([channel], made, around)
        seconds = time.perf_counter() - begin
        if error := outcome.error():
            raise error
        for each in await adapter.releases(("v1.0.0",)):
            await adapter.delete(each)
    return seconds


async def forge_raw(url: str, folder: Path) -> float:
    """Only the uploads."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/octet-stream"}
    async with github(url) as (_, http):
        said = {"tag_name": "raw", "draft": True}
        made = (await http.post(f"{api(url)}/repos/{REPOSITORY}/releases", json=said, headers=headers)).json()
        place = made["upload_url"].partition("{")[0]

        async def post(path: Path) -> None:
            size = path.stat().st_size
            answer = await http.post(
                place,
                params={"name": path.name},
                headers={**headers, "Content-Length": str(size)},
                content=web.pieces(path, 0, size),
            )
            answer.raise_for_status()

        begin = time.perf_counter()
        await together((partial(post, path) for path in files(folder)), width=WIDTH)
        seconds = time.perf_counter() - begin
        await http.delete(made["url"], headers=headers)
    return seconds


def layout(folder: Path) -> tuple[str, Mapping[str, Path]]:
    """The digest of an image of one layer a file, and where its blobs lie."""
    blobs = {digest(path): path for path in files(folder)}

    def add(said: object) -> dict[str, object]:
        data = canonical(said)
        name = f"sha256:{hashlib.sha256(data).hexdigest()}"
        blobs[name] = folder / name.removeprefix("sha256:")
        blobs[name].write_bytes(data)
        return {"digest": name, "size": len(data)}

    layers = [{"mediaType": LAYER_GZIP, "digest": name, "size": path.stat().st_size} for name, path in blobs.items()]
    config = {"mediaType": CONFIG, **add({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers"}})}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
    platform = {"os": "linux", "architecture": "amd64"}
    child = {"mediaType": MANIFEST, **add(manifest), "platform": platform}
    index = add({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]})
    return str(index["digest"]), blobs


async def registry_ours(name: str, folder: Path) -> float:
    """An image with a layer a file, as it is pushed in a release."""
    index, blobs = layout(folder)
    registries = PushRegistries(RegistryHttp(DockerLogins(OsProcess(), OsShell()), OsClock()))
    begin = time.perf_counter()
    await registries.push(f"{name}@{index}", blobs.__getitem__)
    return time.perf_counter() - begin


async def registry_raw(name: str, folder: Path) -> float:
    """POST and PUT for each layer."""
    host, _, repository = name.partition("/")
    names = [(path, digest(path)) for path in files(folder)]
    async with web.client(f"http://{host}/v2/{repository}/") as http:

        async def put(path: Path, named: str) -> None:
            size = path.stat().st_size
            begun = await http.post("blobs/uploads/")
            place = httpx.URL(begun.headers["Location"]).copy_merge_params({"digest": named})
            answer = await http.put(place, content=web.pieces(path, 0, size), headers={"Content-Length": str(size)})
            answer.raise_for_status()

        begin = time.perf_counter()
        await together((partial(put, path, named) for path, named in names), width=REGISTRY_WIDTH)
        return time.perf_counter() - begin


async def bucket_ours(address: str, folder: Path) -> float:
    """The whole release, to `ENDPOINT s3://BUCKET`."""
    endpoint, _, place = address.partition(" ")
    table = FilesTable(folder=place, endpoint=endpoint, region="us-east-1")
    made, bucket = release(folder), S3Bucket(table, OsClock())
    outside = replace(CLOSED, artifact=lambda path: folder / path, bucket=lambda _: bucket)
    around = Around(outside=outside, console=RecordingConsole(), clock=OsClock())
    begin = time.perf_counter()
    outcome = await converge([FilesChannel(table=table, project="bench")], made, around)
    if error := outcome.error():
        raise error
    return time.perf_counter() - begin


SIDES: Mapping[tuple[str, str], Callable[[str, Path], Awaitable[float]]] = {
    ("forge", "ours"): forge_ours,
    ("forge", "raw"): forge_raw,
    ("registry", "ours"): registry_ours,
    ("registry", "raw"): registry_raw,
    ("bucket", "ours"): bucket_ours,
}


def main(argv: Sequence[str]) -> None:
    """Send, and say how long it took."""
    place, side, address, folder = argv
    sys.stdout.write(f"{anyio.run(SIDES[place, side], address, Path(folder)):.4f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
