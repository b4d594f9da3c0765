"""Services beside the deployer that answer as no service should."""

import anyio
from starlette.types import Receive, Scope, Send


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    """A byte again and again, for ever."""
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await anyio.sleep(0.05)
