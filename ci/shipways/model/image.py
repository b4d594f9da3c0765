"""An image by a Dockerfile as a value: what goes into an engine. An OCI image layout comes out."""

from dataclasses import dataclass
from typing import Final

from shipways.errors import Problem
from shipways.model.digest import Json, digest_of
from shipways.model.source import EMPTY, SourceTree

AUTOMATIC: Final = ("TARGETPLATFORM", "TARGETOS", "TARGETARCH")
"""Arguments that a Dockerfile has before its first FROM without being given them (Dockerfile reference, "ARG")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBuild:
    """The Dockerfile `dockerfile`, a path in the repository, for a platform (`linux/arm64` …; the engine's own).

    `source` has what it may copy of the folder `context`, by paths of the repository; `ignore` is the .dockerignore
    that goes for it. `bases` are the images that it names, each with its digest, empty for one that is not locked.
    """

    name: str
    dockerfile: str
    context: str
    platform: str = ""
    target: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    source: SourceTree = EMPTY
    text: str = ""
    ignore: str = ""
    bases: tuple[tuple[str, str], ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """The arguments by which its FROM lines are read."""
        own = dict(zip(AUTOMATIC, (self.platform, *self.platform.split("/")), strict=True)) if self.platform else {}
        return own | dict(self.arguments)

    @property
    def unlocked(self) -> tuple[str, ...]:
        """The images that the lock does not have."""
        return tuple(name for name, digest in self.bases if not digest)

    def record(self) -> Json:
        """Everything its result depends on; its name is not part of it."""
        return {
            "context": self.context,
            "platform": self.platform,
            "target": self.target,
            "arguments": sorted(self.arguments),
            "source": self.source.digest,
            "text": self.text,
            "ignore": self.ignore,
            "bases": sorted(self.bases),
        }

    @property
    def digest(self) -> str:
        """Names the result, as far as a Dockerfile says it."""
        return digest_of(self.record())


def needs_containers(path: str) -> Problem:
    """Why the host engine builds no Dockerfile; `path` is what asks for one."""
    return Problem(
        path=path,
        what="a Dockerfile needs the Dagger engine",
        why="it is run in containers, which the host engine does not have",
        hint="`--engine dagger`",
    )


def not_locked(path: str, names: tuple[str, ...]) -> Problem:
    """Why a Dockerfile is not built upon images without a digest."""
    return Problem(
        path=path,
        what=f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not locked",
        why="a Dockerfile is built upon digests, because a name may mean something else tomorrow",
        hint="run `shipways lock`, and commit shipways.lock",
    )
