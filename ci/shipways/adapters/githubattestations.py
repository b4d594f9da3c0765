"""GitHub's store of attestations, which PyGithub does not know: bundles of sigstore, by the digests they are about."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import cramjam
import httpx

from shipways.adapters import web
from shipways.adapters.githubbytes import authorization
from shipways.adapters.githuberrors import ATTESTATIONS, asked
from shipways.errors import Unfinished
from shipways.model.digest import canonical
from shipways.model.names import forge_url, site_of
from shipways.model.secret import Secret
from shipways.ports import Clock

_MOST: Final = 16 << 20
"""Bytes of a bundle, packed or not."""
_SNAPPY: Final = "application/x-snappy"
_PAGE: Final = "100"


class Attestations:
    """Of one repository. The token goes to the API alone: bundles lie at signed URLs of a storage."""

    def __init__(self, api: str, repository: str, token: Secret, http: httpx.AsyncClient, clock: Clock) -> None:
        self._url = f"{api}/repos/{repository}/attestations"
        self._page = f"{forge_url(repository, site_of(api))}/attestations"
        self._token = token
        self._http = http
        self._clock = clock

    async def of(self, subject: str) -> Sequence[bytes]:
        """The bundles with a provenance of a digest, all pages; one that cannot be read is empty."""
        found: list[bytes] = []
        query = {"per_page": _PAGE, "predicate_type": "provenance"}
        while query:
            place, headers = f"{self._url}/{subject}", authorization(self._token)
            request = self._http.build_request("GET", place, params=query, headers=headers)
            response = await asked(self._http, request, self._clock)
            if response.status_code == httpx.codes.NOT_FOUND:  # where there is none, and where there is no store
                return found
            if not response.is_success:
                raise _refused(response)
            found += [await self._bundle(entry) for entry in response.json()["attestations"]]
            query = dict(httpx.URL(response.links.get("next", {}).get("url", "")).params)
        return found

    async def add(self, bundle: bytes) -> str:
        """Store one; its page."""
        headers, said = authorization(self._token), {"bundle": json.loads(bundle)}
        request = self._http.build_request("POST", self._url, json=said, headers=headers)
        response = await asked(self._http, request, self._clock)
        if not response.is_success:
            raise _refused(response)
        return f"{self._page}/{response.json()['id']}"

    async def _bundle(self, entry: Mapping[str, Any]) -> bytes:
        """In the answer itself, or, as GitHub has it since July 2026, packed in its storage."""
        if entry.get("bundle"):
            return canonical(entry["bundle"])
        request = self._http.build_request("GET", entry["bundle_url"])
        async with web.streamed(self._http, request, "attestations", clock=self._clock) as response:
            data = await web.body(response, _MOST) or b""
        return _unpacked(data) if response.headers.get("Content-Type") == _SNAPPY else data


def _unpacked(data: bytes) -> bytes:
    """Empty for what is not packed well, or would be too large."""
    try:
        return bytes(cramjam.snappy.decompress_raw(data)) if cramjam.snappy.decompress_raw_len(data) <= _MOST else b""
    except cramjam.DecompressionError:
        return b""


def _refused(response: httpx.Response) -> Unfinished:
    return web.refused("attestations", response, ATTESTATIONS.get(response.status_code, ""))
