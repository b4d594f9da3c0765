"""Zig packages: `zig build` for each target, installed into the output folder."""

from collections.abc import Iterator

from shipways.builders.compile import Compile, Expectation
from shipways.config.packages import Package
from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.model.build import Build, Tool
from shipways.model.facts import Facts
from shipways.model.names import binary_folder, binary_step
from shipways.model.plan import Skip
from shipways.model.step import Spec, Work
from shipways.model.target import BY_TRIPLE, Target


def plan(config: Config, facts: Facts) -> Iterator[Compile | Skip]:
    """A step for each Zig package and target."""
    for name, package in config.package.items():
        if package.build == "zig":
            for triple in config.targets(name):
                yield _step(config, facts, name, package, BY_TRIPLE[triple])


def _step(config: Config, facts: Facts, name: str, package: Package, target: Target) -> Compile | Skip:
    step = binary_step(name, target.triple)
    source = facts.source.below(package.source or (package.path,))
    if not source.has(f"{package.path}/build.zig".removeprefix("./")):
        problem = Problem(path=f"package.{name}.path", what=f"there is no build.zig in {package.path}")
        return Skip(id=step, kind="source", problem=problem)
    programs = tuple(binary + target.exe for binary in package.binaries or (name,))
    glibc = package.zig.glibc if target.libc == "gnu" else ""
    return Compile(
        spec=Spec(
            id=step,
            work=Work.COMPILE,
            outputs=programs,
            folder=binary_folder(name, target.triple),
            package=name,
            target=target,
        ),
        build=Build(
            name=step,
            tools=(Tool(name="zig", version=config.toolchain.zig),),
            source=source,
            workdir=package.path,
            commands=(_command(package, target.zig + (f".{glibc}" if glibc else ""), facts.version(name).number),),
            outputs=tuple(f"bin/{program}" for program in programs),
            env=(("ZIG_LOCAL_CACHE_DIR", "{home}/zig"), *package.env.items()),
            caches=(("ZIG_GLOBAL_CACHE_DIR", f"zig-{config.toolchain.zig}"),),
        ),
        expected=Expectation(target=target, static=target.libc == "musl", glibc=glibc),
    )


def _command(package: Package, target: str, version: str) -> tuple[str, ...]:
    options = (option.replace("{version}", version) for option in package.zig.options)
    fixed = (f"-Dtarget={target}", "-Dcpu=baseline", f"-Doptimize={package.zig.optimize}")
    return ("zig", "build", *fixed, *options, "--prefix", "{out}")
