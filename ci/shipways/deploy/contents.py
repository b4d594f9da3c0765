"""What is brought of a release of a manifest, on a host: also of one before, which may be of another method."""

import posixpath
from pathlib import PurePosixPath
from typing import Final

from shipways.deploy.fenced import must
from shipways.deploy.sources import Release
from shipways.model.service import Service
from shipways.outside.hosts import Host

_OTHERS: Final = 'grep -lsF -e "$1" "$2"/*/releases/*/release.json | grep -vxF -e "$3/release.json"'


def program(service: Service, folder: str) -> str:
    """Where the program of a release lies."""
    return f"{folder}/{PurePosixPath(service.command[0]).name}"


async def whole(host: Host, release: Release, path: str) -> bool:
    """Whether its image is there, or at this path its program. Raises Transient."""
    if release.image:
        return not (await host.run(("docker", "image", "inspect", "--format", "{{.Id}}", release.image))).code
    return bool(release.content) and await host.digest(path) == release.content


async def removed(host: Host, release: Release, folder: str) -> None:
    """What is not in its folder: an image, unless a container still is of it, or another release on the host is.

    Raises Transient, Unfinished.
    """
    root = posixpath.normpath(posixpath.join(folder, "../../.."))
    if release.image and not (await host.run(("sh", "-c", _OTHERS, "sh", release.image, root, folder))).stdout:
        await must(host, "docker", "image", "rm", release.image, fine=frozenset({0, 1}))
