"""What goes to a worker process and what comes back: values, a JSON line each."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder of this machine, mounted at an absolute path of the container."""

    source: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A file of the container, by its content."""

    place: str
    text: str
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A file of this machine, copied to an absolute path of the container."""

    source: str
    place: str
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A cache volume of the engine, mounted at an absolute path."""

    name: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a container starts from: an image by its digest, or a Dockerfile in a folder of this machine.

    `platform` is `linux/arm64` …, the engine's own when empty; `target` a stage of the Dockerfile, its last when empty;
    `texts` are files of that folder besides those that lie there. `digest` names what a Dockerfile gives.
    """

    image: str = ""
    folder: str = ""
    dockerfile: str = ""
    platform: str = ""
    target: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    texts: tuple[Text, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One command in one container, or, without a command, the container itself as an archive.

    `secrets` are files `/run/secrets/NAME` while it runs. `bring` are patterns below the folder `out` of the container;
    what matches lands in the folder `into` of this machine. Without a command, `into` is the file of the archive: an
    OCI image layout in a tar. `affinity` names what makes the engine that did such a job before the better one.
    """

    ground: Ground
    command: tuple[str, ...] = ()
    folders: tuple[Folder, ...] = ()
    copies: tuple[Copy, ...] = ()
    texts: tuple[Text, ...] = ()
    volumes: tuple[Volume, ...] = ()
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    out: str = ""
    bring: tuple[str, ...] = ()
    into: str = ""
    affinity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A job with the number by which its answer is known; without a job: that one is not wanted any more."""

    number: int
    job: Job | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a job ended; the answer with number 0 is that of the connection, with the engine's version in `text`.

    `done`: the command ended with status 0. `failed`: it ended with `code`; `text` is what it printed. `refused`: the
    engine could not run it, for the reason in `text`, and another one could not either. `lost`: the engine is gone.
    `command` is set where it was not the job's that failed but one of the Dockerfile that the container comes of.
    """

    number: int
    state: Literal["done", "failed", "refused", "lost"]
    code: int = 0
    text: str = ""
    command: str = ""
