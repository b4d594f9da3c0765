"""What images weigh on a host: layers that several of them have lie there once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, TypeVar

from shipways.outside.hosts import Host

WEIGHTS: Final = """
for each; do
  told=$(docker image inspect --format '{{.Size}} {{join .RootFS.Layers ","}}' "$each" 2>/dev/null) || continue
  echo "$each $told $(docker history --human=false --format '{{.Size}}' "$each" | tr '\\n' ',')"
done
"""
"""A line for each that is there: its bytes, its layers from the lowest on, the bytes of each step from the last on."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Its bytes, the digests of its layers, and the bytes of each that is not empty, both from the lowest on."""

    size: int
    layers: tuple[str, ...]
    steps: tuple[int, ...]

    def shared(self, other: "Image") -> int:
        """Bytes of the layers that another one has, too: those that both are built upon are the lowest."""
        count = len(_same(self.layers, other.layers))
        return sum(_same(self.steps[:count], other.steps))


async def weights(host: Host, images: Sequence[str]) -> dict[str, int]:
    """The bytes that each adds to those before it, for those that are there. Raises Transient."""
    if not images:
        return {}
    lines = (await host.run(("sh", "-c", WEIGHTS, "sh", *dict.fromkeys(images)))).stdout.splitlines()
    found = dict(_image(line) for line in lines)
    return dict(_added(found))


def _image(line: str) -> tuple[str, Image]:
    name, size, layers, steps = line.split(" ")
    sizes = tuple(int(each) for each in reversed(steps.split(",")) if each.strip("0"))
    return name, Image(size=int(size), layers=tuple(layers.split(",")), steps=sizes)


def _added(found: dict[str, Image]) -> Iterator[tuple[str, int]]:
    before: list[Image] = []
    for name, image in found.items():
        yield name, image.size - max((image.shared(each) for each in before), default=0)
        before.append(image)


def _same(one: Sequence[_T], other: Sequence[_T]) -> list[_T]:
    """What both begin with."""
    return [each for each, _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))]
