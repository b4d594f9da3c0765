"""The deployer's API without a socket: its application, the desk behind it, and who asks."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
from fastapi import FastAPI

from shipways.config.serve import Access, Serve, Verifier
from shipways.deployer.app import application
from shipways.deployer.tokens import new
from shipways.testing.console import ManualClock
from shipways.testing.desk import MemoryDesk

CANARY = "canary-93bd"


class MemoryTokens:
    """The file of tokens as a text."""

    def __init__(self, text: str = "") -> None:
        self.now = text

    def text(self) -> str:
        """As it is."""
        return self.now


@dataclass
class Asked:
    """An application with its desk. `ann` may do everything, `rob` only read; `words` are their tokens."""

    clock: ManualClock
    desk: MemoryDesk
    tokens: MemoryTokens
    app: FastAPI
    words: dict[str, str] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def client(self, who: str = "ann", address: str = "192.0.2.7") -> AsyncIterator[httpx.AsyncClient]:
        """Someone who asks, from this address; without a token when they have none. A bug is an answer too."""
        transport = httpx.ASGITransport(self.app, client=(address, 4000), raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {self.words[who]}"} if who in self.words else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8007", headers=headers) as http:
            yield http

    def play(self, act: Callable[[httpx.AsyncClient], Awaitable[None]], who: str = "ann") -> None:
        """Run a test as someone."""

        async def run() -> None:
            with anyio.fail_after(20):
                async with self.client(who) as http:
                    await act(http)

        anyio.run(run)


def asked(
    *, sources: str = "/srv/services", clock: ManualClock | None = None, verifier: str = "", **access: object
) -> Asked:
    """A new one. The rate is that of a test which does not look at it."""
    clock = clock or ManualClock()
    tokens, words = MemoryTokens(), {}
    for name, scopes in (("ann", ("read", "deploy", "hold")), ("rob", ("read",))):
        token, words[name] = new(name, scopes)
        tokens.now += f"{token}\n"
    desk = MemoryDesk(clock=clock, sources=sources)
    serve = Serve(
        sources=(sources,),
        hosts=("deploy@host-1",),
        access=Access.model_validate({"rate": 100000, **access}),
        verifier=Verifier(url=verifier),
    )
    return Asked(clock=clock, desk=desk, tokens=tokens, app=application(desk, serve, tokens, clock), words=words)


def wish(**more: object) -> dict[str, Any]:
    """A request that is in order."""
    return {
        "service_path": "/srv/services/pulse",
        "service_name": "pulse",
        "droplet_id": 24,
        "service_port": 8010,
        "deployment_method": "systemd",
        "environment_vars": {"API_KEY": CANARY},
    } | more


async def done(http: httpx.AsyncClient, **more: object) -> dict[str, Any]:
    """A job that has ended."""
    made = await http.post("/deploy", json=wish(**more))
    assert 202 == made.status_code, made.text
    return await ended(http, made.json()["deploy_job_id"])


async def ended(http: httpx.AsyncClient, id: str) -> dict[str, Any]:  # noqa: A002 - the word of the model
    """A job when it has."""
    while True:
        found: dict[str, Any] = (await http.get(f"/deploy/{id}")).json()
        if found["status"] in {"completed", "failed"}:
            return found
