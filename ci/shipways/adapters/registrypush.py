"""Image registries, to push to (OCI distribution-spec 1.1, "Push")."""

from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
import httpx
from anyio import to_thread

from shipways.adapters import web
from shipways.adapters.registryhttp import RegistryHttp, RegistrySession
from shipways.adapters.registryupload import Uploads
from shipways.errors import Moved, Problem, Unfinished
from shipways.model.digest import digest_bytes
from shipways.model.oci import INDEX, MANIFEST, Descriptor, parse_reference
from shipways.outside.registries import Attachment
from shipways.pack.manifests import ACCEPTED, read_index, read_manifest
from shipways.pack.referrers import (
    EMPTY,
    EMPTY_DATA,
    fallback_tag,
    listed,
    media_type,
    referrer,
    relisted,
    titled,
    version_in,
)
from shipways.tasks import together

_T = TypeVar("_T")
_WIDTH: Final = 6
"""How many requests of an image are on the way at once."""


class PushRegistries:
    """The `Registries` port."""

    def __init__(self, http: RegistryHttp, uploads: Uploads | None = None) -> None:
        self._http = http
        self._uploads = uploads or Uploads()
        self._turns: dict[tuple[str, str], anyio.Lock] = {}

    async def digests(self, names: Collection[str]) -> Mapping[str, str]:
        """What names stand for, of those that are there."""
        return {name: digest for name, digest in (await self._each(names, _digest)).items() if digest}

    async def versions(self, names: Collection[str]) -> Mapping[str, str]:
        """The version that the annotations of each index or manifest tell; empty when they do not."""

        async def ask(http: RegistrySession, version: str) -> str:
            return version_in(await http.document(f"manifests/{version}", ACCEPTED) or b"")

        return await self._each(names, ask)

    async def attached(self, names: Collection[str]) -> Mapping[str, Collection[str]]:
        """By the registry's list, else by the tag in its place (distribution-spec, "Listing Referrers")."""

        async def ask(http: RegistrySession, digest: str) -> Collection[str]:
            return listed(await _referrers(http, digest))

        return await self._each(names, ask)

    async def files(self, name: str, media_type: str) -> Sequence[tuple[str, bytes]]:
        """One after the other: there are few of a kind."""
        found = []
        async with self._session(name) as http:
            for digest in listed(await _referrers(http, parse_reference(name).digest), media_type):
                for title, blob in titled(await http.document(f"manifests/{digest}", MANIFEST) or b""):
                    found.append((title, await http.document(f"blobs/{blob}", "*/*") or b""))
        return found

    async def pushable(self, name: str) -> None:
        """By an upload that is begun and given up. It ends by itself where a registry does not let it be given up."""
        async with self._session(name) as http:
            begun = await http.ask("POST", "blobs/uploads/")
            place = begun.url.join(begun.headers.get("Location", ""))
            with suppress(Unfinished):
                await http.ask("DELETE", str(place))

    async def push(self, name: str, blob: Callable[[str], Path], *, near: str = "") -> None:
        """Send an image by digest, what it is made of first."""
        digest = parse_reference(name).digest
        index = await _read(blob(digest))
        children = [child.digest for child in (read_index(name, index) or {}).values()]
        manifests = {child: await _read(blob(child)) for child in children}
        blobs = {part.digest: part for data in manifests.values() for part in _parts(name, data)}
        beside = parse_reference(near).repository if near else ""
        async with self._session(name, beside) as http:
            send = partial(self._uploads.send, http, near=beside)
            await together((partial(send, part, blob(part.digest)) for part in blobs.values()), width=_WIDTH)
            await together((partial(_put, http, child, data) for child, data in manifests.items()), width=_WIDTH)
            await _put(http, digest, index)

    async def tag(self, name: str, source: Path, *, seen: str) -> None:
        """Let a tag stand for an index that is there. The protocol has no condition, so it looks just before."""
        tag = parse_reference(name).tag
        async with self._session(name) as http:
            if await _digest(http, tag) != seen:
                raise Moved(Problem(path=name, what="has changed since it was looked at"))
            await _put(http, tag, await _read(source))

    async def attach(self, name: str, attachment: Attachment) -> None:
        """Send the file and the manifest that attaches it; list it, where the registry does not do that itself."""
        to, source, title = parse_reference(name).digest, attachment.source, attachment.title
        data = source if isinstance(source, bytes) else await _read(source)
        blob = _described(attachment.media_type, data)
        async with self._session(name) as http:
            about = await http.document(f"manifests/{to}", ACCEPTED) or b""
            manifest = referrer(_described(media_type(about), about), blob, title)
            digest = digest_bytes(manifest)
            if digest_bytes(about) != to or digest != (attachment.digest or digest):
                why = f"it, or {name}, is not what the manifest of this release says"
                raise Unfinished(Problem(path=title, what="cannot be attached", why=why))
            await self._uploads.send(http, EMPTY, EMPTY_DATA)
            await self._uploads.send(http, blob, data)
            # One at a time: the list is read and written, and docker-registry writes a manifest anew while it reads it.
            async with self._turns.setdefault((http.name, to), anyio.Lock()):
                answer = await _put(http, digest, manifest)
                if "OCI-Subject" not in answer.headers:
                    await _list(http, fallback_tag(to), manifest, attachment.media_type)

    async def fetch(self, name: str, into: Path, *, blob: str = "") -> None:
        """As it is stored."""
        meant = parse_reference(name)
        path, accept = (f"blobs/{blob}", {}) if blob else (f"manifests/{meant.version}", {"Accept": ACCEPTED})
        async with self._http.session(meant) as http, http.stream("GET", path, accept, allowed={404}) as response:
            if response.status_code == 404:
                raise Moved(Problem(path=f"{name} {blob}".strip(), what="is not there any more"))
            await web.save(response, into)

    async def _each(
        self, names: Collection[str], ask: Callable[[RegistrySession, str], Coroutine[Any, Any, _T]]
    ) -> dict[str, _T]:
        """The answer for each name, by one client for each repository."""
        found: dict[str, _T] = {}
        by_repository: dict[tuple[str, str], list[str]] = {}
        for name in names:
            meant = parse_reference(name)
            by_repository.setdefault((meant.host, meant.repository), []).append(name)

        async def note(http: RegistrySession, name: str) -> None:
            found[name] = await ask(http, parse_reference(name).version)

        async def visit(mine: Sequence[str]) -> None:
            async with self._session(mine[0]) as http:
                await together((partial(note, http, name) for name in mine), width=_WIDTH)

        await together((partial(visit, mine) for mine in by_repository.values()), width=_WIDTH)
        return found

    @asynccontextmanager
    async def _session(self, name: str, near: str = "") -> AsyncIterator[RegistrySession]:
        try:
            async with self._http.session(parse_reference(name), push=True, near=near) as http:
                yield http
        except OSError as error:
            path = str(error.filename or name)
            raise Unfinished(Problem(path=path, what="cannot be read", why=error.strerror or str(error))) from None


async def _digest(http: RegistrySession, version: str) -> str:
    """What a tag or digest stands for; empty where nothing is."""
    answer = await http.ask("HEAD", f"manifests/{version}", {"Accept": ACCEPTED}, allowed={404})
    if answer.status_code == 404:
        return ""
    if told := answer.headers.get("Docker-Content-Digest"):
        return str(told)
    data = await http.document(f"manifests/{version}", ACCEPTED)
    return "" if data is None else digest_bytes(data)


async def _referrers(http: RegistrySession, digest: str) -> bytes:
    data = await http.document(f"referrers/{digest}", INDEX)
    return data if data is not None else await http.document(f"manifests/{fallback_tag(digest)}", INDEX) or b""


async def _put(http: RegistrySession, version: str, data: bytes) -> httpx.Response:
    return await http.ask("PUT", f"manifests/{version}", {"Content-Type": media_type(data)}, data)


def _described(kind: str, data: bytes) -> Descriptor:
    return Descriptor(media_type=kind, digest=digest_bytes(data), size=len(data))


async def _list(http: RegistrySession, tag: str, manifest: bytes, artifact_type: str) -> None:
    """Add to the list under a tag (distribution-spec, "Referrers Tag Schema")."""
    before = await http.document(f"manifests/{tag}", INDEX)
    await _put(http, tag, relisted(before or b"", manifest, artifact_type))


async def _read(path: Path) -> bytes:
    return await to_thread.run_sync(path.read_bytes)


def _parts(name: str, manifest: bytes) -> Iterator[Descriptor]:
    config, layers = read_manifest(name, manifest)
    yield config
    yield from layers
