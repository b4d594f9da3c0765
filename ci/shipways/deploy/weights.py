"""What images weigh on a host: layers that several of them have lie there once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final, TypeVar

from shipways.outside.hosts import Host

WEIGHTS: Final = """
cd -- "$1" || exit 0
shift
form='{{.ID}} {{.Size}} {{join .RootFS.Layers ","}}'
there=$(docker image ls --all --quiet --no-trunc 2>/dev/null) || exit 0
for each; do
  kept=${each%%=*}/weight image=${each#*=}
  told=$(cat -- "$kept" 2>/dev/null)
  if ! echo "$told" | grep -qxE '[^ ]+ [0-9]+ [^ ]* [0-9,]+' || ! echo "$there" | grep -qxF -- "${told%% *}"; then
    told=$(docker image inspect --format "$form" "$image" 2>/dev/null) || continue
    told="$told $(docker history --human=false --format '{{.Size}}' "$image" | tr '\\n' ',')"
    { echo "$told" >"$kept.$$" && mv -f -- "$kept.$$" "$kept"; } 2>/dev/null
  fi
  echo "$image $told"
done
true
"""
"""A line for each RELEASE=IMAGE that is there: image, id, bytes, its layers from the lowest on, the bytes of its steps
from the last on. That is kept with the release: to ask for it takes two programs, and there may be many releases.
"""
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


async def weights(host: Host, folder: str, images: Mapping[str, str]) -> dict[str, int]:
    """The bytes that each image adds to those before it, for those that are there. Raises Transient.

    They are those of releases in a folder, by their ids.
    """
    if not images:
        return {}
    first: dict[str, str] = {}
    for release, image in images.items():
        first.setdefault(image, release)
    pairs = (f"{release}={image}" for image, release in first.items())
    lines = (await host.run(("sh", "-c", WEIGHTS, "sh", folder, *pairs))).stdout.splitlines()
    return dict(_added(dict(_image(line) for line in lines)))


def _image(line: str) -> tuple[str, Image]:
    name, _, size, layers, steps = line.split(" ")
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
