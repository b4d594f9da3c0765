"""The adapter to Render, and a deployment by it, over a stand-in on loopback.

It answers in the shapes of Render's API v1 as render-oss/cli of August 2026 reads them. Render itself is not asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import anyio
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploying import HEAD, MACHINE, SHOP
from shipways.adapters.onrender import RenderRest
from shipways.config.load import parse
from shipways.deploy.places.onrender import plan
from shipways.errors import PreflightError, Transient, Unfinished
from shipways.model.secret import Secret
from shipways.outside.platforms import Hosted, Release
from shipways.rehearse.serving import served
from shipways.run.deploying import Crew, deploy, failure
from shipways.testing.console import ManualClock, RecordingConsole
from shipways.testing.doors import CLOSED_SITE
from shipways.testing.hosting import Hosting

pytestmark = pytest.mark.integration

ID = "srv-c0ffee"
KEY = "rnd_canary"
OLD, NEW = f"ghcr.io/example/shop@sha256:{'0' * 64}", f"ghcr.io/example/shop@sha256:{'1' * 64}"


@dataclass
class Door:
    """A platform in memory, behind its API at `url`. `status` is what everything is answered with instead, if set."""

    hosting: Hosting
    url: str = ""
    status: int = 0

    def rest(self, key: str = KEY) -> RenderRest:
        """The adapter."""
        return RenderRest(Secret(key), ManualClock(), self.url)

    async def service(self, request: Request) -> Response:
        """GET /services/ID."""
        found = await self.hosting.service(request.path_params["service"])
        if found is None:
            return JSONResponse({"id": "1", "message": "not found"}, 404)
        state = "suspended" if found.suspended else "not_suspended"
        details = {"url": found.url, "env": "image"}
        body = {"id": ID, "imagePath": found.image, "suspended": state, "serviceDetails": details}
        return JSONResponse({**body, "ownerId": found.owner, "type": "web_service"})

    async def deploys(self, request: Request) -> Response:
        """GET and POST /services/ID/deploys."""
        service = request.path_params["service"]
        if request.method == "POST":
            await self.hosting.release(service, (await request.json())["imageUrl"])
            return Response(status_code=202)
        found = (await self.hosting.releases(service))[: int(request.query_params["limit"])]
        return JSONResponse([{"cursor": each.id, "deploy": _deploy(each)} for each in found])

    async def cancel(self, request: Request) -> Response:
        """POST /services/ID/deploys/DEPLOY/cancel."""
        service, name = request.path_params["service"], request.path_params["deploy"]
        before = list(self.hosting.deploys[service])
        await self.hosting.cancel(service, name)
        if before == self.hosting.deploys[service]:
            return JSONResponse({"message": "cannot cancel"}, 409)
        return JSONResponse({"id": name, "status": "canceled"})

    async def suspend(self, request: Request) -> Response:
        """POST /services/ID/suspend."""
        await self.hosting.suspend(request.path_params["service"])
        return Response(status_code=202)

    async def logs(self, request: Request) -> Response:
        """GET /logs, the newest first."""
        asked = request.query_params
        assert ("tea-1", ID, "backward") == (asked["ownerId"], asked["resource"], asked["direction"])
        lines = reversed(self.hosting.printed.splitlines())
        return JSONResponse({"hasMore": False, "logs": [{"id": line, "message": line} for line in lines]})

    def app(self) -> Starlette:
        """The routes, for who has the key."""
        routes = [
            Route("/v1/services/{service}", self.service),
            Route("/v1/services/{service}/deploys", self.deploys, methods=["GET", "POST"]),
            Route("/v1/services/{service}/deploys/{deploy}/cancel", self.cancel, methods=["POST"]),
            Route("/v1/services/{service}/suspend", self.suspend, methods=["POST"]),
            Route("/v1/logs", self.logs),
        ]
        return Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=self.guard)])

    async def guard(self, request: Request, further: RequestResponseEndpoint) -> Response:
        """What is answered before anything else."""
        if self.status:
            return JSONResponse({"message": "later"}, self.status, headers={"Retry-After": "7"})
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return JSONResponse({"message": "unauthorized"}, 401)
        return await further(request)


def _deploy(release: Release) -> dict[str, object]:
    """One that Render built from a repository has no image."""
    image = {"image": {"ref": release.image, "sha": release.image.partition("@")[2]}} if release.image else {}
    return {"id": release.id, "status": release.status, "trigger": "api", **image}


@pytest.fixture
def door() -> Iterator[Door]:
    """A service whose first deploy was of something that Render built."""
    shop = Hosted(image="ghcr.io/example/shop:latest", suspended=False, url="https://shop.onrender.com", owner="tea-1")
    made = Door(Hosting({ID: shop}, {ID: [Release(id="dep-9", image="", status="live")]}, printed="one\ntwo"))
    with served(made.app()) as url:
        made.url = f"{url}/v1"
        yield made


def test_every_method(door: Door) -> None:
    """The adapter says what the platform is, and changes it, as the port has it."""

    async def run() -> None:
        rest = door.rest()
        assert door.hosting.services[ID] == await rest.service(ID)
        assert None is await rest.service("srv-none")
        await rest.release(ID, OLD)
        newest, first = await rest.releases(ID)
        assert (Release(id="dep-1", image=OLD, status="queued"), "dep-9") == (newest, first.image)
        await rest.cancel(ID, "dep-1")
        await rest.cancel(ID, "dep-1")
        assert "canceled" == (await rest.releases(ID))[0].status
        assert "one\ntwo" == await rest.logs(ID, "tea-1")
        await rest.suspend(ID)
        assert door.hosting.services[ID].suspended

    anyio.run(run)


def test_deploy_and_return(door: Door) -> None:
    """By the core: one version, another one that is sick, and the first is still live."""
    text = HEAD + SHOP + f'[deploy.prod]\nkind = "render"\nwait = "60s"\nrender.services.shop = "{ID}"\n'
    (deployer,) = plan(parse(text, "shipways.toml"), MACHINE)
    site = replace(CLOSED_SITE, render=door.rest)
    door.hosting.sick.add(NEW)
    wrong = []
    for image in (OLD, NEW):
        item = replace(deployer.items()[0], want=image.partition("@")[2])
        crew = Crew(site=site, console=RecordingConsole(), clock=ManualClock())
        assert () == anyio.run(lambda: deployer.preflight(site))
        wrong.append(failure(anyio.run(lambda item=item, crew=crew: deploy(deployer, (item,), crew))))
    assert (None, True) == (wrong[0], "its log ends with\n    one\n    two" in str(wrong[1]))
    assert [OLD] == [each.image for each in door.hosting.deploys[ID] if each.status == "live"]


def test_refused(door: Door) -> None:
    """No key, a wrong one, one that Render asks to come later; none of the errors shows it."""
    with pytest.raises(PreflightError, match="RENDER_API_KEY: is not set"):
        anyio.run(lambda: door.rest("").service(ID))
    with pytest.raises(Unfinished, match="401 Unauthorized") as refused:
        anyio.run(lambda: door.rest("rnd_other").service(ID))
    assert ("RENDER_API_KEY is a key that may deploy it", False) == (
        refused.value.problems[0].hint,
        "rnd_other" in str(refused.value),
    )
    door.status = 429
    with pytest.raises(Transient) as later:
        anyio.run(lambda: door.rest().releases(ID))
    assert 7.0 == later.value.after
