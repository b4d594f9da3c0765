"""Python packages with an extension in Rust: an sdist, and a wheel for each target, linked by zig as programs are."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from anyio import to_thread

from shipways.builders import cargo, rust
from shipways.builders.python import Distribution, unlocked
from shipways.builders.repack import RECIPE, repack_wheel
from shipways.config.packages import Package
from shipways.config.schema import Config
from shipways.errors import BuildError, ConfigError, Problem
from shipways.model.artifact import Kind, Output
from shipways.model.build import Build, Tool
from shipways.model.facts import Facts, PythonProject, Rust
from shipways.model.names import binary_step, sdist_step
from shipways.model.plan import Skip
from shipways.model.source import SourceTree
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import BY_TRIPLE, GNULLVM, Target
from shipways.ports import Inbox, World

_PATH: Final = ("PATH", "{home}/bin:{home}/venv/bin:{tool:rust}")
"""What the build finds, and nothing of the machine: the linker, its locked backend, the compiler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionWheel:
    """The wheel for one target. `stem` is how its name must begin, `platform` how it must end; `epoch` stamps it."""

    spec: Spec
    build: Build
    stem: str
    platform: str
    epoch: int

    def inputs(self, inbox: Inbox) -> Inputs:  # noqa: ARG002 - sources are its only input
        """The build, with its locked backend."""
        values = [self.build.record(), self.stem, self.platform, self.epoch, RECIPE]
        return Inputs(recipe="builders/maturin 1", values=values)

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Build it, and pack it anew. Raises BuildError for another version or platform, or one Python only."""
        paths = await world.engine.run(self.build, inbox)
        self.check(tuple(path.name for path in paths))
        packed = inbox.scratch / "packed" / paths[0].name
        await to_thread.run_sync(repack_wheel, world.files, paths[0], packed, self.epoch)
        return (Output(name=packed.name, kind=Kind.WHEEL, path=packed),)

    def check(self, names: tuple[str, ...]) -> None:
        """Raises BuildError for the names of files that are not one wheel of the plan."""
        expected = f"{self.stem}-*-{self.platform}.whl"
        if len(names) > 1 or not PurePosixPath(names[0]).match(expected):
            raise BuildError(
                Problem(
                    path=self.spec.id,
                    what=f"maturin made {', '.join(names)}, expected {expected}",
                    why="file names are the normalized name and version (PEP 427) that the plan has, and the target",
                    hint="make the versions in pyproject.toml and Cargo.toml agree, or leave it out of the first",
                )
            )
        if "-abi3-" not in names[0] and "-none-" not in names[0]:
            raise BuildError(
                Problem(
                    path=self.spec.id,
                    what=f"{names[0]} is for the Python of this machine alone, which no lock pins",
                    hint='give pyo3 the feature "abi3-py311", for one wheel for all, or set python.wheel = false',
                )
            )


def plan(config: Config, facts: Facts) -> Iterator[Distribution | ExtensionWheel | Skip]:
    """An sdist, and a wheel for each target. Raises ConfigError with everything that they lack for it."""
    projects = [p for p in facts.python if p.package in config.package and p.crate]
    problems = [
        problem
        for project in projects
        for problem in rust.problems(config, facts, project.package, str(PurePosixPath(project.crate).parent))
    ]
    if problems:
        raise ConfigError(*problems)
    for project in projects:
        package = config.package[project.package]
        if package.python.sdist:
            yield _sdist(config, facts, project)
        for triple in config.targets(project.package) if package.python.wheel else ():
            yield _wheel(config, facts, project, BY_TRIPLE[triple])


def _sdist(config: Config, facts: Facts, project: PythonProject) -> Distribution | Skip:
    step, locked = sdist_step(project.package), facts.lock.backend(project.package, project.requires)
    found = rust.pinned(config, facts, project.package)
    if locked is None:
        return unlocked(project, step)
    if isinstance(found, Problem):
        return Skip(id=step, kind="toolchain", problem=found)
    stem = _stem(facts, project)
    tools = (Tool(name="rust", version=found[0].version, identity=found[0].identity),)
    command = ("python", "-m", "build", "--no-isolation", "--sdist", "--outdir", "{out}", ".")
    base = _build(config, facts, project, step)
    return Distribution(
        spec=Spec(id=step, work=Work.COMPILE, outputs=(f"{stem}.tar.gz",), package=project.package),
        build=replace(base, tools=tools, commands=(*base.commands, command), outputs=("*.tar.gz",)),
        kind=Kind.SDIST,
        stem=stem,
        epoch=facts.git.epoch,
    )


def _wheel(config: Config, facts: Facts, project: PythonProject, target: Target) -> ExtensionWheel | Skip:
    name = project.package
    step, locked = binary_step(name, target.triple), facts.lock.backend(name, project.requires)
    if locked is None:
        return unlocked(project, step)
    if target.libc == "msvc":
        return Skip(id=step, kind="sdk", problem=_no_msvc(name))
    compiler = rust.choose(config, facts, name, target)
    if not isinstance(compiler, Rust):
        return Skip(id=step, kind=compiler[0], problem=compiler[1])
    package, base = config.package[name], _build(config, facts, project, step)
    platform = _platform(package, target)
    build = replace(
        base,
        tools=cargo.tools(config.toolchain, compiler, target, build_std=package.rust.build_std),
        commands=(cargo.fetch(build_std=package.rust.build_std), cargo.maturin_command(package, target, platform)),
        outputs=("*.whl",),
        env=tuple((dict(base.env) | dict(cargo.compile_environment(package, target, extension=True))).items()),
        caches=(*base.caches, ("ZIG_GLOBAL_CACHE_DIR", f"zig-{config.toolchain.zig}")),
        programs=cargo.programs(compiler, target),
    )
    spec = Spec(
        id=step,
        work=Work.COMPILE,
        outputs=(f"{_stem(facts, project)}-*-{platform}.whl",),
        package=name,
        target=target,
    )
    return ExtensionWheel(spec=spec, build=build, stem=_stem(facts, project), platform=platform, epoch=facts.git.epoch)


def _build(config: Config, facts: Facts, project: PythonProject, step: str) -> Build:
    """What an sdist and a wheel share."""
    package = config.package[project.package]
    return Build(
        name=step,
        image=config.toolchain_image(project.package),
        secrets=package.secrets,
        tools=(),
        source=_source(facts, package, project),
        workdir=package.path,
        commands=(cargo.fetch(),),
        outputs=(),
        env=(
            *cargo.environment(),
            ("SOURCE_DATE_EPOCH", str(facts.git.epoch)),
            ("PYTHONHASHSEED", "0"),
            _PATH,
            *((name, value) for name, value in package.env.items() if name != "RUSTFLAGS"),
        ),
        caches=cargo.CACHES,
        requirements=facts.lock.backend(project.package, project.requires) or (),
    )


def _source(facts: Facts, package: Package, project: PythonProject) -> SourceTree:
    """The Python project, and the workspace that its crate is of."""
    root = rust.workspace(facts, str(PurePosixPath(project.crate).parent))
    return facts.source.below(package.source or (package.path, str(root)))


def _stem(facts: Facts, project: PythonProject) -> str:
    version = facts.version(project.package)
    return f"{project.name}-{replace(version, number=version.base).pep440}"


def _platform(package: Package, target: Target) -> str:
    """The platform tag (PEP 425, PEP 600, PEP 656)."""
    if target.libc == "gnu":
        return f"manylinux_{package.rust.glibc.replace('.', '_')}_{target.arch}"
    return target.wheel_tag


def _no_msvc(name: str) -> Problem:
    return Problem(
        path=f"package.{name}.targets",
        what="maturin is not called for windows-msvc yet",
        hint=f'declare package.{name}.substitute = {{ x86_64-pc-windows-msvc = "{GNULLVM.triple}" }}',
    )
