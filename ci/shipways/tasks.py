"""Tasks side by side, whose failure is one error and not a group of them."""

from collections.abc import Callable, Coroutine, Iterable
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
