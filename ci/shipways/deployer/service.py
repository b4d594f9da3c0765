"""The operations on the deployer itself, and on what runs."""

from typing import Final

from fastapi import APIRouter, HTTPException, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from shipways import __version__
from shipways.config.kinds import milliseconds
from shipways.config.serve import Serve
from shipways.config.services import ServiceName
from shipways.deployer import shown
from shipways.deployer.asked import Holder, InHouse, Reader, Someone
from shipways.deployer.models import (
    Alive,
    Capabilities,
    Health,
    HoldInfo,
    HoldRequest,
    PlacedService,
    ServerInfo,
)
from shipways.deployer.problems import answers
from shipways.deployer.tokens import Scope
from shipways.model.job import CONNECTED, REACHABLE, UNCONFIGURED, Method, PhaseName

UNREACHED: Final = "unreachable"
_FEATURES: Final = ("rollback", "cancel", "hold", "idempotency-key", "server-sent-events", "metrics")
_PLAIN: Final = frozenset({CONNECTED, REACHABLE, UNCONFIGURED})

router = APIRouter(tags=["service"])


@router.get("/health", responses={500: {"model": Health, "description": "Unhealthy"}})
async def health(response: Response, here: InHouse, who: Someone) -> Health:
    """Whether hosts and registry are there. Needs no token; who may not read jobs is not told why they are not."""
    stands, reads = await here.standing(), who is not None and Scope.READ in who.scopes
    response.status_code = 200 if stands.healthy else 500
    ssh, registry = (text if reads or text in _PLAIN else UNREACHED for text in (stands.ssh, stands.registry))
    return Health(status="healthy" if stands.healthy else "unhealthy", ssh_status=ssh, registry_status=registry)


@router.get("/capabilities", responses=answers(500))
async def capabilities(here: InHouse) -> Capabilities:
    """What this deployer can do. Needs no token, and names no host."""
    serve = here.serve
    return Capabilities(
        deployment_methods=list(Method),
        phases=list(PhaseName),
        features=[*_FEATURES, *_configured(serve)],
        server=ServerInfo(
            name="shipways",
            version=__version__,
            hosts=len(serve.hosts),
            concurrent_jobs=serve.concurrent,
            job_timeout_seconds=milliseconds(serve.timeout) / 1000,
        ),
    )


@router.get("/livez")
async def livez() -> Alive:
    """That the process answers. Needs no token."""
    return Alive(status="alive")


@router.get("/readyz", responses=answers(503))
async def readyz(here: InHouse) -> Alive:
    """Whether it takes jobs: its journal can be read, and it is not about to stop. Needs no token."""
    if here.stopping.is_set():
        raise HTTPException(503, "it is about to stop")
    await here.desk.tally()
    return Alive(status="ready")


@router.get("/metrics", responses={**answers(403), 200: {"content": {"text/plain": {}}}}, response_class=Response)
async def metrics(here: InHouse, _: Reader) -> Response:
    """For Prometheus."""
    return Response(await here.figures.of(here.desk), media_type=CONTENT_TYPE_LATEST)


@router.get("/services", responses=answers(403))
async def services(here: InHouse, _: Reader) -> list[PlacedService]:
    """What runs of each service on each host."""
    return [shown.placed(each) for each in await here.desk.placed()]


@router.get("/holds", responses=answers(403))
async def holds(here: InHouse, _: Reader) -> list[HoldInfo]:
    """Every service that nothing is deployed to, whether it runs anywhere or not, and whoever has said so."""
    return [shown.held(each) for each in await here.desk.holds()]


@router.put("/services/{service_name}/hold", responses=answers(400, 403, 500))
async def hold(service_name: ServiceName, body: HoldRequest, here: InHouse, who: Holder) -> HoldInfo:
    """From now on nothing is deployed to a service. Another reason replaces the one before."""
    return shown.held(await here.desk.hold(service_name, reason=body.reason, by=who.name))


@router.delete("/services/{service_name}/hold", status_code=204, responses=answers(400, 403, 404, 500))
async def release(service_name: ServiceName, here: InHouse, who: Holder) -> None:
    """Take a hold back."""
    if not await here.desk.release(service_name, by=who.name):
        raise HTTPException(404, "it is not held")


def _configured(serve: Serve) -> list[str]:
    """Features that only some deployers have."""
    found = {
        "registry": bool(serve.registry.url),
        "verifier": bool(serve.verifier.url),
        "watch": bool(milliseconds(serve.watch)),
        "tls": bool(serve.access.certificate),
    }
    return [name for name, there in found.items() if there]
