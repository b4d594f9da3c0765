"""How a source tree becomes something that runs: what it says itself, in the ways that are usual."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shipways.config.serve import Served
from shipways.errors import ConfigError, Problem
from shipways.model.job import JobRequest, Method
from shipways.model.tree import Node, Recipe, Tree

TELLING: Final = ("Dockerfile", "Procfile", "pyproject.toml", "requirements.txt")
"""The files that are read for it."""
_MOST: Final = 1 << 20
"""Bytes that such a file may have."""
_PROGRAMS: Final = ("main.py", "app.py")
_PROCESS: Final = re.compile(r"^([A-Za-z0-9_-]+):\s*(.+)$", re.MULTILINE)
_EXPOSE: Final = re.compile(r"^\s*EXPOSE\s+(.+)$", re.MULTILINE | re.IGNORECASE)
_FROM: Final = re.compile(r"^\s*FROM\s", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """`command` is a line for a shell, or the words after an image; `port` where it listens in its container."""

    recipe: Recipe
    command: str
    port: int
    alone: bool


def telling(tree: Tree) -> tuple[Node, ...]:
    """The files at the top of a tree whose words are needed here. Raises ConfigError for one that nobody writes."""
    found = tuple(node for node in tree.nodes if node.path in TELLING and node.kind == "file")
    problems = tuple(_problem(f"{node.path} has {node.size} bytes") for node in found if node.size > _MOST)
    if problems:
        raise ConfigError(*problems)
    return found


def way(request: JobRequest, served: Served, words: Mapping[str, str], tree: Tree) -> Way:
    """By the method that was asked for, with the words of the files. Raises ConfigError with everything that lacks."""
    if request.method is Method.DOCKER:
        if "Dockerfile" not in words:
            raise ConfigError(_problem("has no Dockerfile", "deployment_method is docker"))
        port = exposed(words["Dockerfile"]) or request.service_port
        recipe = Recipe(method=Method.DOCKER)
        return Way(recipe=recipe, command=served.command, port=port, alone=served.strategy == "recreate")
    processes = dict(_PROCESS.findall(words.get("Procfile", "")))
    problems: list[Problem] = []
    if not words.keys() & {"requirements.txt", "pyproject.toml"}:
        problems.append(_problem("has neither requirements.txt nor pyproject.toml", "deployment_method is systemd"))
    project = _project(words.get("pyproject.toml", ""), problems)
    command = served.command or processes.get("web", "") or _started(request.service_name, project, tree)
    if not command:
        hint = "a Procfile with `web: COMMAND`, or [serve.service.NAME] command"
        problems.append(_problem("does not say how it is started", hint=hint))
    if problems:
        raise ConfigError(*problems)
    lines = (*(each for each in (processes.get("build", ""),) if each), *served.build)
    return Way(
        recipe=Recipe(method=Method.SYSTEMD, commands=lines, installs="build-system" in project),
        command=command,
        port=request.service_port,
        alone=_alone(served, command, request.service_port),
    )


def exposed(dockerfile: str) -> int:
    """The one TCP port that the image of a Dockerfile listens on; 0 where it does not say, or says several."""
    last = list(_FROM.finditer(dockerfile))[-1:]
    words = " ".join(_EXPOSE.findall(dockerfile[last[0].end() :] if last else "")).split()
    ports = {word.removesuffix("/tcp") for word in words if not word.endswith("/udp")}
    (port,) = ports if len(ports) == 1 else ("",)
    return int(port) if port.isdecimal() and 0 < int(port) < 1 << 16 else 0


def _project(text: str, problems: list[Problem]) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append(_problem("has a pyproject.toml that is no TOML", str(error)))
        return {}


def _started(name: str, project: Mapping[str, object], tree: Tree) -> str:
    """The script of its own name, or the only one; else the program of the usual name."""
    table = project.get("project")
    scripts = table.get("scripts") if isinstance(table, dict) else None
    names = tuple(scripts) if isinstance(scripts, dict) and "build-system" in project else ()
    chosen = [each for each in names if each == name] or list(names)
    if len(chosen) == 1:
        return str(chosen[0])
    return next((f"python {each}" for each in _PROGRAMS if tree.has(each)), "")


def _alone(served: Served, command: str, port: int) -> bool:
    """Whether it cannot run twice: it takes the public port itself, and asks nobody for another one."""
    if served.strategy:
        return served.strategy == "recreate"
    return "PORT" not in command and bool(re.search(rf"(?<!\d){port}(?!\d)", command))


def _problem(what: str, why: str = "", hint: str = "") -> Problem:
    return Problem(path="service_path", what=what, why=why, hint=hint)
