"""Go: the modules that are really linked, out of the build information of the programs."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from anyio import to_thread

from shipways.bundle.components.contents import Contents, Part, Purl
from shipways.errors import BuildError, Problem
from shipways.model.artifact import Artifact, Kind
from shipways.model.digest import Json
from shipways.ports import Inbox, World

_TOLD: Final = "the build information in the programs (go version -m)"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoReader:
    """Programs by Go; `version` is that of their package, which no program knows."""

    version: str

    def record(self) -> Json:
        """The version of the package: all else stands in the programs."""
        return ["go", self.version]

    async def read(self, world: World, inbox: Inbox, artifact: Artifact) -> Contents:  # noqa: ARG002 - programs tell it
        """Look into the programs beside the artifact in the inbox. Raises BuildError when one says nothing."""
        told = []
        for program in inbox.artifacts():
            if program.kind is Kind.BINARY:
                text = await to_thread.run_sync(world.inspector.build_information, inbox.path(program))
                if not text:
                    why = "Go's linker writes it; a packer, or a linker of somebody else, may have lost it"
                    raise BuildError(Problem(path=program.name, what="has no build information of Go", why=why))
                told.append(text)
        return linked("\n".join(told), self.version)


def linked(text: str, version: str) -> Contents:
    """The contents by build information: a line with Go's version, then fields (runtime/debug, `ParseBuildInfo`)."""
    main = Purl(type="golang", name="unknown")
    parts: dict[Purl, Part] = {}
    for cells in (line.split("\t") for line in text.splitlines()):
        match cells:
            case [head] if found := re.match(r"go(\d\S*)", head):
                stdlib = Purl(type="golang", name="stdlib", version=found[1])
                parts[stdlib] = Part(purl=stdlib)
            case ["mod", path, *_]:
                main = _purl(path, f"v{version}")
            case ["dep", path, number, *sums]:
                last = _module(path, number, sums)
                parts[last.purl] = last
            case ["=>", path, number, *sums]:
                # What replaces a module stands right below it.
                del parts[last.purl]
                last = _replaced(last.purl, path, number, sums)
                parts[last.purl] = last
    return Contents(main=Part(purl=main, needs=tuple(parts)), version=version, parts=tuple(parts.values()), told=_TOLD)


def _module(path: str, version: str, sums: Iterable[str]) -> Part:
    """A module. Its h1 sum is one over a list of files (golang.org/x/mod/sumdb/dirhash), so it is no file's hash."""
    return Part(purl=_purl(path, version), properties=tuple(_sums(sums)))


def _replaced(old: Purl, path: str, version: str, sums: Iterable[str]) -> Part:
    local = path.startswith((".", "/")) or not version
    what = f"{old.title} {old.version}".rstrip()
    if local:
        return Part(purl=_purl(old.title, ""), properties=(("shipways:go:replaced-by", path),))
    return Part(purl=_purl(path, version), properties=(*_sums(sums), ("shipways:go:replaces", what)))


def _sums(sums: Iterable[str]) -> Iterator[tuple[str, str]]:
    return (("shipways:go:sum", value) for value in sums if value)


def _purl(path: str, version: str) -> Purl:
    """`(devel)` is what Go says of sources without a version."""
    namespace, _, name = path.rpartition("/")
    return Purl(type="golang", namespace=namespace, name=name, version="" if version == "(devel)" else version)
