"""A stand-in of a verifier of services: what it was asked, and what it does not let pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PATH: Final = "/verify"
"""Where it is asked."""
_REQUIRED: Final = ("droplet_id", "service_name", "service_url", "version")


@dataclass(slots=True)
class ServiceVerifier:
    """The state of a verifier, and its application.

    `asked` is everything that it was asked; `refused` are versions, and why they are: by a status of 409, or, when it
    is `mild`, in an answer of 200.
    """

    asked: list[Mapping[str, Any]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    mild: bool = False

    @property
    def app(self) -> Starlette:
        """The application over this state."""
        return Starlette(routes=[Route(PATH, self._verify, methods=["POST"])])

    async def _verify(self, request: Request) -> Response:
        told = await request.json()
        missing = [name for name in _REQUIRED if name not in told]
        if missing:
            return JSONResponse({"detail": f"missing: {', '.join(missing)}"}, 422)
        self.asked.append(told)
        if told["version"] in self.refused:
            why = {"verified": False, "why": self.refused[told["version"]]}
            return JSONResponse(why, 200 if self.mild else 409)
        return JSONResponse({"verified": True})
