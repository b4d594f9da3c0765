"""The stand-in for GitHub's store of attestations: bundles of sigstore, by the digests of what they are about."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import cramjam
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shipways.rehearse.forgedesk import Desk, Invalid, Missing, base
from shipways.rehearse.forgejson import REPOSITORY_ID

_NAMES: Final = {"provenance": "https://slsa.dev/provenance/v1"}
"""Short names of what statements say."""


@dataclass(slots=True)
class Attestations:
    """Those of the repository of a desk, in the order in which they came.

    `inline`: answers have the bundles, as they had until July 2026; else `null`, and a URL of the storage,
    which `pack` packs them for.
    """

    desk: Desk
    inline: bool = False
    pack: Callable[[bytes], bytes] = lambda data: bytes(cramjam.snappy.compress_raw(data))
    bundles: list[dict[str, Any]] = field(default_factory=list)

    def routes(self) -> list[Route]:
        """Of the API."""
        top = "/repos/{owner}/{repo}/attestations"
        return [Route(top, self._create, methods=["POST"]), Route(f"{top}/{{subject}}", self._list)]

    def storage(self) -> Route:
        """Where bundles lie, packed."""
        return Route("/attestations/{number:int}.json.sn", self._bytes)

    async def _create(self, request: Request) -> Response:
        self.desk.enter(request, write=True)
        bundle = (await request.json()).get("bundle")
        if not bundle or not _statement(bundle).get("subject"):
            raise Invalid(resource="Attestation", code="invalid", field="bundle")
        self.bundles.append(bundle)
        return self.desk.answer({"id": len(self.bundles)}, 201)

    async def _list(self, request: Request) -> Response:
        """A page; which entry is the last one before it is in the query."""
        self.desk.enter(request)
        query, wanted = request.query_params, request.path_params["subject"]
        kind = _NAMES.get(query.get("predicate_type", ""), query.get("predicate_type"))
        after, size = int(query.get("after", 0)), min(int(query.get("per_page", 30)), 100)
        numbers = [
            number
            for number, bundle in enumerate(self.bundles, 1)
            if wanted in _subjects(bundle) and kind in (None, _statement(bundle).get("predicateType"))
        ]
        if not numbers:
            raise Missing
        found = [number for number in numbers if number > after]
        links = {}
        if len(found) > size:
            links["Link"] = f'<{request.url.include_query_params(after=found[size - 1])}>; rel="next"'
        entries = [self._view(request, number) for number in found[:size]]
        return self.desk.answer({"attestations": entries}, headers=links)

    def _view(self, request: Request, number: int) -> Mapping[str, object]:
        return {
            "bundle": self.bundles[number - 1] if self.inline else None,
            "repository_id": REPOSITORY_ID,
            "bundle_url": f"{base(request)}/attestations/{number}.json.sn?sig=signed",
            "initiator": "user",
        }

    async def _bytes(self, request: Request) -> Response:
        """The storage, which refuses a second way of authorization beside its signed URLs."""
        if "authorization" in request.headers or not 0 < request.path_params["number"] <= len(self.bundles):
            raise HTTPException(400, "InvalidAuthenticationInfo")
        data = self.pack(json.dumps(self.bundles[request.path_params["number"] - 1]).encode())
        return Response(data, media_type="application/x-snappy")


def _statement(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """What is attested; nothing in what is no bundle."""
    try:
        said = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    except (KeyError, TypeError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _subjects(bundle: Mapping[str, Any]) -> Iterator[str]:
    return (f"sha256:{subject['digest']['sha256']}" for subject in _statement(bundle)["subject"])
