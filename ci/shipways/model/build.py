"""A build as a value: what goes into an engine. Files come out."""

from dataclasses import dataclass
from typing import Final

from shipways.model.artifact import Artifact
from shipways.model.digest import Json
from shipways.model.source import SourceTree

RUNTIME: Final = "bun-runtime"
"""Bun as a part of programs, never run here: the `identity` is the digest of the wheel for their kind of machine."""
CLOSED: Final = ("PATH", "{home}/bin")
"""In the environment of a build that finds its own programs and no others."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Tool:
    """A toolchain at exactly this version. `identity` tells apart two builds of one version, where that matters."""

    name: str
    version: str
    identity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """An artifact laid at `path` below the source before the build."""

    artifact: Artifact
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Commands over a fresh export of `source`, in `workdir` below it.

    In commands, environment and programs `{src}`, `{out}` and `{home}` become the engine's own absolute paths,
    `{tool:NAME}` the folder of a tool, `{real:NAME}` the same without symbolic links, `{cache:VARIABLE}` that of a
    cache, and `{jobs}` how many jobs to run at once.
    `caches` maps an environment variable to the name of a cache folder, which is never an input.
    `outputs` are glob patterns below `{out}`; what the last command prints goes to the file `stdout`
    there, when one is named.
    """

    name: str
    tools: tuple[Tool, ...]
    source: SourceTree
    commands: tuple[tuple[str, ...], ...]
    outputs: tuple[str, ...]
    workdir: str = "."
    env: tuple[tuple[str, str], ...] = ()
    caches: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    requirements: tuple[str, ...] = ()
    """Hashed pip requirement lines, installed for the build alone (PEP 517 backends)."""
    stdout: str = ""
    programs: tuple[tuple[str, str], ...] = ()
    """Scripts in `{home}/bin`, which is first on the PATH: name and text."""
    image: str = ""
    """What an engine of containers runs it in: the name of an image, or `./` and the path of a Dockerfile. No input,
    because a build that is closed gives the same bytes anywhere."""
    secrets: tuple[str, ...] = ()
    """Variables of the caller's that the build gets. They are no input, and stand in no log and no result."""
    surroundings: str = ""
    """The digest of that image where the build uses its programs; empty for a closed build, and on the machine."""

    def record(self) -> Json:
        """Everything its result depends on; the name, the image and the caches are not part of it."""
        return {
            "tools": [[tool.name, tool.version, tool.identity] for tool in self.tools],
            "source": self.source.digest,
            "commands": self.commands,
            "outputs": self.outputs,
            "workdir": self.workdir,
            "env": sorted(self.env),
            "mounts": [[mount.path, mount.artifact.digest] for mount in self.mounts],
            "requirements": self.requirements,
            "stdout": self.stdout,
            "programs": sorted(self.programs),
            "surroundings": self.surroundings,
        }
