"""An index of Python packages: an sdist first, then the wheels, each name once and for ever."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.utils import parse_sdist_filename, parse_wheel_filename

from shipways.config.publish import PypiTable
from shipways.config.schema import Config
from shipways.errors import Problem, Unfinished
from shipways.model.artifact import Kind
from shipways.model.facts import Facts
from shipways.model.item import Item, ItemKind, Phase, Publication, Seen
from shipways.model.manifest import ArtifactEntry, Manifest
from shipways.outside.channels import Outside
from shipways.outside.indexes import PythonIndex

_CHECK: Final = "check"
_TOKEN: Final = "token"  # noqa: S105 - the name of an item
_AT_HAND: Final = "at hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiChannel:
    """`pypi/FILE` is a file on the index.

    An index has no dry upload, so the stage is checks: `pypi/check/FILE` is what its metadata passes, and `pypi/token`
    a token at hand, which trusted publishing mints. Both are needed no more once the files are there.
    """

    table: PypiTable
    name: str = "pypi"

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """The checks, then the files; those after the first of a package need the first, which makes the release."""
        checks, uploads = [], []
        for package in manifest.packages:
            files = [entry for entry in _distributions(manifest) if entry.package == package.name]
            for entry in files:
                first = () if entry is files[0] else (self._id(files[0]),)
                checks.append(self._check(entry))
                uploads.append(self._upload(entry, first))
        token = self._staged(f"{self.name}/{_TOKEN}", _AT_HAND)
        return (token, *checks, *uploads) if uploads else ()

    async def preflight(self, outside: Outside) -> tuple[Problem, ...]:
        """Nothing, when there is a token, or one can be minted. Raises Unfinished, Transient."""
        await outside.pypi(self.table).authorize()
        return ()

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        """What the index has; for the checks, what passes now."""
        index = outside.pypi(self.table)
        files = {item: _name(item.path) for item in items if item.phase is Phase.COMMIT}
        found: dict[str, Seen] = {}
        for project in dict.fromkeys(map(_project, files.values())):
            mine = {file: item.id for item, file in files.items() if _project(file) == project}
            there = await index.files(project, mine.keys())
            found |= {mine[file]: seen for file, seen in there.items()}
        staged = [item for item in items if item.phase is Phase.STAGE]
        return found | {item.id: Seen(value=item.want) for item in staged if await self._passes(outside, index, item)}

    async def apply(self, outside: Outside, item: Item, seen: Seen) -> Publication:
        """Upload; for the checks, say what is wrong."""
        del seen  # an index never replaces anything
        index = outside.pypi(self.table)
        url = ""
        if item.phase is Phase.COMMIT:
            url = await index.upload(outside.artifact(item.path))
        elif item.path:
            if problems := await index.check(outside.artifact(item.path)):
                raise Unfinished(*problems)
        else:
            await index.authorize()
        return Publication(item=item.id, url=url)

    async def fetch(self, outside: Outside, item: Item, seen: Seen, artifact: ArtifactEntry, into: Path) -> None:
        """Download a file."""
        del item, artifact
        await outside.pypi(self.table).fetch(seen.url, into)

    async def _passes(self, outside: Outside, index: PythonIndex, item: Item) -> bool:
        return not await index.check(outside.artifact(item.path)) if item.path else await index.ready()

    def _id(self, entry: ArtifactEntry) -> str:
        return f"{self.name}/{_name(entry.path)}"

    def _check(self, entry: ArtifactEntry) -> Item:
        return self._staged(f"{self.name}/{_CHECK}/{_name(entry.path)}", entry.digest, entry.path)

    def _staged(self, name: str, want: str, path: str = "") -> Item:
        return Item(id=name, kind=ItemKind.STAGED, phase=Phase.STAGE, want=want, path=path, passing=True)

    def _upload(self, entry: ArtifactEntry, first: tuple[str, ...]) -> Item:
        return Item(
            id=self._id(entry),
            kind=ItemKind.FIXED,
            phase=Phase.COMMIT,
            want=entry.digest,
            needs=(f"{self.name}/{_TOKEN}", self._check(entry).id, *first),
            path=entry.path,
        )


def _distributions(manifest: Manifest) -> list[ArtifactEntry]:
    """The sdists, then the wheels; without an sdist one wheel makes the release."""
    return [entry for kind in (Kind.SDIST, Kind.WHEEL) for entry in manifest.artifacts if entry.kind == kind.value]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _project(file: str) -> str:
    """The normalized name of the project that a file belongs to (PEP 503)."""
    return parse_wheel_filename(file)[0] if file.endswith(".whl") else parse_sdist_filename(file)[0]


def plan(config: Config, facts: Facts | None) -> Iterator[PypiChannel]:
    """The index of the config, if it has one."""
    del facts
    if config.publish.pypi:
        yield PypiChannel(table=config.publish.pypi)
