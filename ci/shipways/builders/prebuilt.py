"""Programs that something else has built: taken as they are, and looked into like our own."""

from collections.abc import Iterator
from dataclasses import dataclass

from anyio import to_thread

from shipways.builders.compile import Expectation
from shipways.config.schema import Config
from shipways.errors import BuildError, Problem
from shipways.model.artifact import Kind, Output
from shipways.model.facts import Facts, LocalFile
from shipways.model.names import binary_folder, binary_step
from shipways.model.plan import Skip
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import BY_TRIPLE
from shipways.ports import Inbox, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Prebuilt:
    """One program for one target."""

    spec: Spec
    file: LocalFile
    expected: Expectation

    def inputs(self, inbox: Inbox) -> Inputs:  # noqa: ARG002 - the file is its only input
        """The file's digest, its name, and what it must be."""
        target = self.expected.target
        return Inputs(recipe="builders/prebuilt 1", values=[self.file.digest, self.spec.outputs[0], target.triple])

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Copy it, check that it is still the file that was digested, and look into it."""
        place = inbox.scratch / self.spec.outputs[0]
        await to_thread.run_sync(world.files.copy, self.file.place, place)
        if await to_thread.run_sync(world.files.digest, place) != self.file.digest:
            raise BuildError(Problem(path=self.file.path, what="changed while it was read", hint="run again"))
        linkage = await to_thread.run_sync(world.inspector.linkage, place)
        if problems := self.expected.problems(f"{self.spec.id}: {self.file.path}", linkage):
            raise BuildError(*problems)
        return (Output(name=place.name, kind=Kind.BINARY, path=place, executable=True, linkage=linkage),)


def plan(config: Config, facts: Facts) -> Iterator[Prebuilt | Skip]:
    """A step for each file of each prebuilt package."""
    known = {file.path: file for file in facts.local}
    for name, package in config.package.items():
        for triple, path in package.prebuilt.files.items():
            target, step = BY_TRIPLE[triple], binary_step(name, triple)
            if path not in known:
                problem = Problem(path=f"package.{name}.prebuilt.files.{triple}", what=f"there is no file {path}")
                yield Skip(id=step, kind="prebuilt", problem=problem)
                continue
            program = (package.binaries or (name,))[0] + target.exe
            yield Prebuilt(
                spec=Spec(
                    id=step,
                    work=Work.PACK,
                    outputs=(program,),
                    folder=binary_folder(name, triple),
                    package=name,
                    target=target,
                ),
                file=known[path],
                expected=Expectation(target=target, static=target.libc == "musl"),
            )
