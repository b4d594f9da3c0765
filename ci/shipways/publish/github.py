"""A release on GitHub: a draft until all of it is there."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from shipways.config.manifestfile import FILE_NAME, manifest_digest
from shipways.config.schema import Config
from shipways.errors import ConfigError, Moved, Problem, Transient, Unfinished
from shipways.model.digest import digest_of, short
from shipways.model.facts import Facts
from shipways.model.forge import ForgeRelease
from shipways.model.item import Item, ItemKind, Phase, Publication, Seen
from shipways.model.manifest import ArtifactEntry, Manifest, Release
from shipways.model.version import is_prerelease, number_in, precedence
from shipways.outside.channels import Outside
from shipways.outside.forges import Forge
from shipways.publish.githubassets import file, staged, upload
from shipways.publish.githubcheck import check, other_commit

_NAME: Final = re.compile(r"[A-Za-z0-9@+_-]+(\.[A-Za-z0-9@+_-]+)*")
"""Names of assets that GitHub keeps as they are; others it changes without a word."""
_DRAFT: Final = "draft"
_PUBLISHED: Final = "published"
_LONGEST: Final = 125_000
"""Characters that GitHub takes as the text of a release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GithubChannel:
    """`TAG/draft` and the assets are staged, `TAG/published` makes them public, `latest` is the newest full release.

    `notes` are the texts by tag, of what is released at `commit`; `patterns` those of the packages' tags, to read the
    version of what is the latest.
    """

    repository: str
    api: str = ""
    commit: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    patterns: tuple[str, ...] = ()
    name: str = "github"

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """Raises ConfigError for names that GitHub would change."""
        releases = manifest.releases()
        problems = [problem for release in releases for problem in _bad_names(release)]
        if problems:
            raise ConfigError(*problems)
        items = [item for release in releases for item in self._release(manifest, release)]
        return (*items, *self._latest(releases))

    async def preflight(self, outside: Outside) -> tuple[Problem, ...]:
        """What is against a release of these tags, before it is built. Raises Transient, or Unfinished."""
        tags = tuple(tag for tag, _ in self.notes)
        return await check(outside.forge(self.api, self.repository), self.repository, tags, self.commit)

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        """What the repository has: of several releases for a tag the published one, else the oldest draft."""
        forge = outside.forge(self.api, self.repository)
        tags = tuple(dict.fromkeys(tag for item in items if (tag := self._tag(item))))
        releases = await forge.releases(tags) if tags else ()
        found: dict[str, Seen] = {}
        for tag in tags:
            here = [release for release in releases if release.tag == tag]
            if here:
                mine = [item for item in items if self._tag(item) == tag]
                found |= await _standing(forge, mine, here, unknown=tag not in dict(self.notes))
        for item in items:
            if not self._tag(item):
                tag = await forge.latest()
                found[item.id] = Seen(value=tag, version=self._version(tag))
        return found

    async def apply(self, outside: Outside, item: Item, seen: Seen) -> Publication:
        """One request that changes something, two for a file that is replaced."""
        forge, tag = outside.forge(self.api, self.repository), self._tag(item)
        if not tag:
            release = await _mark(forge, item.want, seen)
        elif item.path:
            source = outside.artifact(item.path)
            return Publication(item=item.id, url=await upload(forge, tag, (item.id, _name(item)), source, seen))
        elif item.kind is ItemKind.FIXED:
            release = await _publish(forge, tag)
        else:
            release = await self._draft(forge, tag, item, seen)
        return Publication(item=item.id, url=release.url)

    async def fetch(self, outside: Outside, item: Item, seen: Seen, artifact: ArtifactEntry, into: Path) -> None:
        """Download an asset."""
        del item, artifact
        await outside.forge(self.api, self.repository).fetch(int(seen.stamp), into)

    async def sealed(self, outside: Outside, tag: str, into: Path) -> bool:
        """Download the manifest of a published release, else of the oldest draft."""
        forge = outside.forge(self.api, self.repository)
        for release in (await forge.releases((tag,)))[:1]:
            for asset in await forge.assets(release):
                if asset.name == FILE_NAME and asset.whole:
                    await forge.fetch(asset.id, into)
                    return True
        return False

    async def staged(self, outside: Outside, tag: str) -> Mapping[str, Seen]:
        """The assets of the oldest draft."""
        return await staged(outside.forge(self.api, self.repository), tag)

    async def retract(self, outside: Outside, item: Item, seen: Seen) -> None:
        """Delete an asset of a draft."""
        forge, tag = outside.forge(self.api, self.repository), self._tag(item)
        if not (await forge.current(tag)).draft:
            raise Moved(Problem(path=item.id, what="is public"))
        await forge.remove(int(seen.stamp))

    async def _draft(self, forge: Forge, tag: str, item: Item, seen: Seen) -> ForgeRelease:
        """Make it, or let the oldest one be as wanted. Of what two runners make at once one stays: the oldest."""
        wanted = self._wanted(tag, _commit(item), item.version)
        if problem := await other_commit(forge, tag, wanted.commit):
            raise Unfinished(problem)
        made: tuple[ForgeRelease, ...] = () if seen.value else (await forge.create(wanted),)
        there = {release.id: release for release in (*made, *await forge.releases((tag,)))}
        if not there:
            raise Moved(Problem(path=item.id, what="has been deleted by somebody else"))
        ordered = sorted(there.values(), key=lambda release: (release.draft, release.id))
        first, others = ordered[0], ordered[1:]
        if first.draft and _text(first) != item.want:
            first = await forge.edit(replace(wanted, id=first.id))
        for other in others:
            if other.id in {release.id for release in made}:
                await forge.delete(other)
        return first

    def _wanted(self, tag: str, commit: str, version: str) -> ForgeRelease:
        return ForgeRelease(
            tag=tag,
            name=tag,
            notes=dict(self.notes).get(tag, "")[:_LONGEST],
            commit=commit,
            prerelease=is_prerelease(version),
        )

    def _release(self, manifest: Manifest, release: Release) -> Iterator[Item]:
        top, version = f"{self.name}/{release.tag}", release.packages[0].version
        draft = Item(
            id=f"{top}/{_DRAFT}",
            kind=ItemKind.MOVING,  # its text may still change when something else is public
            phase=Phase.STAGE,
            want=_text(self._wanted(release.tag, manifest.commit, version)),
            version=version,
        )
        yield draft
        files = [(asset.name, asset.path, asset.digest) for asset in release.assets]
        for name, path, digest in (*files, (FILE_NAME, FILE_NAME, manifest_digest(manifest))):
            yield Item(
                id=f"{top}/{name}",
                kind=ItemKind.STAGED,
                phase=Phase.STAGE,
                want=digest,
                path=path,
                needs=(draft.id,),
            )
        yield Item(
            id=f"{top}/{_PUBLISHED}", kind=ItemKind.FIXED, phase=Phase.COMMIT, want=_PUBLISHED, needs=(draft.id,)
        )

    def _latest(self, releases: Iterable[Release]) -> Iterator[Item]:
        full = [release for release in releases if not is_prerelease(release.packages[0].version)]
        if full:
            newest = max(full, key=lambda release: precedence(release.packages[0].version))
            yield Item(
                id=f"{self.name}/latest",
                kind=ItemKind.MOVING,
                phase=Phase.COMMIT,
                want=newest.tag,
                version=newest.packages[0].version,
                needs=(f"{self.name}/{newest.tag}/{_PUBLISHED}",),
            )

    def _tag(self, item: Item) -> str:
        """The tag in an item's id, which may have slashes; empty for `latest`."""
        return item.id.removeprefix(f"{self.name}/").rpartition("/")[0]

    def _version(self, tag: str) -> str:
        return next((number for pattern in self.patterns if (number := number_in(tag, pattern))), "")


async def _standing(
    forge: Forge, items: Sequence[Item], releases: Sequence[ForgeRelease], *, unknown: bool
) -> Mapping[str, Seen]:
    """What a tag has. `unknown`: nobody here knows its notes, so those of its draft are right."""
    release = releases[0]
    public = Seen(value="" if release.draft else _PUBLISHED, url=release.url)
    there = {asset.name: asset for asset in await forge.assets(release)} if any(item.path for item in items) else {}
    found = {}
    for item in items:
        if item.path:
            found[item.id] = await file(forge, there.get(_name(item)))
        elif item.kind is ItemKind.FIXED:
            found[item.id] = public
        elif not release.draft or (unknown and _commit(item) == release.commit):
            found[item.id] = Seen(value=item.want, url=release.url)  # people may edit the text of what is published
        else:
            found[item.id] = Seen(value=_text(release), url=release.url)
    return found


async def _publish(forge: Forge, tag: str) -> ForgeRelease:
    """Undraft, and look whether it is so. It becomes the latest in a step of its own."""
    found = await forge.releases((tag,))
    if not found or not found[0].draft:
        raise Moved(Problem(path=tag, what="has been published, or deleted, by somebody else"))
    release = found[0]
    if problem := await other_commit(forge, tag, release.commit):
        raise Unfinished(problem)
    for other in found[1:]:
        if await _is_copy(forge, other, release):
            await forge.delete(other)
    await forge.edit(replace(release, draft=False))
    now = (*await forge.releases((tag,)), release)[0]
    if now.draft:
        raise Transient(Problem(path=tag, what="was published, and is still a draft"))
    return now


async def _mark(forge: Forge, tag: str, seen: Seen) -> ForgeRelease:
    """GitHub takes the newest for the latest until one is marked, so this is done even where it is so already."""
    if await forge.latest() not in (seen.value, tag):
        raise Moved(Problem(path=tag, what="another release has become the latest"))
    return await forge.edit(await forge.current(tag), latest=True)


async def _is_copy(forge: Forge, other: ForgeRelease, release: ForgeRelease) -> bool:
    """Whether a draft is what a runner left that was ended, and not the work of a person."""
    return _text(other) == _text(release) and not await forge.assets(other)


def _name(item: Item) -> str:
    """What a file is called in its release, where there are no folders."""
    return item.id.rpartition("/")[2]


def _commit(item: Item) -> str:
    """The commit that a draft is of."""
    return item.want.partition(" ")[0]


def _text(release: ForgeRelease) -> str:
    """What a draft says, to compare: its commit, and a digest of the rest but for white space at the ends of lines."""
    notes = "\n".join(line.rstrip() for line in release.notes.strip().splitlines())
    said = digest_of({"tag": release.tag, "name": release.name, "notes": notes, "prerelease": release.prerelease})
    return f"{release.commit} {short(said)}"


def _bad_names(release: Release) -> Iterator[Problem]:
    taken = {_DRAFT: "shipways", _PUBLISHED: "shipways", FILE_NAME: "shipways"}
    for asset in release.assets:
        why = "GitHub would change it; it keeps letters, digits, single dots and - _ + @"
        if asset.name in taken:
            why = f"{taken[asset.name]} has it for itself"
        if asset.name in taken or not _NAME.fullmatch(asset.name):
            yield Problem(path=asset.path, what="cannot be the name of an asset", why=why)
        taken[asset.name] = asset.path


def plan(config: Config, facts: Facts | None) -> Iterator[GithubChannel]:
    """The releases of the project's repository, if the config wants them."""
    if config.publish.github:
        yield GithubChannel(
            repository=config.project.repository,
            api=config.publish.github.api,
            commit=facts.git.commit if facts else "",
            notes=facts.notes if facts else (),
            patterns=tuple(dict.fromkeys(package.tag for package in config.package.values())),
        )
