"""A release at a forge, as its API tells of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeRelease:
    """A release. `id` is 0 for one that is not there yet; `commit` is what its tag is made for where there is none.

    `immutable`: it is published, and its assets and tag are locked.
    """

    tag: str
    name: str
    notes: str
    commit: str
    prerelease: bool
    draft: bool = True
    id: int = 0
    immutable: bool = False
    url: str = ""
    upload_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeAsset:
    """A file of a release. `whole`: its upload has ended; `digest` is empty where the forge does not tell it."""

    id: int
    name: str
    whole: bool
    digest: str = ""
    url: str = ""
    """Where people find it."""
    bytes_url: str = ""
    """Where the API has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeRights:
    """What a token may do. `write` is None where the forge does not tell; `remaining` requests until `reset`.

    `reset` is in seconds since 1970.
    """

    token: bool
    write: bool | None
    remaining: int
    reset: float
