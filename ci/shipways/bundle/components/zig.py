"""Zig: the dependencies that build.zig.zon declares. No program and no lock file tells which are linked."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from anyio import to_thread

from shipways.bundle.components.contents import Contents, Part, Properties, Purl, told_by_nobody, unreadable
from shipways.bundle.components.zon import Zon, parse_zon
from shipways.model.artifact import Artifact
from shipways.model.digest import Json
from shipways.model.source import SourceFile
from shipways.ports import Inbox, World

_TOLD: Final = "build.zig.zon, which declares what is fetched; what those need themselves is not listed"
# A package hash is name-version-digest with a digest of 44 characters (zig 0.14 and later, "Package.Hash");
# of a package without a manifest it is N-V-__8… .
_HASH: Final = re.compile(r"(?P<name>[^-]+)-(?P<version>.+)-(?P<digest>[\w-]{44})")
_NAMELESS: Final = "N-V-__8"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZigReader:
    """A Zig package of this name and version; `manifest` is its build.zig.zon, where it has one."""

    manifest: SourceFile | None
    name: str
    version: str

    def record(self) -> Json:
        """The manifest by object name."""
        return ["zig", self.manifest.oid if self.manifest else "", self.name, self.version]

    async def read(self, world: World, inbox: Inbox, artifact: Artifact) -> Contents:  # noqa: ARG002 - sources tell it
        """Read the manifest."""
        main = Purl(type="generic", name=self.name, version=self.version)
        if self.manifest is None:
            return told_by_nobody(main, self.version, "there is no build.zig.zon, so nothing is declared")
        text = await to_thread.run_sync(world.sources.read, self.manifest)
        parts = declared(text.decode(errors="replace"), self.manifest.path)
        needs = tuple(part.purl for part in parts)
        return Contents(main=Part(purl=main, needs=needs), version=self.version, parts=parts, told=_TOLD)


def declared(text: str, path: str) -> tuple[Part, ...]:
    """The dependencies of a manifest (zig's doc/build.zig.zon.md). Raises BuildError for one that cannot be read."""
    try:
        manifest = parse_zon(text)
    except ValueError as error:
        raise unreadable(path, str(error)) from None
    dependencies = manifest.get("dependencies", {}) if isinstance(manifest, Mapping) else {}
    if not isinstance(dependencies, Mapping):
        raise unreadable(path, "its dependencies are no struct")
    return tuple(_part(name, entry) for name, entry in dependencies.items() if isinstance(entry, Mapping))


def _part(name: str, entry: Mapping[str, Zon]) -> Part:
    told = {key: value for key, value in entry.items() if isinstance(value, str)}
    match = _HASH.fullmatch(told.get("hash", ""))
    known = match if match and not match[0].startswith(_NAMELESS) else None
    purl = Purl(
        type="generic",
        name=known["name"] if known else name,
        version=known["version"] if known else "",
        qualifiers=tuple(_origin(told.get("url", ""))),
    )
    return Part(purl=purl, properties=tuple(_properties(told)), optional=told.get("lazy") == "true")


def _origin(url: str) -> Iterator[tuple[str, str]]:
    """Where it comes from, as purl-spec's qualifiers: `git+https://…#COMMIT` is written with an @ there."""
    if url.startswith("git+"):
        yield "vcs_url", "@".join(url.rsplit("#", 1))
    elif url:
        yield "download_url", url


def _properties(told: Mapping[str, str]) -> Properties:
    """The hash is one over a list of files, not of the file at the URL."""
    return tuple((f"shipways:zig:{key}", told[key]) for key in ("hash", "path") if key in told)
