"""Go packages: one static program for each target."""

from collections.abc import Iterator

from shipways.builders.compile import Compile, Expectation, program_spec
from shipways.config.packages import Package
from shipways.config.schema import Config
from shipways.model.build import Build, Tool
from shipways.model.facts import Facts
from shipways.model.names import binary_step
from shipways.model.target import BY_TRIPLE, Target


def plan(config: Config, facts: Facts) -> Iterator[Compile]:
    """A step for each Go package and target."""
    for name, package in config.package.items():
        if package.build == "go":
            for triple in config.targets(name):
                yield _step(config, facts, name, package, BY_TRIPLE[triple])


def _step(config: Config, facts: Facts, name: str, package: Package, target: Target) -> Compile:
    program = (package.binaries or (name,))[0] + target.exe
    step = binary_step(name, target.triple)
    return Compile(
        spec=program_spec(name, target, (program,)),
        build=Build(
            name=step,
            image=config.toolchain_image(name),
            secrets=package.secrets,
            tools=(Tool(name="go", version=config.toolchain.go),),
            source=facts.source.below(package.source or (package.path,)),
            workdir=package.path,
            commands=(_command(package, facts.version(name).number, program),),
            outputs=(program,),
            env=(
                ("CGO_ENABLED", "0"),
                ("GOOS", target.goos),
                ("GOARCH", target.goarch),
                ("GOTOOLCHAIN", "local"),
                ("GOENV", "off"),
                ("GOFLAGS", ""),
                *package.env.items(),
            ),
            caches=(("GOCACHE", f"go-build-{config.toolchain.go}"), ("GOMODCACHE", "go-mod")),
        ),
        expected=Expectation(target=target, static=target.system == "linux"),
    )


def _command(package: Package, version: str, program: str) -> tuple[str, ...]:
    flags = ["-s", "-w", "-buildid=", *package.go.ldflags]
    if package.go.version_variable:
        flags += ["-X", f"{package.go.version_variable}={version}"]
    tags = ("-tags", ",".join(package.go.tags)) if package.go.tags else ()
    main = "./" + package.go.main
    return (
        "go",
        "build",
        "-trimpath",
        "-buildvcs=false",
        *tags,
        "-ldflags",
        " ".join(flags),
        "-o",
        "{out}/" + program,
        main,
    )
