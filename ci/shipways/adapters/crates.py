"""A registry of crates over HTTP: its sparse index is read, its web API takes uploads (Cargo Book, "Registries")."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import anyio
import httpx
from anyio import to_thread

from shipways.adapters import web
from shipways.adapters.cratetokens import CrateTokens
from shipways.errors import Moved, Problem, Transient, Unfinished
from shipways.model.item import Seen
from shipways.model.pace import Bucket, Limit
from shipways.outside.crates import CRATES_IO
from shipways.pack.crate import PackedCrate, index_path, read_crate, upload_metadata
from shipways.ports import Clock
from shipways.tasks import together

_PATIENCE: Final = 60.0
"""Seconds in which an index shows what was uploaded; cargo waits as long."""
_NONE: Final = frozenset({404, 410, 451})
"""Statuses of an index file that is not there (Cargo Book, "Sparse Protocol", "Nonexistent crates")."""
_THERE: Final = ("already uploaded", "already exists")
"""What registries say of a version that they have: crates.io, and others."""


class Addresses(Protocol):
    """Knows where registries are."""

    async def index(self, registry: str) -> str:
        """The address of the sparse index, with `sparse+`. Raises Unfinished."""
        ...

    async def crates_io(self, index: str) -> str:
        """What cargo calls crates.io, for the registry with this index; empty when that is crates.io itself."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What config.json of an index says. `index` has `sparse+`; `api` is empty where nothing can be published.

    `private`: a token is needed for downloads too.
    """

    index: str
    dl: str
    api: str
    private: bool

    @property
    def url(self) -> str:
        return self.index.removeprefix("sparse+")

    def download(self, name: str, version: str, checksum: str) -> str:
        """Where a .crate is (Cargo Book, "Index Configuration")."""
        words = {
            "crate": name,
            "version": version,
            "prefix": index_path(name).rpartition("/")[0],
            "lowerprefix": index_path(name.lower()).rpartition("/")[0],
            "sha256-checksum": checksum,
        }
        url = self.dl
        for word, value in words.items():
            url = url.replace(f"{{{word}}}", value)
        return url if url != self.dl else f"{url}/{name}/{version}/download"


class SparseRegistry:
    """The `CrateRegistry` port. One for each registry of a run: it counts what it has sent."""

    def __init__(self, registry: str, addresses: Addresses, tokens: CrateTokens, clock: Clock) -> None:
        self._registry = registry
        self._addresses = addresses
        self._tokens = tokens
        self._clock = clock
        self._place: _Place | None = None
        self._public: str | None = None
        self._asking = anyio.Lock()
        self._buckets: dict[Limit, tuple[Bucket, anyio.Lock]] = {}

    async def look(self, crates: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Seen]:
        """What the index has of each name and version."""
        found: dict[tuple[str, str], Seen] = {}
        place = await self._where()

        async def find(http: httpx.AsyncClient, name: str, version: str) -> None:
            found[name, version] = await self._find(http, place, name, version)

        async with web.client(place.url) as http:
            await together(partial(find, http, name, version) for name, version in crates)
        return found

    async def authorize(self) -> None:
        """The user's, or a minted one, which the upload uses while it lives."""
        await self._tokens.token((await self._taking()).api)

    async def owners(self, name: str) -> tuple[str, ...]:
        """As the Cargo Book has it ("Web API", "Owners: List"); crates.io tells everybody, so it gets no token."""
        place, own = await self._taking(), self._tokens.own()
        headers = {"Authorization": own.open()} if own and self._registry not in CRATES_IO else {}
        async with web.client(place.api) as http:
            request = http.build_request("GET", f"/api/v1/crates/{name}/owners", headers=headers)
            answer = await web.send(http, request, clock=self._clock)
        users = _object(answer).get("users")
        return tuple(str(user["login"]) for user in users if "login" in user) if isinstance(users, list) else ()

    async def upload(self, crate: Path, limit: Limit | None) -> None:
        """Send a .crate, when its turn comes."""
        data = await to_thread.run_sync(crate.read_bytes)
        packed = read_crate(data, crate.name)
        self._allowed(packed)
        place = await self._taking()
        body = await self._body(place, packed, data)
        await self._tokens.token(place.api)  # who has none need not wait
        await self._turn(limit)
        token = await self._tokens.token(place.api)  # a minted one does not outlive a long wait
        async with web.client(place.api) as http:
            headers = {"Authorization": token.open(), "Accept": "application/json"}
            request = http.build_request("PUT", "/api/v1/crates/new", content=body, headers=headers)
            try:
                answer = await web.send(http, request, clock=self._clock)
            except Transient as error:
                self._refused(limit, error.after)
                raise
        await self._judge(packed, answer)

    async def shown(self, name: str, version: str) -> str:
        """Wait for the index."""
        return await self._wait(name, version, "")

    async def fetch(self, url: str, into: Path) -> None:
        """With the token where every request needs it, as cargo does it."""
        place = await self._where()
        headers = {"Authorization": self._tokens.own().open()} if place.private else {}
        async with web.client() as http:
            await web.download(http, http.build_request("GET", url, headers=headers), into, clock=self._clock)

    async def _wait(self, name: str, version: str, why: str) -> str:
        end, place = self._clock.monotonic() + _PATIENCE, await self._where()
        async with web.client(place.url) as http:
            while self._clock.monotonic() < end:
                seen = await self._find(http, place, name, version)
                if seen.value:
                    return seen.url
                await self._clock.sleep(1)
        what = "is uploaded, and the index does not show it"
        raise Transient(Problem(path=f"{name} {version}", what=what, why=why))

    async def _where(self) -> _Place:
        """Ask for config.json, once."""
        async with self._asking:
            if self._place is None:
                index = await self._addresses.index(self._registry)
                async with web.client(index.removeprefix("sparse+")) as http:
                    answer = await self._get(http, "config.json")
                said = _object(answer)
                if answer.status_code != 200 or not said.get("dl"):
                    raise _no_index(answer, self._tokens.variable)
                self._place = _Place(
                    index=index,
                    dl=str(said["dl"]),
                    api=str(said.get("api") or "").rstrip("/"),
                    private=said.get("auth-required") is True,
                )
            return self._place

    async def _taking(self) -> _Place:
        place = await self._where()
        if not place.api:
            raise Unfinished(Problem(path="publish.crates.registry", what="this registry takes no crates"))
        return place

    async def _get(self, http: httpx.AsyncClient, path: str) -> httpx.Response:
        """A file of the index; the token goes only where it is asked for (`auth-required`)."""
        answer = await web.send(http, http.build_request("GET", path), clock=self._clock)
        if answer.status_code == 401 and (token := self._tokens.own()):
            request = http.build_request("GET", path, headers={"Authorization": token.open()})
            answer = await web.send(http, request, clock=self._clock)
        return answer

    async def _find(self, http: httpx.AsyncClient, place: _Place, name: str, version: str) -> Seen:
        answer = await self._get(http, index_path(name.lower()))
        if answer.status_code in _NONE:
            return Seen()
        if answer.status_code != 200:
            raise web.refused(f"the index of {name}", answer, f"set {self._tokens.variable}")
        sums = {_core(str(line.get("vers"))): str(line.get("cksum")) for line in _lines(answer)}
        checksum = sums.get(_core(version), "")
        return Seen(
            value=f"sha256:{checksum}" if checksum else "",
            stamp="known" if sums else "",
            url=place.download(name, version, checksum) if checksum else "",
        )

    def _allowed(self, packed: PackedCrate) -> None:
        """Raises Unfinished when Cargo.toml names other registries (Cargo Book, "The publish field")."""
        names, allowed = CRATES_IO if self._registry in CRATES_IO else {self._registry}, packed.package.get("publish")
        by_url = self._registry.startswith("sparse+")
        if isinstance(allowed, list) and not by_url and not names & set(allowed):
            what = f"its Cargo.toml lets it go to {', '.join(allowed) or 'no registry'} only"
            raise Unfinished(Problem(path=str(packed.package["name"]), what=what))

    async def _body(self, place: _Place, packed: PackedCrate, data: bytes) -> bytes:
        """Length and JSON, length and .crate; lengths are 32 bits, little end first."""
        all_named = all(dependency.get("registry-index") for dependency in packed.dependencies)
        crates_io = "" if all_named else await self._crates_io(place)
        metadata = json.dumps(upload_metadata(packed, index=place.index, crates_io=crates_io)).encode()
        return b"".join(len(part).to_bytes(4, "little") + part for part in (metadata, data))

    async def _crates_io(self, place: _Place) -> str:
        """Asked once, and only for a crate that needs one of crates.io."""
        async with self._asking:
            if self._public is None:
                known = self._registry in CRATES_IO
                self._public = "" if known else await self._addresses.crates_io(place.index)
            return self._public

    async def _turn(self, limit: Limit | None) -> None:
        """Wait until the limit allows another one, first come, first served."""
        if limit is None:
            return
        fresh = Bucket(limit=limit, level=limit.burst, at=self._clock.monotonic()), anyio.Lock()
        bucket, lock = self._buckets.setdefault(limit, fresh)
        async with lock:
            while (seconds := bucket.wait(self._clock.monotonic())) > 0:
                await self._clock.sleep(seconds)
            bucket.take()

    def _refused(self, limit: Limit | None, after: float | None) -> None:
        """The registry has counted otherwise: what an earlier run has sent, perhaps."""
        if limit is not None and after is not None:
            self._buckets[limit][0].refused(self._clock.monotonic(), after)

    async def _judge(self, packed: PackedCrate, answer: httpx.Response) -> None:
        """An answer may be an error whatever its status is (Cargo Book, "Web API")."""
        name, version = str(packed.package["name"]), str(packed.package["version"])
        errors = _object(answer).get("errors") or []
        details = "; ".join(str(error.get("detail")) for error in errors if isinstance(error, dict))
        if answer.is_success and not details:
            return
        if any(words in details for words in _THERE):
            await self._wait(name, version, details)
            raise Moved(Problem(path=f"{name} {version}", what="was uploaded by somebody else, or before", why=details))
        hint = (
            f"the right to publish {name} is that of {self._tokens.variable}"
            if answer.status_code in (401, 403)
            else ""
        )
        raise web.refused(f"{name} {version}", answer, hint, details)


def _no_index(answer: httpx.Response, variable: str) -> Unfinished:
    why = f"its config.json: {answer.status_code} {answer.reason_phrase} {web.said(answer)}".strip()
    hint = f"set {variable}" if answer.status_code in (401, 403) else "its URL ends where config.json lies"
    what = f"{web.origin(answer.url)} shows no index of a registry there"
    return Unfinished(Problem(path="publish.crates.registry", what=what, why=why, hint=hint))


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    """The JSON object of an answer; empty when it is none."""
    with suppress(ValueError):
        data = answer.json()
        return data if isinstance(data, dict) else {}
    return {}


def _lines(answer: httpx.Response) -> Iterator[Mapping[str, Any]]:
    """A JSON object a line; what is none is passed over, as cargo does it."""
    for line in answer.text.splitlines():
        with suppress(ValueError):
            data = json.loads(line)
            if isinstance(data, dict):
                yield data


def _core(version: str) -> str:
    """A version without its build metadata, which does not make it another one in an index."""
    return version.partition("+")[0]
