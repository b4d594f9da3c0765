"""Render over its public REST API (api-docs.render.com, v1; shapes of render-oss/cli of August 2026)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import httpx

from shipways.adapters import web
from shipways.errors import PreflightError, Problem
from shipways.model.secret import Secret
from shipways.outside.platforms import Hosted, Release
from shipways.ports import Clock

API: Final = "https://api.render.com/v1"
TOKEN: Final = "RENDER_API_KEY"  # noqa: S105 - the name of the variable
_MOST: Final = "100"
"""What Render gives at once at most."""
_LINES: Final = "50"


class RenderRest:
    """The `RenderApi` port."""

    def __init__(self, token: Secret, clock: Clock, api: str = API) -> None:
        self._token = token
        self._clock = clock
        self._api = api

    async def service(self, service: str) -> Hosted | None:
        """Whatever its type is: only web services have a URL."""
        answer = await self._ask("GET", f"/services/{service}", expected=(404,))
        if answer.status_code == 404:
            return None
        told = answer.json()
        return Hosted(
            image=told.get("imagePath") or "",
            suspended=told["suspended"] == "suspended",
            url=(told.get("serviceDetails") or {}).get("url") or "",
            owner=told["ownerId"],
        )

    async def releases(self, service: str) -> Sequence[Release]:
        """One of what Render built itself has its id for an image: nothing else can be said of it."""
        answer = await self._ask("GET", f"/services/{service}/deploys", {"limit": _MOST})
        return tuple(_release(each["deploy"]) for each in answer.json())

    async def release(self, service: str, image: str) -> None:
        """Render answers before it has begun: 201 with the deploy, 202 for one that waits."""
        await self._ask("POST", f"/services/{service}/deploys", json={"imageUrl": image})

    async def cancel(self, service: str, release: str) -> None:
        """409 says that it has ended meanwhile."""
        await self._ask("POST", f"/services/{service}/deploys/{release}/cancel", expected=(409,))

    async def suspend(self, service: str) -> None:
        """It is 202 before it is done."""
        await self._ask("POST", f"/services/{service}/suspend")

    async def logs(self, service: str, owner: str) -> str:
        """Render gives the newest first."""
        query = {"ownerId": owner, "resource": service, "direction": "backward", "limit": _LINES}
        told = (await self._ask("GET", "/logs", query)).json()
        return "\n".join(each["message"].rstrip() for each in reversed(told["logs"]))

    async def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        json: Any = None,
        expected: Collection[int] = (),
    ) -> httpx.Response:
        """A good answer, or one of these statuses. Raises as the port says."""
        if not self._token:
            hint = "make a key in the settings of your account"
            raise PreflightError(Problem(path=TOKEN, what="is not set", hint=hint))
        headers = {"Authorization": f"Bearer {self._token.open()}", "Accept": "application/json"}
        async with web.client(self._api) as http:
            request = http.build_request(method, path, params=query, json=json, headers=headers)
            answer = await web.send(http, request, clock=self._clock)
        if not answer.is_success and answer.status_code not in expected:
            hint = f"{TOKEN} is a key that may deploy it" if answer.status_code in {401, 403} else ""
            raise web.refused(path, answer, hint)
        return answer


def _release(told: Mapping[str, Any]) -> Release:
    image = (told.get("image") or {}).get("ref") or told["id"]
    return Release(id=told["id"], image=image, status=told["status"])
