"""What lies in a folder of a host, as a tree: by its own find and sha256sum, for names of any characters."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from shipways.deploy.fenced import must
from shipways.model.tree import Node, Tree
from shipways.outside.hosts import Host

_LIST: Final = r"""
[ -d "$1" ] || exit 0
find "$1/" -mindepth 1 -printf '%y\0%m\0%s\0%P\0%l\0' && printf '\0\0\0\0\0' || exit
find "$1/" -type f -exec sha256sum -z -- {} +
"""
"""All of it in one command: what there is in five fields each, five without a letter, then the digests.

`exit` alone ends with the status of what has failed.
"""
_KINDS: Final[Mapping[str, Literal["file", "folder", "link"]]] = {"f": "file", "d": "folder", "l": "link"}
_MODES: Final = {"f": {"644": False, "755": True}, "d": {"755": False}, "l": {"777": False}}
"""Those that are laid, and whether they make something executable; with any other it is not as it was laid."""
_STRANGE: Final = "sha256:"
"""The digest of what has no place in a tree: no other one has it."""


async def inventory(host: Host, folder: str) -> Tree:
    """Everything in a folder; nothing where there is none. Raises Transient, Unfinished."""
    fields = (await must(host, "sh", "-c", _LIST, "sh", folder)).split("\0")
    end = next((at for at in range(0, len(fields), 5) if not fields[at]), 0)
    digests = dict(_digests(fields[end + 5 : -1], f"{folder}/"))
    return Tree(nodes=tuple(sorted(_nodes(fields[:end], digests), key=lambda node: node.path)))


def _nodes(fields: Sequence[str], digests: Mapping[str, str]) -> Iterator[Node]:
    for at in range(0, len(fields), 5):
        letter, mode, size, path, target = fields[at : at + 5]
        executable = _MODES.get(letter, {}).get(mode)
        if executable is None:
            yield Node(path=path, kind="file", digest=_STRANGE)
        elif letter == "f":
            yield Node(path=path, kind="file", executable=executable, size=int(size), digest=digests.get(path, ""))
        else:
            yield Node(path=path, kind=_KINDS[letter], target=target)


def _digests(lines: Sequence[str], folder: str) -> Iterator[tuple[str, str]]:
    for line in lines:
        digest, _, path = line.partition("  ")
        yield path.removeprefix(folder), f"sha256:{digest}"
