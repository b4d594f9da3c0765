"""Python packages by PEP 517: a source distribution, and a pure wheel built from it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from anyio import to_thread

from shipways.builders.repack import RECIPE, repack_sdist, repack_wheel
from shipways.config.schema import Config
from shipways.errors import BuildError, Problem
from shipways.model.artifact import Kind, Output
from shipways.model.build import Build, Mount
from shipways.model.facts import Facts, PythonProject
from shipways.model.names import sdist_step
from shipways.model.plan import Skip
from shipways.model.source import SourceTree
from shipways.model.step import Inputs, Spec, Work
from shipways.ports import Inbox, World

_SDIST: Final = "sdist.tar.gz"
"""The sdist's name where the wheel is built from it."""
_PURE: Final = re.compile(r"-py\d+(\.py\d+)*-none-any\.whl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """An sdist, or a wheel. `stem` is how its file name must begin: name and version, normalized; `epoch` stamps it."""

    spec: Spec
    build: Build
    kind: Kind
    stem: str
    epoch: int

    def inputs(self, inbox: Inbox) -> Inputs:
        """The build with its locked backend; for a wheel the sdist, where one is made."""
        values = [self.build.record(), self.kind.value, self.stem, self.epoch, RECIPE]
        return Inputs(recipe="builders/python 1", values=values, artifacts=inbox.artifacts())

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Build it, and pack it anew: time stamps, rights and compression are not the backend's to choose."""
        mounts = tuple(Mount(artifact=sdist, path=_SDIST) for sdist in inbox.artifacts())
        paths = await world.engine.run(replace(self.build, mounts=mounts), inbox)
        self._check(tuple(path.name for path in paths))
        packed = inbox.scratch / "packed" / paths[0].name
        repack = repack_sdist if self.kind is Kind.SDIST else repack_wheel
        await to_thread.run_sync(repack, world.files, paths[0], packed, self.epoch)
        return (Output(name=packed.name, kind=self.kind, path=packed),)

    def _check(self, names: tuple[str, ...]) -> None:
        suffix = ".tar.gz" if self.kind is Kind.SDIST else ".whl"
        tail = names[0].removeprefix(self.stem)
        if len(names) > 1 or tail == names[0] or (self.kind is Kind.SDIST and tail != suffix):
            raise BuildError(
                Problem(
                    path=self.spec.id,
                    what=f"the backend made {', '.join(names)}, expected {self.stem}{suffix}",
                    why="file names are the normalized name and version (PEP 625, PEP 427) that the plan has",
                    hint="make project.name and project.version in pyproject.toml, and what the backend thinks, agree",
                )
            )
        if self.kind is Kind.WHEEL and not _PURE.fullmatch(tail):
            raise BuildError(
                Problem(
                    path=self.spec.id,
                    what=f"{names[0]} is a wheel for one platform",
                    why="it depends on the compiler and the Python of this machine, which no lock pins",
                    hint="set python.wheel = false and release the sdist alone, or make the package pure",
                )
            )


def plan(config: Config, facts: Facts) -> Iterator[Distribution | Skip]:
    """An sdist and a wheel for each Python project whose backend is locked."""
    for project in facts.python:
        package = config.package.get(project.package)
        if package is None or project.crate:
            continue
        kinds = ((Kind.SDIST, package.python.sdist), (Kind.WHEEL, package.python.wheel))
        locked = facts.lock.backend(project.package, project.requires)
        for kind in (kind for kind, wanted in kinds if wanted):
            if locked is None:
                yield unlocked(project, f"builders/{project.package}/{kind.value}")
            else:
                yield _step(config, facts, project, kind, locked)


def _step(config: Config, facts: Facts, project: PythonProject, kind: Kind, locked: tuple[str, ...]) -> Distribution:
    package = config.package[project.package]
    version = facts.version(project.package)
    stem = f"{project.name}-{replace(version, number=version.base).pep440}"
    step = f"builders/{project.package}/{kind.value}"
    unpacked = kind is Kind.WHEEL and package.python.sdist
    build = Build(
        name=step,
        image=config.toolchain_image(project.package),
        secrets=package.secrets,
        tools=(),
        source=SourceTree(files=()) if unpacked else facts.source.below(package.source or (package.path,)),
        workdir="." if unpacked else package.path,
        commands=_commands(kind, stem if unpacked else ""),
        outputs=("*.tar.gz" if kind is Kind.SDIST else "*.whl",),
        env=(
            ("SOURCE_DATE_EPOCH", str(facts.git.epoch)),
            ("PYTHONHASHSEED", "0"),
            *_told(project, replace(version, number=version.base).pep440),
            *package.env.items(),
        ),
        requirements=locked,
    )
    spec = Spec(
        id=step,
        work=Work.COMPILE,
        outputs=(f"{stem}.tar.gz" if kind is Kind.SDIST else f"{stem}-*.whl",),
        needs=(sdist_step(project.package),) if unpacked else (),
        package=project.package,
    )
    return Distribution(spec=spec, build=build, kind=kind, stem=stem, epoch=facts.git.epoch)


def _commands(kind: Kind, sdist: str) -> tuple[tuple[str, ...], ...]:
    """`python -m build` over the source, or over the unpacked sdist, whose one folder is named by its stem."""
    build = ("python", "-m", "build", "--no-isolation", f"--{kind.value}", "--outdir", "{out}")
    if not sdist:
        return ((*build, "."),)
    unpack = ("python", "-m", "tarfile", "-e", "{src}/" + _SDIST, "{home}/unpacked")
    return (unpack, (*build, "{home}/unpacked/" + sdist))


def _told(project: PythonProject, version: str) -> tuple[tuple[str, str], ...]:
    """The version for a backend that would ask git: a build sees no repository (setuptools-scm, "Overrides")."""
    return (("SETUPTOOLS_SCM_PRETEND_VERSION", version),) if project.scm else ()


def unlocked(project: PythonProject, step: str) -> Skip:
    """The skip of a step whose backend nobody has locked."""
    return Skip(
        id=step,
        kind="lock",
        problem=Problem(
            path=f"package.{project.package}",
            what="its build requirements are not in shipways.lock",
            why=f"pyproject.toml asks for {', '.join(project.requires) or 'no backend'}",
            hint="run `shipways lock` and commit shipways.lock",
        ),
    )
