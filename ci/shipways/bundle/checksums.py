"""Sums of everything that people download, in the form that `sha256sum -c` and `sha512sum -c` read."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anyio import from_thread, to_thread

from shipways.config.schema import Algorithm, Config
from shipways.model.artifact import Artifact, Kind, Output
from shipways.model.facts import Facts
from shipways.model.names import release_stem
from shipways.model.step import Inputs, Spec, Work
from shipways.ports import Inbox, World

_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksums:
    """The sums by one algorithm: all in the file `combined`, unless empty; each in a file of its own when `single`."""

    spec: Spec
    algorithm: Algorithm
    combined: str
    single: bool

    def inputs(self, inbox: Inbox) -> Inputs:
        """The artifacts that are summed, and how."""
        assets = _assets(inbox)
        return Inputs(
            recipe="bundle/checksums 1",
            values=[self.algorithm, self.combined, self.single, [asset.blob.varies for asset in assets]],
            artifacts=assets,
        )

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Write them; nothing where there is nothing to sum."""
        assets = {asset.name: asset for asset in _assets(inbox)}
        lines = {name: f"{await self._sum(world, inbox, asset)}  {name}\n" for name, asset in assets.items()}
        texts = {f"{name}.{self.algorithm}": line for name, line in lines.items() if self.single}
        if self.combined and lines:
            texts[self.combined] = "".join(lines.values())
        varies = _reason([name for name, asset in assets.items() if asset.blob.varies])
        return tuple(_output(world, inbox.scratch / name, text, varies) for name, text in texts.items())

    async def _sum(self, world: World, inbox: Inbox, asset: Artifact) -> str:
        """The sum in hex. SHA-256 is known from the store."""
        if self.algorithm == "sha256":
            return asset.digest.removeprefix("sha256:")
        return await to_thread.run_sync(_hash, world, inbox.path(asset), self.algorithm)


def plan(config: Config, facts: Facts) -> Iterator[Checksums]:
    """A step for each algorithm."""
    table = config.checksums
    if not config.package:
        return
    stem = release_stem(config.project.name, [(name, facts.version(name).number) for name in config.package])
    for algorithm in dict.fromkeys(table.algorithms):
        combined = f"{stem}-{algorithm.upper()}SUMS" if table.combined else ""
        outputs = (*((combined,) if combined else ()), *((f"*.{algorithm}",) if table.single else ()))
        if outputs:
            yield Checksums(
                spec=Spec(
                    id=f"bundle/checksums/{algorithm}", work=Work.PACK, outputs=outputs, gathers=True, needs_all=True
                ),
                algorithm=algorithm,
                combined=combined,
                single=table.single,
            )


def _assets(inbox: Inbox) -> tuple[Artifact, ...]:
    """What a release uploads lies in `dist/` itself, by name; programs, formulas and images lie in folders."""
    top = (artifact for artifact in inbox.artifacts() if "/" not in artifact.name and artifact.kind != Kind.CHECKSUM)
    return tuple(sorted(top, key=lambda artifact: artifact.name))


def _output(world: World, place: Path, text: str, varies: str) -> Output:
    with world.files.create(place) as stream:
        stream.write(text.encode())
    return Output(name=place.name, kind=Kind.CHECKSUM, path=place, varies=varies)


def _hash(world: World, path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm)
    with world.files.open(path) as stream:
        while piece := stream.read(_PIECE):
            from_thread.check_cancelled()
            digest.update(piece)
    return digest.hexdigest()


def _reason(names: list[str]) -> str:
    return f"holds the sums of {', '.join(names)}, which may differ" if names else ""
