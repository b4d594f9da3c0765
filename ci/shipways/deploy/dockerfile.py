"""Dockerfiles: images of services built where there is only Docker, in the same shape as those of a release."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from shipways.config.engines import DOCKERFILE
from shipways.config.packages import Package
from shipways.config.schema import Config
from shipways.deploy.services import NOTE, asking, services
from shipways.errors import ConfigError, Problem
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Health, Service, spelled
from shipways.render.text import render

_SOURCE: Final = PurePosixPath("/src")
"""Where the repository is while a program is built."""
_HOME: Final = "/app"
"""Where programs of Python are started in an image."""
_IGNORED: Final[Mapping[str, tuple[str, ...]]] = {
    "rust": ("target",),
    "go": ("coverage.out",),
    "bun": ("**/node_modules",),
    "python": (
        *(".venv", "**/__pycache__", "**/*.pyc", "tests/", "docs/", "coverage.xml"),
        *(".ruff_cache", ".mypy_cache", ".pytest_cache", "**/*.egg-info"),
    ),
}
_PLAIN: Final = re.compile(r"[\w./@+-]+")
_SPECIAL: Final = re.compile(r'[\\"$]')
_ROOT: Final = re.compile(r"(src/main|src/lib|build|src/bin/[^/]+(/main)?)\.rs")
"""Where cargo finds the targets of a crate (Cargo Book, "Package layout")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """Where one program is compiled: its package, the name of the stage, and the service that it is for."""

    service: str
    package: str
    label: str
    program: str


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:
    """A Dockerfile for each service whose builder has one, and what it may not see. Raises ConfigError."""
    paths: dict[str, str] = {}
    for service in services(config, CONTAINER):
        path = config.deployment.docker.path(service.name, config.image[service.image], service.build)
        if not path:
            continue
        if paths.setdefault(path, service.name) != service.name:
            what = f"the services {paths[path]} and {service.name} would have one file"
            raise ConfigError(Problem(path="deployment.docker.file", what=what, hint="put {service} into it"))
        yield Rendered(path=path, text=_dockerfile(config, facts, service), comment="#")
        others = (config.deployment.docs.volumes, config.deployment.compose.file)
        patterns = (*_left_out(config, service), *_kept(facts, service), path, *filter(None, others))
        ignore = ".dockerignore" if path == "Dockerfile" else f"{path}.dockerignore"
        yield Rendered(
            path=ignore, text=render("deployment/docker/dockerignore", note=NOTE, patterns=patterns), comment="#"
        )


def _dockerfile(config: Config, facts: Facts, service: Service) -> str:
    image, health, ask = config.image[service.image], service.health, asking(service)
    data = tuple(dict.fromkeys((*image.volumes, *(kept.path for kept in service.data))))
    python = service.build == "python"
    return render(
        f"deployment/docker/{'python' if python else 'compiled'}.Dockerfile",
        note=NOTE,
        service=service,
        tender=_pinned(facts, service.tender) if service.tender else "",
        data=tuple(map(_path, data)),
        files=tuple(f"{_path(source)} {_path(place)}" for place, source in image.files.items()),
        settings=tuple(_assigned(f"image.{service.image}.env", image.env)),
        labels=tuple(_assigned(f"image.{service.image}.labels", image.labels)),
        ports=sorted({*image.ports, *filter(None, (service.port,))}),
        volumes=json.dumps(data),
        healthcheck=_healthcheck(health, ask) if health else "",
        command_line=json.dumps((_program(service), *service.command[1:]), ensure_ascii=False),
        **(_python(config, facts, service) if python else _compiled(config, facts, service)),
    )


def _left_out(config: Config, service: Service) -> tuple[str, ...]:
    """What builds leave behind of the packages in an image."""
    builds = dict.fromkeys(
        (service.build, *(config.package[other].build for other in config.image[service.image].also))
    )
    return tuple(pattern for build in builds for pattern in _IGNORED[build])


def _kept(facts: Facts, service: Service) -> Iterator[str]:
    """Where its data lies below the folder that it is started in, which may be the repository; never a source."""
    for path in (PurePosixPath(kept.path) for kept in service.data):
        folder = str(path.relative_to(_HOME if path.is_relative_to(_HOME) else "/"))
        if not facts.source.below((folder,)).files:
            yield folder


def _compiled(config: Config, facts: Facts, service: Service) -> Mapping[str, object]:
    """A stage for each package whose programs are in the image, and what is taken out of them."""
    others = config.image[service.image].also
    stages = [
        _Stage(service=service.name, package=service.package, label="build", program=_program(service)),
        *(
            _Stage(service=service.name, package=name, label=f"build-{name}", program=_first(config, name))
            for name in others
        ),
    ]
    return {
        "stages": [_stage(config, facts, stage).rstrip() for stage in stages],
        "base": _pinned(facts, config.deployment.docker.runtime),
        "built": [stage.label for stage in stages],
        # The image of bun has none, since bun brings its own.
        "trusting": next((each.label for each in stages if config.package[each.package].build != "bun"), ""),
    }


def _first(config: Config, package: str) -> str:
    return (config.package[package].binaries or (package,))[0]


def _healthcheck(health: Health, command: Sequence[str]) -> str:
    every = f"--interval={spelled(health.interval)} --timeout={spelled(health.timeout)}"
    grace = f"--start-period={spelled(health.start_period)} --retries={health.retries}"
    return f"{every} {grace} CMD {json.dumps(command, ensure_ascii=False)}"


def _stage(config: Config, facts: Facts, stage: _Stage) -> str:
    """How one package is compiled. Raises ConfigError for one that has no Dockerfile."""
    package, image = config.package[stage.package], config.toolchain_image(stage.package)
    hint = "write one yourself (image.NAME.dockerfile)"
    if package.build not in _COMPILERS:
        what = f"{stage.package} cannot be built in a Dockerfile: its build is {package.build}"
        raise ConfigError(Problem(path=f"service.{stage.service}.image", what=what, hint=hint))
    if image.startswith(DOCKERFILE):
        what, why = f"{stage.package} is built in {image}", "a Dockerfile cannot build upon another one"
        raise ConfigError(Problem(path=f"service.{stage.service}.image", what=what, why=why, hint=hint))
    top = _top(facts, package.path, _LOCKS[package.build]) if package.build in _LOCKS else package.path
    plain = {name: value for name, value in package.env.items() if "{" not in value}
    return render(
        f"deployment/docker/{package.build}.Dockerfile",
        image=_pinned(facts, image),
        label=stage.label,
        workdir=_SOURCE / top,
        program=stage.program,
        variables=tuple(_assigned(f"package.{stage.package}.env", plain)),
        **_COMPILERS[package.build](facts, package, stage),
    )


def _rust(facts: Facts, package: Package, stage: _Stage) -> Mapping[str, object]:
    top = _top(facts, package.path, "Cargo.lock")
    inner = tuple(PurePosixPath(file.path) for file in facts.source.below((top,)).files)
    crates = tuple(path.parent for path in inner if path.name == "Cargo.toml")
    stubs = [path for path in inner for crate in crates if _ROOT.fullmatch(_within(path, crate))]
    profile, program = package.rust.profile, stage.program
    flags = ["--locked", "--profile", profile, "--package", package.rust.crate or stage.package, "--bin", program]
    flags += ["--features", ",".join(package.rust.features)] if package.rust.features else []
    flags += [] if package.rust.default_features else ["--no-default-features"]
    return {
        "manifests": [*_copied(facts, (top,), ("Cargo.lock",)), *_copied(facts, crates, ("Cargo.toml",))],
        "folders": sorted({_within(stub.parent, PurePosixPath(top)) for stub in stubs}),
        "stubs": [_within(stub, PurePosixPath(top)) for stub in stubs],
        "command": f"cargo build {' '.join(flags)}",
        "built": f"target/{'debug' if profile == 'dev' else profile}/{program}",
    }


def _go(facts: Facts, package: Package, stage: _Stage) -> Mapping[str, object]:
    variable = f" -X {package.go.version_variable}=$VERSION" if package.go.version_variable else ""
    flags = ["-trimpath", "-buildvcs=false", f'-ldflags "{" ".join(("-s -w", *package.go.ldflags))}{variable}"']
    flags += ["-tags", ",".join(package.go.tags)] if package.go.tags else []
    return {
        "manifests": _copied(facts, (package.path,), ("go.mod", "go.sum")),
        "command": f"go build {' '.join(flags)} -o /out/bin/{stage.program} ./{package.go.main}",
    }


def _bun(facts: Facts, package: Package, stage: _Stage) -> Mapping[str, object]:
    top = _top(facts, package.path, "bun.lock")
    inner = facts.source.below((top,)).files
    folders = [PurePosixPath(file.path).parent for file in inner if PurePosixPath(file.path).name == "package.json"]
    options = [option.replace("{version}", "$VERSION") for option in package.bun.options]
    main = _within(PurePosixPath(package.path, package.bun.main), PurePosixPath(top))
    words = ["--compile", "--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig", *map(_word, options)]
    return {
        "manifests": [
            *_copied(facts, (top,), ("bun.lock", "bunfig.toml")),
            *_copied(facts, folders, ("package.json",)),
        ],
        "command": f"bun build {' '.join(words)} --outfile=/out/bin/{stage.program} {_path(main)}",
    }


def _word(option: str) -> str:
    """A word of a shell, in which only the version is filled in."""
    return shlex.quote(option).replace("$VERSION", "'\"$VERSION\"'") if "$VERSION" in option else shlex.quote(option)


_COMPILERS: Final = {"rust": _rust, "go": _go, "bun": _bun}
_LOCKS: Final = {"rust": "Cargo.lock", "bun": "bun.lock"}
"""What lies in the folder that a package is compiled in, which may be above its own."""


def _python(config: Config, facts: Facts, service: Service) -> Mapping[str, object]:
    name = config.deployment.docker.python
    package = config.package[service.package]
    lock = next((project.lock for project in facts.python if project.package == service.package), "")
    return {
        "image": _pinned(facts, name),
        "base": _pinned(facts, name),
        "workdir": _SOURCE / package.path,
        "home": _HOME,
        "lock": f"{_path(lock)} {_SOURCE / package.path}/" if lock else "",
    }


def _top(facts: Facts, path: str, name: str) -> str:
    """The nearest folder at or above a package that has a file; the package's own without one."""
    folders = (PurePosixPath(path), *PurePosixPath(path).parents)
    return str(next((folder for folder in folders if facts.source.has(str(folder / name))), PurePosixPath(path)))


def _copied(facts: Facts, folders: Iterable[PurePosixPath | str], names: Sequence[str]) -> list[str]:
    """These files of each folder, as far as they are there, to where they are below the sources."""
    copies: list[str] = []
    for folder in map(PurePosixPath, folders):
        there = [_path(str(folder / name)) for name in names if facts.source.has(str(folder / name))]
        if there:
            copies.append(" ".join([*there, f"{_path(str(_SOURCE / folder))}/"]))
    return copies


def _within(path: PurePosixPath, folder: PurePosixPath) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else ""


def _program(service: Service) -> str:
    return PurePosixPath(service.command[0]).name


def _pinned(facts: Facts, name: str) -> str:
    """An image by the digest that it is locked to."""
    locked = facts.lock.image(name)
    return f"{name}@{locked.digest}" if locked and "@" not in name else name


def _path(path: str) -> str:
    """A path in COPY. Raises ConfigError for one that has no plain spelling there."""
    if not _PLAIN.fullmatch(path):
        what = f"{path!r} cannot be written into a Dockerfile"
        raise ConfigError(
            Problem(path="deployment.docker", what=what, hint="write one yourself (image.NAME.dockerfile)")
        )
    return path


def _assigned(path: str, table: Mapping[str, str]) -> Iterator[str]:
    """`NAME="value"` of each. Raises ConfigError for a value of several lines, which the format has no way to write."""
    for name, value in table.items():
        if "\n" in value or "\r" in value:
            what = "has a line break, which a Dockerfile cannot say"
            raise ConfigError(
                Problem(path=f"{path}.{name}", what=what, hint="give it to the service (service.NAME.env)")
            )
        yield f'{name}="{_SPECIAL.sub(lambda found: chr(92) + found[0], value)}"'
