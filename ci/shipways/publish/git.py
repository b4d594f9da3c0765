"""The tags of a release that makes its own, once everything else is staged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.model.facts import Facts
from shipways.model.item import Item, ItemKind, Phase, Publication, Seen
from shipways.model.manifest import Manifest
from shipways.outside.channels import Outside


@dataclass(frozen=True, slots=True, kw_only=True)
class GitChannel:
    """`git/TAG` is the commit that a tag names. It comes before all else that is public: the rest speaks of the tag."""

    repository: str
    api: str = ""
    tags: tuple[str, ...]
    commit: str
    name: str = "git"

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """One item for each tag of the release."""
        return tuple(
            Item(
                id=f"{self.name}/{release.tag}",
                kind=ItemKind.FIXED,
                phase=Phase.COMMIT,
                want=manifest.commit,
                first=True,
            )
            for release in manifest.releases()
        )

    async def preflight(self, outside: Outside) -> tuple[Problem, ...]:
        """What is against these tags, before anything is built. Raises Transient, or Unfinished."""
        tags = outside.tags(self.api, self.repository)
        return tuple([problem for tag in self.tags for problem in await tags.check(tag, self.commit)])

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        """What the remote has."""
        there = await outside.tags(self.api, self.repository).commits()
        return {item.id: Seen(value=there.get(self._tag(item), "")) for item in items}

    async def apply(self, outside: Outside, item: Item, seen: Seen) -> Publication:
        """Push the tag."""
        del seen  # a remote never lets a tag be replaced by one that is pushed so
        await outside.tags(self.api, self.repository).create(self._tag(item), item.want)
        return Publication(item=item.id)

    def _tag(self, item: Item) -> str:
        return item.id.removeprefix(f"{self.name}/")


def plan(config: Config, facts: Facts | None) -> Iterator[GitChannel]:
    """The remote of the repository, if this release makes its tags."""
    if facts and facts.git.new:
        yield GitChannel(
            repository=config.project.repository,
            api=config.publish.forge_api,
            tags=facts.git.new,
            commit=facts.git.commit,
        )
