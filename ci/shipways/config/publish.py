"""`[publish]`: where a release goes."""

from typing import Annotated

from pydantic import StringConstraints

from shipways.config.kinds import Frozen

Folder = Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$|^~/[^\x00]+$")]


class FilesTable(Frozen):
    """`[publish.files]`: a folder that a mirror serves, or that is carried to where there is no network."""

    folder: Folder


class Publish(Frozen):
    """The channels, each one there when its table is."""

    files: FilesTable | None = None
