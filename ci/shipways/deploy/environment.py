"""The variables of services: a file that explains each, and one for each service and profile."""

import re
from collections.abc import Iterator
from typing import Final

from shipways.config.schema import Config
from shipways.config.services import PROFILES
from shipways.deploy.services import NOTE, services
from shipways.errors import ConfigError, Problem
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.model.service import CONTAINER, Service, Variable

_BARE: Final = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
_PROFILE: Final = "ENV_PROFILE"


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:  # noqa: ARG001 - the shape of every renderer
    """`.env.example` for all services, and for each one SERVICE.dev.env, SERVICE.staging.env and SERVICE.prod.env."""
    folder = config.deployment.config.folder
    if not folder or not config.service:
        return
    yield Rendered(path=f"{folder}/.env.example", text=_example(services(config, CONTAINER)))
    for profile in PROFILES:
        for service in services(config, CONTAINER, profile):
            values = {_PROFILE: str(profile), **service.environment}
            lines = "".join(f"{name}={quoted(name, value)}\n" for name, value in values.items())
            yield Rendered(path=f"{folder}/{service.name}.{profile}.env", text=f"# {NOTE}\n{lines}", comment="#")


def quoted(name: str, value: str) -> str:
    """A value as Docker Compose and python-dotenv read it. Raises ConfigError for one that no reader agrees upon.

    Single quotes keep everything but themselves; within double quotes each reader has other escapes.
    """
    if _BARE.fullmatch(value):
        return value
    if "\\" in value or ("'" in value and "$" in value):
        what = "has a value that a file of variables cannot hold: with a backslash, or with ' and $"
        hint = 'let somebody else set it, or have no such files: deployment.config.folder = ""'
        raise ConfigError(
            Problem(path=name, what=what, why="its readers understand the escapes differently", hint=hint)
        )
    if "'" not in value:
        return f"'{value}'"
    escaped = value.replace('"', '\\"')
    return f'"{escaped}"'


def _example(found: tuple[Service, ...]) -> str:
    """Every variable once, below the services that read it. What has to be filled in is empty."""
    text = f"# {NOTE}\n# Copy it to .env and fill in what is required; .env is not for git.\n\n"
    text += f"# Which values are taken where none is set: {', '.join(PROFILES)}.\n{_PROFILE}=prod\n"
    for service in found:
        if own := [each for each in service.variables if each.name != _PROFILE]:
            text += f"\n# --- {service.name} ---\n" + "".join(map(_told, own))
    return text


def _told(variable: Variable) -> str:
    marks = [word for word, true in (("required", variable.required), ("a secret", variable.secret)) if true]
    words = "; ".join(filter(None, (variable.description, *marks)))
    file = f"# or, in a file of its own: {variable.name}_FILE=/run/secrets/{variable.name}\n" if variable.secret else ""
    head = f"# {words}\n" if words else ""
    needed = "" if variable.required or variable.value is not None else "# "
    return f"{head}{needed}{variable.name}={quoted(variable.name, variable.value or '')}\n{file}"
