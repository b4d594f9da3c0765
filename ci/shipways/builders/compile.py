"""The step that compilers share: a build whose result must be a program for one target."""

from dataclasses import dataclass
from typing import Final

from anyio import to_thread

from shipways.errors import BuildError, Problem
from shipways.model.artifact import Kind, Linkage, Output
from shipways.model.build import Build
from shipways.model.names import binary_folder, binary_step
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import Target
from shipways.model.version import numbers
from shipways.ports import Inbox, World

_FORMATS: Final = {"linux": "elf", "darwin": "macho", "windows": "pe"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a program must be: `static` without a dynamic loader, `glibc` the newest symbol version it may need."""

    target: Target
    static: bool
    glibc: str = ""

    def problems(self, name: str, linkage: Linkage | None) -> list[Problem]:
        """Everything in which a program differs from what it must be."""
        if linkage is None:
            return [Problem(path=name, what="is not an ELF, Mach-O or PE program")]
        wanted = f"{_FORMATS[self.target.system]} for {self.target.arch}"
        found = f"{linkage.format} for {linkage.arch}"
        problems = [Problem(path=name, what=f"expected {wanted}, found {found}")] if wanted != found else []
        if self.static and not linkage.static:
            problems.append(
                Problem(path=name, what="expected a static program", why=f"it needs {', '.join(linkage.libraries)}")
            )
        if self.glibc and numbers(linkage.glibc) > numbers(self.glibc):
            problems.append(Problem(path=name, what=f"needs glibc {linkage.glibc}, the floor is {self.glibc}"))
        return problems


def program_spec(name: str, target: Target, programs: tuple[str, ...]) -> Spec:
    """The step that makes these programs of a package for a target."""
    return Spec(
        id=binary_step(name, target.triple),
        work=Work.COMPILE,
        outputs=programs,
        folder=binary_folder(name, target.triple),
        package=name,
        target=target,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compile:
    """One package for one target."""

    spec: Spec
    build: Build
    expected: Expectation
    varies: str = ""
    """Why its bytes may differ from machine to machine; empty when they do not."""
    varies_with_debug: str = ""
    """Why they may when it holds debug information."""

    def inputs(self, inbox: Inbox) -> Inputs:  # noqa: ARG002 - sources are its only input
        """The build, and what its result must be."""
        expected = self.expected
        return Inputs(
            recipe="builders/compile 1",
            values={
                "build": self.build.record(),
                "program": [expected.target.system, expected.target.arch, expected.static, expected.glibc],
                "varies": [self.varies, self.varies_with_debug],
            },
        )

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Build, then look into every program. Raises BuildError for one of the wrong kind."""
        paths = await world.engine.run(self.build, inbox)
        outputs: list[Output] = []
        problems: list[Problem] = []
        for path in paths:
            linkage = await to_thread.run_sync(world.inspector.linkage, path)
            problems += self.expected.problems(f"{self.spec.id}: {path.name}", linkage)
            outputs.append(
                Output(
                    name=path.name,
                    kind=Kind.BINARY,
                    path=path,
                    executable=True,
                    linkage=linkage,
                    varies=self.varies or (self.varies_with_debug if linkage and linkage.debug else ""),
                )
            )
        if problems:
            raise BuildError(*problems)
        return tuple(outputs)
