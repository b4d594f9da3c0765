"""A verifier over HTTP, which says by its status, or in its answer, whether a service may stay."""

import contextlib

import httpx

from shipways.adapters.peer import Peer
from shipways.adapters.web import said
from shipways.outside.verifiers import Candidate
from shipways.ports import Clock


class HttpVerifier:
    """The `Verifier` port. `url` is that of the config, and what is asked; `wait` is in seconds."""

    def __init__(self, url: str, wait: float, clock: Clock) -> None:
        self._peer = Peer(url, wait, clock)

    async def verify(self, candidate: Candidate) -> None:
        """One POST, without a key: who asks again wants that it looks again."""
        answer = self._peer.fine(await self._peer.ask("POST", "", json=candidate.told))
        if _denied(answer):
            raise self._peer.wrong("does not verify it", said(answer))


def _denied(answer: httpx.Response) -> bool:
    """Whether it takes back in words what its status says: `verified` in them is something else than true."""
    with contextlib.suppress(ValueError, RecursionError):
        known = answer.json()
        return isinstance(known, dict) and known.get("verified", True) is not True
    return False
