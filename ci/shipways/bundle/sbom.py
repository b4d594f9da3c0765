"""Bills of materials: for each archive, wheel and sdist what is in it, told by lock files and build information."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from uuid import NAMESPACE_URL, uuid5

import cyclonedx
from anyio import to_thread

from shipways import __version__
from shipways.bundle.components.choose import WrappedReader, distribution, programs
from shipways.bundle.components.contents import Contents, Reader
from shipways.config.schema import Config
from shipways.model.artifact import Artifact, Kind, Output
from shipways.model.facts import Facts
from shipways.model.names import archive_step, binary_step, sbom_step, stem
from shipways.model.plan import Skip
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import BY_TRIPLE, Target
from shipways.ports import Inbox, World

_SUFFIX: Final = ".cdx.json"
_MEDIA_TYPE: Final = "application/vnd.cyclonedx+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sbom:
    """The bill of materials of the artifact that the first step of its needs makes."""

    spec: Spec
    reader: Reader
    license: str
    epoch: int

    def inputs(self, inbox: Inbox) -> Inputs:
        """The artifact, who tells what is in it, and the library that writes it down."""
        return Inputs(
            recipe=f"bundle/sbom 1, shipways {__version__}, cyclonedx-python-lib {cyclonedx.__version__}",
            values={
                "reader": self.reader.record(),
                "package": self.spec.package,
                "license": self.license,
                "epoch": self.epoch,
                "varies": [artifact.blob.varies for artifact in inbox.artifacts()],
            },
            artifacts=inbox.artifacts(),
        )

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Read the contents and write them down."""
        (artifact,) = (artifact for artifact in inbox.artifacts() if artifact.step == self.spec.needs[0])
        contents = await self.reader.read(world, inbox, artifact)
        text = await to_thread.run_sync(self._text, inbox, artifact, contents)
        path = inbox.scratch / (artifact.blob.name + _SUFFIX)
        with world.files.create(path) as stream:
            stream.write(text.encode())
        varies = f"holds the digest of {artifact.blob.name}, which may differ" if artifact.blob.varies else ""
        return (Output(name=path.name, kind=Kind.SBOM, path=path, media_type=_MEDIA_TYPE, varies=varies),)

    def _text(self, inbox: Inbox, artifact: Artifact, contents: Contents) -> str:
        from shipways.bundle.components.cyclonedx import Subject, document  # noqa: PLC0415 - slow to import

        subject = Subject(
            file=artifact.blob.name,
            digest=artifact.digest,
            package=self.spec.package,
            license=self.license,
            epoch=self.epoch,
            # One number for one set of inputs: the same on every machine, another when anything changes.
            serial=uuid5(NAMESPACE_URL, f"urn:shipways:{self.inputs(inbox).key}"),
        )
        return document(subject, contents)


def plan(config: Config, facts: Facts) -> Iterator[Sbom | Skip]:
    """A step for each archive, wheel and sdist of each package with `sbom`."""
    for name, package in config.package.items():
        if not package.sbom:
            continue
        if package.makes_programs:
            yield from (_archive(config, facts, name, BY_TRIPLE[triple]) for triple in config.targets(name))
        elif package.python.binary and package.python.binary in config.package:
            yield from _wrapped(config, facts, name, package.python.binary)
        elif package.build == "python" and not package.python.binary:
            yield from _python(config, facts, name)


def _archive(config: Config, facts: Facts, name: str, target: Target) -> Sbom | Skip:
    archive = config.package[name].archive
    suffix = archive.windows if target.system == "windows" else archive.format
    step = sbom_step(name, target.triple)
    reader = programs(config, facts, name, target.triple, step)
    if isinstance(reader, Skip):
        return reader
    spec = Spec(
        id=step,
        work=Work.PACK,
        outputs=(f"{stem(name, facts.version(name).number, target)}.{suffix}{_SUFFIX}",),
        needs=(archive_step(name, target.triple), binary_step(name, target.triple)),
        package=name,
        target=target,
    )
    return _step(config, facts, spec, reader)


def _wrapped(config: Config, facts: Facts, name: str, binary: str) -> Iterator[Sbom | Skip]:
    package, version = config.package[name], facts.version(name).pep440
    # As an index spells it (Python packaging, "Name normalization"); in file names the hyphen is an underscore.
    title = re.sub(r"[-_.]+", "-", package.python.distribution or name).lower()
    file = f"{title.replace('-', '_')}-{version}"
    for triple in config.targets(binary):
        if package.targets is not None and triple not in config.targets(name):
            continue
        step, target = sbom_step(name, triple), BY_TRIPLE[triple]
        inner = programs(config, facts, binary, triple, step)
        if isinstance(inner, Skip):
            yield inner
            continue
        spec = Spec(
            id=step,
            work=Work.PACK,
            outputs=(f"{file}-py3-none-{target.wheel_tag}.whl{_SUFFIX}",),
            needs=(binary_step(name, triple), binary_step(binary, triple)),
            package=name,
            target=target,
        )
        yield _step(config, facts, spec, WrappedReader(name=title, version=version, programs=inner))


def _python(config: Config, facts: Facts, name: str) -> Iterator[Sbom]:
    project = next(project for project in facts.python if project.package == name)
    version = facts.version(name)
    file = f"{project.name}-{replace(version, number=version.base).pep440}"
    table, reader = config.package[name].python, distribution(config, facts, name)
    for kind, wanted, suffix in ((Kind.SDIST, table.sdist, ".tar.gz"), (Kind.WHEEL, table.wheel, "-*.whl")):
        if wanted:
            spec = Spec(
                id=sbom_step(name, kind.value),
                work=Work.PACK,
                outputs=(f"{file}{suffix}{_SUFFIX}",),
                needs=(f"builders/{name}/{kind.value}",),
                package=name,
            )
            yield _step(config, facts, spec, reader)


def _step(config: Config, facts: Facts, spec: Spec, reader: Reader) -> Sbom:
    return Sbom(spec=spec, reader=reader, license=config.project.license, epoch=facts.git.epoch)
