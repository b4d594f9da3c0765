"""The size that an image may unpack to."""

from collections.abc import Sequence
from typing import Final

from shipways.config.kinds import in_bytes
from shipways.errors import BuildError, Problem
from shipways.images.measure import Contents
from shipways.images.variants import Variant

_MEGA: Final = 10**6


def check_budget(variant: Variant, contents: Sequence[Contents], below: int) -> None:
    """Raises BuildError for layers that are more than the budget; the first `below` are the base's."""
    size, budget = sum(layer.size for layer in contents), variant.table.budget
    if budget and size > in_bytes(budget):
        raise BuildError(_too_big(variant, size, contents, below))


def _too_big(variant: Variant, size: int, contents: Sequence[Contents], below: int) -> Problem:
    layers = ", ".join(
        f"{f'base layer {number}' if number <= below else 'own layer'} {_megabytes(layer.size)}"
        for number, layer in enumerate(contents, 1)
    )
    files = sorted((file for layer in contents for file in layer.largest), reverse=True)[:3]
    largest = ", ".join(f"/{path} {_megabytes(bytes_)}" for bytes_, path in files)
    return Problem(
        path=f"image.{variant.name}.budget",
        what=f"{variant.platform} unpacks to {_megabytes(size)}, the budget is {variant.table.budget}",
        why=f"{layers}; the biggest files are {largest}",
        hint="raise the budget, or take out what is not needed",
    )


def _megabytes(size: int) -> str:
    return f"{size / _MEGA:.1f} MB"
