"""Zig packages: for each target `zig build` with the project's build.zig, or `zig build-exe` with one root file."""

from collections.abc import Iterator
from typing import Final

from shipways.builders.compile import Compile, Expectation, program_spec
from shipways.config.packages import Package
from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.model.build import Build, Tool
from shipways.model.facts import Facts
from shipways.model.names import binary_step
from shipways.model.plan import Skip
from shipways.model.target import BY_TRIPLE, Target

_OPTIONS: Final = "options.zig"


def plan(config: Config, facts: Facts) -> Iterator[Compile | Skip]:
    """A step for each Zig package and target."""
    for name, package in config.package.items():
        if package.build == "zig":
            for triple in config.targets(name):
                yield _step(config, facts, name, package, BY_TRIPLE[triple])


def _step(config: Config, facts: Facts, name: str, package: Package, target: Target) -> Compile | Skip:
    step = binary_step(name, target.triple)
    source = facts.source.below(package.source or (package.path,))
    root = package.zig.main or "build.zig"
    if not source.has(f"{package.path}/{root}".removeprefix("./")):
        problem = Problem(path=f"package.{name}.path", what=f"there is no {root} in {package.path}")
        return Skip(id=step, kind="source", problem=problem)
    programs = tuple(binary + target.exe for binary in package.binaries or (name,))
    glibc = package.zig.glibc if target.libc == "gnu" else ""
    version = facts.version(name).number
    return Compile(
        spec=program_spec(name, target, programs),
        build=Build(
            name=step,
            image=config.toolchain_image(name),
            secrets=package.secrets,
            tools=(Tool(name="zig", version=config.toolchain.zig),),
            source=source,
            workdir=package.path,
            commands=(_command(package, target, programs[0], version),),
            outputs=programs if package.zig.main else tuple(f"bin/{program}" for program in programs),
            programs=((_OPTIONS, f'pub const version: []const u8 = "{version}";\n'),) if package.zig.main else (),
            env=(("ZIG_LOCAL_CACHE_DIR", "{home}/zig"), *package.env.items()),
            caches=(("ZIG_GLOBAL_CACHE_DIR", f"zig-{config.toolchain.zig}"),),
        ),
        expected=Expectation(target=target, static=target.libc == "musl", glibc=glibc),
    )


def _command(package: Package, target: Target, program: str, version: str) -> tuple[str, ...]:
    zig = package.zig
    triple = target.zig + (f".{zig.glibc}" if target.libc == "gnu" else "")
    options = tuple(option.replace("{version}", version) for option in zig.options)
    if zig.main is None:
        fixed = (f"-Dtarget={triple}", "-Dcpu=baseline", f"-Doptimize={zig.optimize}")
        return ("zig", "build", *fixed, *options, "--prefix", "{out}")
    libc = ("-lc",) if target.libc == "gnu" else ()
    modules = ("--dep", "options", f"-Mroot={zig.main}", "-Moptions={home}/bin/" + _OPTIONS)
    fixed = ("-target", triple, "-mcpu", "baseline", "-O", zig.optimize, "-fstrip", *libc, *options, *modules)
    # The name is part of a Mach-O signature; zig does not make the folder of its output.
    name = program.removesuffix(target.exe) if target.exe else program
    return ("zig", "build-exe", *fixed, "--name", name, "-femit-bin={out}/" + program)
