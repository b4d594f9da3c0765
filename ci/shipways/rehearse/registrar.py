"""A stand-in of a registry of services: who is registered, and everything that it was told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ENTRY: Final = "/droplets/{droplet_id}"
"""Where an entry is read again."""
_REQUIRED: Final = ("droplet_id", "service_name", "endpoint")


@dataclass(slots=True)
class ServiceRegistry:
    """The state of a registry, and its application.

    `events` is what it was told, but for what came twice with one key. With `strict` it knows no keys, and answers 409
    to what it knows. With `lies` it says that it has registered what it has not.
    """

    entries: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    events: list[Mapping[str, Any]] = field(default_factory=list)
    strict: bool = False
    lies: bool = False
    _keys: set[str] = field(default_factory=set)

    @property
    def app(self) -> Starlette:
        """The application over this state."""
        return Starlette(
            routes=[
                Route("/register", self._register, methods=["POST"]),
                Route(ENTRY.replace("{droplet_id}", "{droplet:int}"), self._entry),
                Route("/health", self._health),
            ]
        )

    async def _register(self, request: Request) -> Response:
        told = await request.json()
        missing = [name for name in _REQUIRED if name not in told]
        if missing:
            return JSONResponse({"detail": f"missing: {', '.join(missing)}"}, 422)
        if self.lies:
            return JSONResponse({"status": "registered"})
        key, known = request.headers.get("Idempotency-Key", ""), self.entries.get(told["droplet_id"])
        if self.strict and known == told:
            return JSONResponse({"detail": "is registered", "droplet": known}, 409)
        if self.strict or key not in self._keys or known != told:
            self.events.append(told)
        self._keys.add(key)
        self.entries[told["droplet_id"]] = told
        return JSONResponse({"status": "registered", "version": "1.0.0", "droplet": told}, 201)

    async def _entry(self, request: Request) -> Response:
        known = self.entries.get(request.path_params["droplet"])
        return JSONResponse(known) if known else JSONResponse({"detail": "not found"}, 404)

    async def _health(self, request: Request) -> Response:
        del request
        return JSONResponse({"status": "healthy"})
