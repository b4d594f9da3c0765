"""Docker Compose: all services on one machine."""

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from shipways.config.schema import Config
from shipways.deploy.services import NOTE, TENDER, asking, services
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Health, Service, Variable, spelled
from shipways.render.yaml import Yaml, yaml_text

_NOTE: Final = f"""{NOTE}
NAME_IMAGE is the image that a service runs, by its digest; without one it is built here, or the newest is taken.
NAME_FILE is the path of a file with the secret NAME, which the user in the container has to be able to read."""
PREVIOUS: Final = "shipways.previous"
"""The label of a container that has the digest of what ran before it."""
DEFINITIONS: Final = "shipways.definitions"
"""… and the one that has what it was started as, and what ran before."""
LOGS: Final = 5
"""How many files the log of a service is kept in."""


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:  # noqa: ARG001 - the shape of every renderer
    """One file, where there are services. Raises ConfigError for a health that nothing in a container can ask for."""
    path = config.deployment.compose.file
    found = services(config, CONTAINER)
    if path and found:
        yield Rendered(path=path, text=yaml_text(_compose(config, found, path), note=_NOTE), comment="#")


def _compose(config: Config, found: tuple[Service, ...], path: str) -> Mapping[str, Yaml]:
    top = PurePosixPath(*(".." for _ in PurePosixPath(path).parent.parts))
    healthy = frozenset(each.name for each in found if asking(each))
    return _filled(
        {
            "name": config.project.name.replace(".", "-"),
            "services": {each.name: _service(config, each, top, healthy) for each in found},
            "volumes": {_volume(each, kept.name): {} for each in found for kept in each.data},
            "secrets": {each.name: {"file": _secret_file(each)} for each in _secrets(found)},
        }
    )


def _service(config: Config, service: Service, top: PurePosixPath, healthy: frozenset[str]) -> Mapping[str, Yaml]:
    """`top` leads from the file to the top of the repository."""
    return _filled(
        {
            "image": f"${{{variable(service)}_IMAGE:-{service.repository}:latest}}",
            "build": _build(config, service, top),
            "entrypoint": [_literal(word) for word in entry(service)],
            "command": [_literal(word) for word in service.command[1:]],
            "restart": "unless-stopped",
            "labels": {
                PREVIOUS: f"${{{variable(service)}_PREVIOUS:-}}",
                DEFINITIONS: f"${{{variable(service)}_DEFINITIONS:-}}",
            },
            "ports": [f"{_published(service.publish)}{service.port}:{service.port}"] if service.port else [],
            "environment": dict(_environment(service)),
            "secrets": list(service.secrets),
            "volumes": [*_volumes(service, top)],
            "depends_on": {
                other: {"condition": "service_healthy" if other in healthy else "service_started"}
                for other in service.needs
            },
            "healthcheck": _healthcheck(service.health, asking(service)) if service.health else {},
            "stop_signal": service.stop_signal,
            "stop_grace_period": spelled(service.stop_time),
            **_confined(service),
        }
    )


def _confined(service: Service) -> Mapping[str, Yaml]:
    """What it may have, and that it may do nothing else."""
    return {
        **({} if watched(service) else {"init": True}),
        "read_only": True,
        "tmpfs": ["/tmp"],  # noqa: S108 - the container's own
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": service.limits.memory,
        "cpus": service.limits.cpus,
        "pids_limit": service.limits.processes,
        "logging": {
            "driver": "json-file",
            "options": {"max-size": f"{service.limits.log // LOGS // 1000}k", "max-file": str(LOGS)},
        },
    }


def watched(service: Service) -> bool:
    """Whether tender is its first process: Docker says that a container is unhealthy, and never starts it again."""
    return bool(service.tender and service.health and service.health.path)


def entry(service: Service) -> tuple[str, ...]:
    """Its first process: tender, which starts the program, or the program."""
    health = service.health
    if not (health and watched(service)):
        return service.command[:1]
    return (
        *(TENDER, "run", "--health", service.health_url, *health.flags),
        *("--interval", spelled(health.interval), "--retries", str(health.retries)),
        *("--start-period", spelled(health.start_period), "--stop-timeout", spelled(service.stop_time)),
        *("--", service.command[0]),
    )


def _build(config: Config, service: Service, top: PurePosixPath) -> Yaml:
    if not service.dockerfile:
        return {}
    context, image = str(top / service.context), config.image[service.image]
    dockerfile = posixpath.relpath(service.dockerfile, service.context)
    arguments = {name: _literal(value) for name, value in image.args.items() if "{version}" not in value}
    told: Mapping[str, Yaml] = _filled(
        {
            "dockerfile": dockerfile if dockerfile != "Dockerfile" else "",
            "target": image.target or "",
            "args": arguments,
        }
    )
    return {"context": context, **told} if told else context


def _environment(service: Service) -> Iterator[tuple[str, str | None]]:
    """A variable without a value is that of whoever runs Compose, or of the file .env; a secret is a file."""
    for each in service.variables:
        if each.secret:
            yield f"{each.name}_FILE", f"/run/secrets/{each.name}"
        elif each.value is None and each.required:
            yield each.name, f"${{{each.name}:?is required}}"
        else:
            yield each.name, None if each.value is None else _literal(each.value)


def _secrets(found: tuple[Service, ...]) -> Iterator[Variable]:
    """Each once; one that is required somewhere comes last."""
    secret = (each for service in found for each in service.variables if each.secret)
    yield from sorted(secret, key=lambda each: each.required)


def _secret_file(secret: Variable) -> str:
    """One that is not required is empty where nobody names a file: Compose can leave none out."""
    return f"${{{secret.name}_FILE:?is required}}" if secret.required else f"${{{secret.name}_FILE:-/dev/null}}"


def _volumes(service: Service, top: PurePosixPath) -> Iterator[Yaml]:
    """A file that is not there is an error; Docker would make a folder of its name."""
    yield from (f"{_volume(service, kept.name)}:{_literal(kept.path)}" for kept in service.data)
    for kept in service.files:
        source = str(top / kept.source)
        yield {
            "type": "bind",
            "source": _literal(source if source.startswith("..") else f"./{source}"),
            "target": _literal(kept.path),
            "read_only": True,
            "bind": {"create_host_path": False},
        }


def _healthcheck(health: Health, command: tuple[str, ...]) -> Mapping[str, Yaml]:
    return {
        "test": ["CMD", *(_literal(word) for word in command)],
        "interval": spelled(health.interval),
        "timeout": spelled(health.timeout),
        "start_period": spelled(health.start_period),
        "retries": health.retries,
    }


def _published(address: str) -> str:
    """Everybody's address is Docker's default, for IPv6 too."""
    if address == "0.0.0.0":  # noqa: S104 - compared
        return ""
    return f"[{address}]:" if ":" in address else f"{address}:"


def variable(service: Service) -> str:
    """How the variables of the file that are about a service begin."""
    return service.name.upper().replace("-", "_")


def _volume(service: Service, name: str) -> str:
    return f"{service.name}-{name}"


def _literal(text: str) -> str:
    """Compose fills in variables in every text."""
    return text.replace("$", "$$")


def _filled(table: Mapping[str, Yaml]) -> Mapping[str, Yaml]:
    """The keys that say something."""
    return {key: value for key, value in table.items() if value not in ({}, [], "")}
