"""Asks services for their health as tender does: status, text, members of JSON."""

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx

from shipways.model.service import Health

_MOST: Final = 1_000_000
"""Bytes of an answer that are read: health is a short story."""


class HttpProber:
    """The `Prober` port."""

    async def ask(self, url: str, health: Health) -> str:
        """Why an answer is not a healthy one. A redirect is none: it would tell of the health of something else."""
        try:
            async with (
                httpx.AsyncClient(timeout=health.timeout / 1000, trust_env=False) as client,
                client.stream("GET", url) as answer,
            ):
                body = bytearray()
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > _MOST:
                        return "its answer does not end"
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        return next(_complaints(answer.status_code, bytes(body), health), "")


def _complaints(status: int, body: bytes, health: Health) -> Iterator[str]:
    if status != health.status:
        yield f"status {status} instead of {health.status}"
    if health.contains and health.contains.encode() not in body:
        yield f"its answer does not contain {health.contains!r}"
    if health.members:
        told = _parsed(body)
        for name, value in health.members:
            if (found := _text(_member(told, name))) != value:
                yield f"{name} is {found!r} instead of {value!r}"


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _member(told: Any, name: str) -> object:
    """By its dotted key; None where there is no such member."""
    for part in name.split("."):
        told = told.get(part) if isinstance(told, dict) else None
    return told


def _text(value: object) -> str:
    """As it stands in JSON, a string without its quotes."""
    return value if isinstance(value, str) else json.dumps(value)
