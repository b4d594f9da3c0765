"""`[publish]`: where a release goes."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import StringConstraints

from shipways.config.images import Image
from shipways.config.kinds import Frozen
from shipways.model.oci import parse_reference

MovingTag = Annotated[
    str,
    StringConstraints(
        pattern=r"^([A-Za-z0-9_]|\{major\}|\{minor\})([A-Za-z0-9_.-]|\{major\}|\{minor\})*$", max_length=100
    ),
]
Folder = Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$|^~/[^\x00]+$")]


CrateRegistryName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z][A-Za-z0-9_-]*|sparse\+https?://[^\s?#]+/)?$")]


class CratesTable(Frozen):
    """`[publish.crates]`: a registry of Rust crates."""

    registry: CrateRegistryName = ""


class FilesTable(Frozen):
    """`[publish.files]`: a folder that a mirror serves, or that is carried to where there is no network."""

    folder: Folder


class RegistryTable(Frozen):
    """`[publish.registry]`: each image goes to its repositories."""

    moving: tuple[MovingTag, ...] = ("latest", "{major}", "{major}.{minor}")


class Publish(Frozen):
    """The channels, each one there when its table is."""

    crates: CratesTable | None = None
    files: FilesTable | None = None
    registry: RegistryTable | None = None


def registry_problems(publish: Publish, images: Mapping[str, Image]) -> Iterator[str]:
    """What only the images can tell: that there is something to push, and that no tag would be that of two images."""
    if publish.registry is None:
        return
    if not any(image.repositories for image in images.values()):
        yield "publish.registry: no image has repositories to push it to"
    owners: dict[tuple[str, str], str] = {}
    for name, image in images.items():
        for repository in image.repositories:
            meant = parse_reference(repository)
            owner = owners.setdefault((meant.host, meant.repository), name)
            if owner != name:
                yield f"image.{name}.repositories: {repository} is the repository of image.{owner} too"
