"""Go: the modules that are really linked, out of the build information of the programs."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from anyio import to_thread

from shipways.bundle.components.contents import Contents, Part, Purl
from shipways.model.artifact import Artifact, Kind
from shipways.model.build import Build, Mount, Tool
from shipways.model.digest import Json
from shipways.model.source import SourceTree
from shipways.ports import Inbox, World

_FILE: Final = "buildinfo.txt"
_TOLD: Final = "the build information in the programs (go version -m)"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoReader:
    """Programs by a Go of version `go`; `version` is that of their package, which no program knows."""

    step: str
    go: str
    image: str
    version: str

    def record(self) -> Json:
        """The version of the tool that reads, and that of the package."""
        return ["go", self.go, self.version]

    async def read(self, world: World, inbox: Inbox, artifact: Artifact) -> Contents:  # noqa: ARG002 - programs tell it
        """Ask the go tool about the programs, which are beside the artifact in the inbox."""
        programs = [program for program in inbox.artifacts() if program.kind is Kind.BINARY]
        mounts = tuple(Mount(artifact=program, path=f"bin/{program.blob.name}") for program in programs)
        build = Build(
            name=self.step,
            image=self.image,
            tools=(Tool(name="go", version=self.go),),
            source=SourceTree(files=()),
            commands=(("go", "version", "-m", *("{src}/" + mount.path for mount in mounts)),),
            outputs=(_FILE,),
            env=(("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", "")),
            mounts=mounts,
            stdout=_FILE,
        )
        (told,) = await world.engine.run(build, inbox)
        return linked((await to_thread.run_sync(world.files.read, told)).decode(errors="replace"), self.version)


def linked(text: str, version: str) -> Contents:
    """The contents by what `go version -m` prints (cmd/go; fields as in Go's runtime/debug, `ParseBuildInfo`)."""
    main = Purl(type="golang", name="unknown")
    parts: dict[Purl, Part] = {}
    for cells in (line.split("\t") for line in text.splitlines()):
        match cells:
            case [head] if found := re.search(r": .*?\bgo(\d\S*)", head):
                stdlib = Purl(type="golang", name="stdlib", version=found[1])
                parts[stdlib] = Part(purl=stdlib)
            case ["", "mod", path, *_]:
                main = _purl(path, f"v{version}")
            case ["", "dep", path, number, *sums]:
                last = _module(path, number, sums)
                parts[last.purl] = last
            case ["", "=>", path, number, *sums]:
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
