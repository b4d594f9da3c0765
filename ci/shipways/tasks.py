"""Tasks side by side, whose failure is one error and not a group of them."""

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any

import anyio

from shipways.errors import first


async def together(tasks: Iterable[Callable[[], Coroutine[Any, Any, object]]], *, width: float = float("inf")) -> None:
    """Run tasks until all have ended, `width` at once; the first that raises ends the others, and that is raised."""
    turns = anyio.CapacityLimiter(width)

    async def take(task: Callable[[], Coroutine[Any, Any, object]]) -> None:
        async with turns:
            await task()

    try:
        async with anyio.create_task_group() as group:
            for task in tasks:
                group.start_soon(take, task)
    except BaseExceptionGroup as failures:
        raise first(failures) from None


async def in_order(needs: Mapping[str, Collection[str]], act: Callable[[str], Coroutine[Any, Any, object]]) -> None:
    """Act on each after all that it needs, independent ones at the same time; needs that are none of them are met."""
    done = {name: anyio.Event() for name in needs}

    async def follow(name: str) -> None:
        for need in needs[name]:
            if need in done:
                await done[need].wait()
        await act(name)
        done[name].set()

    await together(partial(follow, name) for name in needs)
