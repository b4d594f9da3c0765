"""Dockerfiles: images of services built where there is only Docker, in the same shape as those of a release."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from shipways.config.engines import DOCKERFILE
from shipways.config.schema import Config
from shipways.deploy.services import NOTE, asking, services
from shipways.errors import ConfigError, Problem
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Health, Service, spelled
from shipways.render.text import render

_SOURCE: Final = PurePosixPath("/src")
"""Where the repository is while a program is built."""
_IGNORED: Final[Mapping[str, tuple[str, ...]]] = {
    "rust": ("target",),
    "go": ("coverage.out",),
    "python": (
        *(".venv", "**/__pycache__", "**/*.pyc", "tests/", "docs/", "coverage.xml"),
        *(".ruff_cache", ".mypy_cache", ".pytest_cache", "**/*.egg-info"),
    ),
}
_PLAIN: Final = re.compile(r"[\w./@+-]+")
_SPECIAL: Final = re.compile(r'[\\"$]')
_ROOT: Final = re.compile(r"(src/main|src/lib|build|src/bin/[^/]+(/main)?)\.rs")
"""Where cargo finds the targets of a crate (Cargo Book, "Package layout")."""


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
        patterns = (*_IGNORED[service.build], path, *filter(None, (config.deployment.compose.file,)))
        ignore = ".dockerignore" if path == "Dockerfile" else f"{path}.dockerignore"
        yield Rendered(
            path=ignore, text=render("deployment/docker/dockerignore", note=NOTE, patterns=patterns), comment="#"
        )


def _dockerfile(config: Config, facts: Facts, service: Service) -> str:
    image, health, ask = config.image[service.image], service.health, asking(service)
    data = tuple(dict.fromkeys((*image.volumes, *(kept.path for kept in service.data))))
    return render(
        f"deployment/docker/{service.build}.Dockerfile",
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
        **_BUILDERS[service.build](config, facts, service),
    )


def _healthcheck(health: Health, command: Sequence[str]) -> str:
    every = f"--interval={spelled(health.interval)} --timeout={spelled(health.timeout)}"
    grace = f"--start-period={spelled(health.start_period)} --retries={health.retries}"
    return f"{every} {grace} CMD {json.dumps(command, ensure_ascii=False)}"


def _rust(config: Config, facts: Facts, service: Service) -> Mapping[str, object]:
    package = config.package[service.package]
    top = _top(facts, package.path, "Cargo.lock")
    inner = tuple(PurePosixPath(file.path) for file in facts.source.below((top,)).files)
    crates = tuple(path.parent for path in inner if path.name == "Cargo.toml")
    stubs = [path for path in inner for crate in crates if _ROOT.fullmatch(_within(path, crate))]
    profile, program = package.rust.profile, _program(service)
    flags = ["--locked", "--profile", profile, "--package", package.rust.crate or service.package, "--bin", program]
    flags += ["--features", ",".join(package.rust.features)] if package.rust.features else []
    flags += [] if package.rust.default_features else ["--no-default-features"]
    return _stage(config, facts, service, top) | {
        "manifests": [*_copied(facts, (top,), ("Cargo.lock",)), *_copied(facts, crates, ("Cargo.toml",))],
        "folders": sorted({_within(stub.parent, PurePosixPath(top)) for stub in stubs}),
        "stubs": [_within(stub, PurePosixPath(top)) for stub in stubs],
        "command": f"cargo build {' '.join(flags)}",
        "built": f"target/{'debug' if profile == 'dev' else profile}/{program}",
    }


def _go(config: Config, facts: Facts, service: Service) -> Mapping[str, object]:
    package = config.package[service.package]
    variable = f" -X {package.go.version_variable}=$VERSION" if package.go.version_variable else ""
    flags = ["-trimpath", "-buildvcs=false", f'-ldflags "{" ".join(("-s -w", *package.go.ldflags))}{variable}"']
    flags += ["-tags", ",".join(package.go.tags)] if package.go.tags else []
    return _stage(config, facts, service, package.path) | {
        "manifests": _copied(facts, (package.path,), ("go.mod", "go.sum")),
        "command": f"go build {' '.join(flags)} -o /out/bin/{_program(service)} ./{package.go.main}",
    }


def _python(config: Config, facts: Facts, service: Service) -> Mapping[str, object]:
    name = config.deployment.docker.python
    package = config.package[service.package]
    return {"image": _pinned(facts, name), "base": _pinned(facts, name), "workdir": _SOURCE / package.path}


_BUILDERS: Final = {"rust": _rust, "go": _go, "python": _python}


def _stage(config: Config, facts: Facts, service: Service, top: str) -> dict[str, object]:
    """What the stages have in common in which programs are compiled, in the folder `top` of the repository."""
    image, env = config.toolchain_image(service.package), config.package[service.package].env
    if image.startswith(DOCKERFILE):
        what, why = f"{service.package} is built in {image}", "a Dockerfile cannot build upon another one"
        hint = "write one yourself (image.NAME.dockerfile)"
        raise ConfigError(Problem(path=f"service.{service.name}.image", what=what, why=why, hint=hint))
    plain = {name: value for name, value in env.items() if "{" not in value}
    return {
        "image": _pinned(facts, image),
        "base": _pinned(facts, config.deployment.docker.runtime),
        "workdir": _SOURCE / top,
        "program": _program(service),
        "variables": tuple(_assigned(f"package.{service.package}.env", plain)),
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
