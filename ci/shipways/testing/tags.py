"""A remote's tags in memory."""

from collections.abc import Mapping, Sequence

from shipways.errors import Moved, Problem


class MemoryTags:
    """The `Tags` port over a mapping of tag and commit."""

    def __init__(self, **there: str) -> None:
        self.there = dict(there)

    async def commits(self) -> Mapping[str, str]:
        """Each tag with the commit that it names."""
        return dict(self.there)

    async def check(self, tag: str, commit: str) -> Sequence[Problem]:
        """A tag that names another commit."""
        there = self.there.get(tag, commit)
        return () if there == commit else (Problem(path=tag, what=f"is a tag of commit {there[:12]} already"),)

    async def create(self, tag: str, commit: str) -> None:
        """Make the tag."""
        if tag in self.there:
            raise Moved(Problem(path=tag, what="is there by now"))
        self.there[tag] = commit
