"""Whether a release can be published on GitHub, asked before it is built."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from shipways.config.manifestfile import FILE_NAME
from shipways.errors import Problem
from shipways.model.forge import ForgeRelease, ForgeRights
from shipways.outside.forges import Forge

_ENOUGH: Final = 200
"""Requests for a release of sixty files, with room for trying again."""


async def check(forge: Forge, repository: str, tags: Sequence[str], commit: str) -> tuple[Problem, ...]:
    """A token that may write, requests enough, no tag on another commit, no release that takes nothing of ours."""
    problems = list(_forbidden(repository, await forge.rights()))
    for release in await forge.releases(tags) if tags else ():
        if await _locked(forge, release):
            what, why = "has been published by somebody else, and is immutable", "it takes no files of ours"
            problems.append(Problem(path=release.tag, what=what, why=why, hint="release the next version"))
    found = [await other_commit(forge, tag, commit) for tag in tags]
    return (*problems, *(problem for problem in found if problem))


async def other_commit(forge: Forge, tag: str, commit: str) -> Problem | None:
    """What is wrong when the forge has this tag on another commit."""
    there = await forge.commit(tag)
    if there in ("", commit):
        return None
    return Problem(
        path=tag,
        what=f"names commit {there[:12]} at GitHub, not {commit[:12]}",
        why="the release would not be what its tag says",
        hint="push the tag that this release is made from, or release from the other one",
    )


async def _locked(forge: Forge, release: ForgeRelease) -> bool:
    """Whether somebody else has published a release that takes none of our files."""
    return release.immutable and FILE_NAME not in {asset.name for asset in await forge.assets(release)}


def _forbidden(repository: str, rights: ForgeRights) -> Iterator[Problem]:
    if not rights.token:
        yield Problem(path="GH_TOKEN", what="is not set", why="a release needs a token", hint="or set GITHUB_TOKEN")
    elif rights.write is False:
        hint = "the token needs `contents: write`, and its user the right to push"
        yield Problem(path=repository, what="cannot be written to with this token", hint=hint)
    if rights.remaining < _ENOUGH:
        hint = f"wait until {datetime.fromtimestamp(rights.reset, UTC):%H:%M} UTC"
        what = f"only {rights.remaining} requests are left, a release takes up to {_ENOUGH}"
        yield Problem(path=repository, what=what, hint=hint)
