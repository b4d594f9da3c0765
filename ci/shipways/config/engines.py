"""`[engine]`: where builds run, and the images that they run in."""

from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from shipways.config.kinds import Duration, Frozen, inside
from shipways.model.oci import parse_reference

EngineName = Literal["host", "dagger"]
Language = Literal["rust", "go", "zig", "python", "bun", "command"]
Runner = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*://\S+$")]
Mirror = Annotated[
    str, StringConstraints(pattern=r"^([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?(/[a-z0-9]+([._/-][a-z0-9]+)*)?$|^$")
]
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
    bun: ToolchainImage = "docker.io/oven/bun:1-debian"
    command: ToolchainImage = "docker.io/library/buildpack-deps:bookworm"


class Engine(Frozen):
    """`[engine]`."""

    use: Literal["auto", "host", "dagger"] = "auto"
    release: EngineName = "dagger"
    runners: tuple[Runner, ...] = ()
    mirror: Mirror = ""
    timeout: Duration = "1h"
    images: EngineImages = EngineImages()
