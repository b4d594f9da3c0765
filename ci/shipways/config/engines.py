"""`[engine]`: where builds run, and the images that they run in."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, ValidationError

from shipways.config.kinds import Duration, Frozen, inside, table
from shipways.errors import ConfigError, Problem
from shipways.model.oci import parse_reference

EngineName = Literal["host", "dagger"]
EngineChoice = Literal["auto", "host", "dagger"]
Language = Literal["rust", "go", "zig", "python", "bun", "command"]
Runner = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*://\S+$")]


def _mirror(text: str) -> str:
    host = text.partition("/")[0]
    if text and parse_reference(f"{text}/x").host != host:
        raise ValueError(f"expected a host as names of images have it: {host}:PORT, or one with a dot")
    return text


Mirror = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?(/[a-z0-9]+([._/-][a-z0-9]+)*)?$|^$"),
    AfterValidator(_mirror),
]
MIRROR_VARIABLE: Final = "SHIPWAYS_MIRROR"
DOCKERFILE = "./"
"""How the path of a Dockerfile begins, where the name of an image could stand."""


def _image(text: str) -> str:
    if text.startswith(DOCKERFILE):
        return DOCKERFILE + inside(text.removeprefix(DOCKERFILE))
    parse_reference(text.replace("{version}", "1.0.0"))
    return text


ToolchainImage = Annotated[str, AfterValidator(_image)]
"""The name of an image, or `./` and the path of a Dockerfile in the repository."""


class EngineImages(Frozen):
    """`[engine.images]`."""

    rust: ToolchainImage = "docker.io/library/rust:{version}-bookworm"
    go: ToolchainImage = "docker.io/library/golang:{version}-bookworm"
    zig: ToolchainImage = "docker.io/library/buildpack-deps:bookworm-scm"
    python: ToolchainImage = "docker.io/library/python:3.13-bookworm"
    bun: ToolchainImage = "docker.io/oven/bun:{version}-debian"
    command: ToolchainImage = "docker.io/library/buildpack-deps:bookworm"


class Engine(Frozen):
    """`[engine]`."""

    use: EngineChoice = "auto"
    release: EngineName = "dagger"
    runners: tuple[Runner, ...] = ()
    shards: Annotated[int, Field(ge=1, le=256)] = 1
    mirror: Mirror = ""
    timeout: Duration = "1h"
    images: EngineImages = table()


def chosen_mirror(engine: Engine, env: Mapping[str, str]) -> str:
    """The registry that is asked for the images of docker.io; empty where docker.io is.

    Raises ConfigError for a variable that does not name one.
    """
    told = env.get(MIRROR_VARIABLE, "")
    try:
        return TypeAdapter[str](Mirror).validate_python(told) or engine.mirror
    except ValidationError:
        what = f"expected HOST[:PORT][/PREFIX], found {told!r}"
        raise ConfigError(Problem(path=MIRROR_VARIABLE, what=what, why="it names a mirror of docker.io")) from None
