"""Bun packages: JavaScript and TypeScript with bun's runtime as one program for a target."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from shipways.builders.compile import Compile, Expectation, program_spec
from shipways.config.packages import Package
from shipways.config.schema import Config
from shipways.errors import ConfigError, Problem
from shipways.model.build import RUNTIME, Build, Tool
from shipways.model.facts import Facts
from shipways.model.names import binary_step
from shipways.model.plan import Skip
from shipways.model.target import BY_TRIPLE, Target

LOCK: Final = "bun.lock"
_INSTALL: Final = ("bun", "install", "--frozen-lockfile", "--ignore-scripts", "--backend=copyfile")
"""Copies: a link into the cache would let one build change what the next one gets. `--cwd` is the folder of the lock
file: in a folder that has none bun installs whatever is newest, frozen or not.
"""
_COMPILE: Final = (
    *("bun", "build", "--compile"),
    # A program that reads settings wherever it is started is not the same everywhere.
    *("--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"),
)
_ARCHITECTURES: Final = {"x86_64": "x64", "aarch64": "arm64"}


def plan(config: Config, facts: Facts) -> Iterator[Compile | Skip]:
    """A step for each Bun package and target. Raises ConfigError with everything that they lack for it."""
    packages = {name: package for name, package in config.package.items() if package.build == "bun"}
    if wrong := [p for name, package in packages.items() for p in _problems(facts, name, package)]:
        raise ConfigError(*wrong)
    for name in packages:
        for triple in config.targets(name):
            target = BY_TRIPLE[triple]
            runtime = _runtime(config, facts, name, target)
            if isinstance(runtime, Tool):
                yield _step(config, facts, name, target, runtime)
            else:
                yield Skip(id=binary_step(name, triple), kind=runtime[0], problem=runtime[1])


def _step(config: Config, facts: Facts, name: str, target: Target, runtime: Tool) -> Compile:
    package = config.package[name]
    program = (package.binaries or (name,))[0] + target.exe
    step, version = binary_step(name, target.triple), config.toolchain.bun
    root = _root(facts, package.path)
    install = (*_INSTALL, "--cwd", str(PurePosixPath("{src}", root))) if root else ()
    return Compile(
        spec=program_spec(name, target, (program,)),
        build=Build(
            name=step,
            image=config.toolchain_image(name),
            secrets=package.secrets,
            tools=(Tool(name="bun", version=version), runtime),
            source=facts.source.below(package.source or (str(root or package.path),)),
            workdir=package.path,
            commands=(
                *([install] if install else []),
                _command(package, facts.version(name).number, target, program),
            ),
            outputs=(program,),
            env=(("DO_NOT_TRACK", "1"), *package.env.items()),
            caches=(("BUN_INSTALL_CACHE_DIR", f"bun-{version}"),),
        ),
        expected=Expectation(target=target, static=False),
    )


def _command(package: Package, version: str, target: Target, program: str) -> tuple[str, ...]:
    """The runtime is always the locked one of the target: bun would take itself, whichever it is, or download one."""
    return (
        *_COMPILE,
        f"--target=bun-{target.system}-{_ARCHITECTURES[target.arch]}",
        f"--compile-executable-path={{tool:{RUNTIME}}}/bun{target.exe}",
        *(option.replace("{version}", version) for option in package.bun.options),
        f"--outfile={{out}}/{program}",
        package.bun.main,
    )


def _problems(facts: Facts, name: str, package: Package) -> Iterator[Problem]:
    """What no other machine could mend."""
    for file in ("package.json", package.bun.main):
        if not facts.source.has(str(PurePosixPath(package.path, file))):
            key = "path" if file == "package.json" else "bun.main"
            yield Problem(path=f"package.{name}.{key}", what=f"there is no {file} in {package.path}")
    root = _root(facts, package.path)
    if root is None and name in facts.depending:
        yield Problem(
            path=f"package.{name}.path",
            what=f"there is no {LOCK} in {package.path}" + (" or above" if package.path != "." else ""),
            why="the lock file says which dependencies are built in",
            hint="`bun install --lockfile-only --save-text-lockfile`, and let git have the file",
        )
    elif root and package.source and not facts.source.below(package.source).has(str(root / LOCK)):
        what = f"leaves out {root / LOCK}"
        yield Problem(path=f"package.{name}.source", what=what, hint="add the file, or leave the key out")


def _root(facts: Facts, path: str) -> PurePosixPath | None:
    """The nearest folder at or above a package's that has a lock file."""
    start = PurePosixPath(path)
    return next((folder for folder in (start, *start.parents) if facts.source.has(str(folder / LOCK))), None)


def _runtime(config: Config, facts: Facts, name: str, target: Target) -> Tool | tuple[str, Problem]:
    """What is put into the program for a target, or the kind of what stands against it, and why."""
    key, hint = f"package.{name}.targets", f"leave {target.triple} out there"
    if target.libc == "musl":
        why = "its runtime for musl needs the libstdc++ of the machine that it is on"
        return "target", Problem(path=key, what="bun makes no static program", why=why, hint=hint)
    if target.triple == "x86_64-apple-darwin":
        what = "bun leaves a wrong signature in programs for Macs with Intel processors"
        why = "it is that of its own runtime, which the program is not any more, and macOS may end it at once"
        return "target", Problem(path=key, what=what, why=why, hint=hint)
    version, host = config.toolchain.bun, f"{target.system}-{target.arch}"
    locked = facts.lock.tool("bun")
    if locked is None or locked.version != version:
        what, why = f"bun {version} is not in shipways.lock", "a wheel of that is put into the program"
        return "toolchain", Problem(path="toolchain.bun", what=what, why=why, hint="run `shipways lock`")
    digest = locked.digest(host)
    if not digest:
        return "target", Problem(path=key, what=f"bun {version} has no wheel for {host}", hint=hint)
    return Tool(name=RUNTIME, version=version, identity=digest)
