"""News of a job for somebody who listens, until there are no more or the deployer stops."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

_T = TypeVar("_T")


async def until(stopping: asyncio.Event, news: AsyncIterator[_T]) -> AsyncIterator[_T]:
    """What comes, until it has come to its end or the event is set: a stream that stays open would hold up the end."""
    stop = asyncio.ensure_future(stopping.wait())
    following: asyncio.Future[_T] | None = None
    try:
        while not stopping.is_set():
            following = asyncio.ensure_future(anext(news))
            await asyncio.wait((following, stop), return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                return
            try:
                yield following.result()
            except StopAsyncIteration:
                return
    finally:
        stop.cancel()
        if following and not following.done():
            following.cancel()
