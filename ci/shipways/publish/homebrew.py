"""A Homebrew tap: the formulas of a release, once everything that they download is public."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

from shipways.config.schema import Config
from shipways.errors import Problem, Transient, Unfinished
from shipways.model.artifact import Kind
from shipways.model.facts import Facts
from shipways.model.item import Item, ItemKind, Phase, Publication, Seen
from shipways.model.manifest import ArtifactEntry, Manifest, Release
from shipways.model.names import formula_file
from shipways.model.tap import Served, TapBranch, TapChange, TapPlace, TapRights, formula_names, formulas_text
from shipways.model.version import is_prerelease, number_in, precedence
from shipways.outside.channels import Outside
from shipways.outside.taps import Tap

_TAG: Final = re.compile(rb'^\s*url ".*/releases/download/([^/"]+)/', re.MULTILINE)
_VERSION: Final = re.compile(rb'^\s*version "([^"]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomebrewChannel:
    """`TAG/formulas` is a commit on the tap's branch. Or `TAG/branch` is staged, and `TAG/pull-request` opened from it.

    These stay done after somebody has merged it. `patterns` are those of the packages' tags, by which the version of
    what is in the tap is read.
    """

    place: TapPlace
    project: str
    pull_request: bool = False
    patterns: tuple[str, ...] = ()
    name: str = "homebrew"

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """Of each full release that has formulas."""
        return tuple(item for release in manifest.releases() for item in self._release(manifest, release))

    async def preflight(self, outside: Outside) -> tuple[Problem, ...]:
        """What is against a commit in the tap, before anything is built. Raises Transient, or Unfinished."""
        return tuple(self._forbidden(await outside.tap(self.place).rights()))

    async def foresee(self, outside: Outside) -> tuple[str, ...]:
        """A branch that may refuse the commit, where nobody but an admin is told. Raises Transient, or Unfinished."""
        rights = await outside.tap(self.place).rights()
        if not rights.protected or rights.refused or self.pull_request:
            return ()
        where = f"{self.place.tap}: the branch {self.place.branch}"
        return (f"{where} is protected, and only admins are told how: it may refuse the commit of the formula",)

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        """What the tap has, or a pull request is about to bring there."""
        tap = outside.tap(self.place)
        public = [item for item in items if item.phase is Phase.COMMIT]
        names = {name for item in public for name in formula_names(item.want)}
        base = await tap.formulas(names) if names else TapBranch(formulas={})
        found = {}
        for item in items:
            if item.phase is Phase.COMMIT:
                found[item.id] = await self._public(tap, base, item)
            else:
                branch, wanted = self._branch(item), formula_names(item.want)
                there = await tap.staged(branch, wanted)
                found[item.id] = Seen(value=there.text(wanted), stamp=branch, url=there.url)
        return found

    async def apply(self, outside: Outside, item: Item, seen: Seen) -> Publication:
        """Stage the branch, or compare what people will get with the formulas, and make these public."""
        tap, names = outside.tap(self.place), formula_names(item.want)
        change = TapChange(
            formulas={name: outside.artifact(formula_file(name)) for name in names},
            message=f"{', '.join(names)} {item.version}",
            seen=seen.value,
        )
        if item.phase is Phase.STAGE:
            return Publication(item=item.id, url=await tap.stage(self._branch(item), change))
        for path in change.formulas.values():
            _compare(item, await tap.downloads(path))
        if self.pull_request:
            return Publication(item=item.id, url=await tap.open(self._branch(item), change.message))
        return Publication(item=item.id, url=await tap.commit(change))

    async def fetch(self, outside: Outside, item: Item, seen: Seen, artifact: ArtifactEntry, into: Path) -> None:
        """Download a formula from where it was seen."""
        del item
        await outside.tap(self.place).fetch(seen.stamp, PurePosixPath(artifact.path).stem, into)

    async def leads(self, outside: Outside, downloaded: Path) -> Sequence[Served]:
        """What people install by a formula."""
        return await outside.tap(self.place).downloads(downloaded)

    async def _public(self, tap: Tap, base: TapBranch, item: Item) -> Seen:
        """What people get, or what is wanted when a pull request for it is open: then the stamp is its branch."""
        names, branch = formula_names(item.want), self._branch(item)
        value = base.text(names)
        if self.pull_request and value != item.want and (url := await tap.pull_request(branch)):
            return Seen(value=item.want, version=item.version, stamp=branch, url=url)
        versions = [self._version(base.formulas[name]) for name in names if name in base.formulas]
        return Seen(value=value, version=max(versions, key=precedence, default=""), url=base.url if value else "")

    def _release(self, manifest: Manifest, release: Release) -> Iterator[Item]:
        packages, version = {package.name for package in release.packages}, release.packages[0].version
        formulas = {
            PurePosixPath(entry.path).stem: entry.digest
            for entry in manifest.artifacts
            if entry.kind == Kind.FORMULA and entry.package in packages
        }
        if not formulas or is_prerelease(version):
            return
        top, want = f"{self.name}/{release.tag}", formulas_text(formulas)
        parts = tuple(map(formula_file, formulas))
        needs: tuple[str, ...] = (f"github/{release.tag}/published",)
        if self.pull_request:
            needs = (*needs, f"{top}/branch")
            yield Item(
                id=needs[-1],
                kind=ItemKind.STAGED,
                phase=Phase.STAGE,
                want=want,
                version=version,
                parts=parts,
                passing=True,
            )
        yield Item(
            id=f"{top}/{'pull-request' if self.pull_request else 'formulas'}",
            kind=ItemKind.MOVING,
            phase=Phase.COMMIT,
            want=want,
            needs=needs,
            version=version,
            parts=parts,
        )

    def _branch(self, item: Item) -> str:
        """The branch for a pull request; a tap may have the formulas of many projects."""
        return f"shipways/{self.project}/{item.id.removeprefix(f'{self.name}/').rpartition('/')[0]}"

    def _version(self, formula: bytes) -> str:
        """What a formula installs: the version in the tag that it downloads from, else what it says."""
        if found := _TAG.search(formula):
            tag = unquote(found[1].decode(errors="replace"))
            if number := next((number for p in self.patterns if (number := number_in(tag, p))), ""):
                return number
        said = _VERSION.search(formula)
        return said[1].decode(errors="replace") if said else ""

    def _forbidden(self, rights: TapRights) -> Iterator[Problem]:
        place = self.place
        if not rights.token:
            hint = "or GH_TOKEN, or GITHUB_TOKEN, if that may write there"
            yield Problem(path="HOMEBREW_TAP_TOKEN", what="is not set", why="a tap needs a token", hint=hint)
        elif rights.write is False:
            hint = "HOMEBREW_TAP_TOKEN needs `contents: write` there, and its user the right to push"
            yield Problem(path=place.side, what="cannot be written to with this token", hint=hint)
        if not rights.related:
            yield Problem(path="publish.homebrew.fork", what=f"{place.side} is not a fork of {place.tap}")
        if not rights.branch:
            hint = "make it, with a README, or set publish.homebrew.branch"
            yield Problem(path=place.tap, what=f"has no branch {place.branch}", hint=hint)
        if rights.refused and not self.pull_request:
            hint = "set publish.homebrew.pull_request, or let the token's user bypass it"
            what = f"the branch {place.branch} takes no commit of this token"
            yield Problem(path=place.tap, what=what, why=rights.refused, hint=hint)


def _compare(item: Item, downloads: Sequence[Served]) -> None:
    """Raises Transient while a download is not there for everybody, Unfinished when it is another one."""
    if not downloads:
        raise Unfinished(Problem(path=item.id, what="has a formula that downloads nothing"))
    for served in downloads:
        if not served.found:
            raise Transient(Problem(path=item.id, what=f"{served.url} is not there for everybody"))
        if served.found != served.said:
            what = f"{served.url} is {served.found}, and the formula says {served.said}"
            raise Unfinished(Problem(path=item.id, what=what, hint="release the next version"))


def plan(config: Config, facts: Facts | None) -> Iterator[HomebrewChannel]:
    """The tap, if the config has one."""
    del facts
    table, github = config.publish.homebrew, config.publish.github
    if table and github:
        yield HomebrewChannel(
            place=TapPlace(tap=table.tap, branch=table.branch, fork=table.fork, api=table.api or github.api),
            project=config.project.name,
            pull_request=table.pull_request,
            patterns=tuple(dict.fromkeys(package.tag for package in config.package.values())),
        )
