"""A service as every platform is told of it: what the config says, worked out once."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a program runs; paths and addresses follow from it.

    `programs` is the folder of programs. `data` and `files` are the folders of a service's data and config files, with
    `{service}` for its name; empty where they lie as the config says, which is in a container. `address` is where it
    listens, empty for where it is published; `port` what it is told as its port, empty for the one of the config.
    `named` is whether services find each other by name.
    """

    programs: str
    data: str = ""
    files: str = ""
    address: str = ""
    port: str = ""
    named: bool = False


CONTAINER: Final = Place(programs="/usr/local/bin", address="0.0.0.0", named=True)  # noqa: S104 - its own network
LINUX: Final = Place(programs="/usr/local/bin", data="/var/lib/{service}", files="/etc/{service}")
HOST: Final = Place(
    programs="{folder}", data="/var/lib/{service}", files="{{folder}}/files", address="127.0.0.1", port="{port}"
)
"""A release among others, whose folder and port are known where it starts: `deploy/sources.py`."""
MACOS: Final = Place(programs="/usr/local/bin", data="/usr/local/var/{service}", files="/usr/local/etc/{service}")


def spelled(milliseconds: int) -> str:
    """A duration as Docker and Go read it: whole seconds where it is that."""
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a healthy answer is (`path` on the service's port), and how often it is asked for; times in milliseconds.

    `command` asks from within the container and exits 0; empty for tender. `version` is the member of the answer that
    is the version; `members` are others, and what they must be.
    """

    path: str
    status: int
    contains: str
    members: tuple[tuple[str, str], ...]
    version: str
    command: tuple[str, ...]
    interval: int
    timeout: int
    retries: int
    start_period: int

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of `tender probe` and `tender run` that say what a healthy answer is."""
        status = ("--status", str(self.status)) if self.status != 200 else ()
        contains = ("--body-contains", self.contains) if self.contains else ()
        members = (word for name, value in self.members for word in ("--json", f"{name}={value}"))
        return (*status, *contains, *members, "--timeout", spelled(self.timeout))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable of the environment. `value` is None where somebody has to give it, or may."""

    name: str
    value: str | None
    description: str = ""
    required: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A data directory, or a config file with the path of its `source` in the repository."""

    name: str
    path: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much it may have: memory and log in bytes."""

    memory: int
    cpus: float
    processes: int
    log: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Names of metrics: a counter of requests by `status`, a histogram of seconds, and gauges; empty where none."""

    requests: str = ""
    duration: str = ""
    gauges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service at one kind of place, in one profile.

    `command` is the whole command line, the program first. `address` is where it listens, `publish` who may come from
    outside; `behind` is the port where it listens when another program has `port`. `repository` is where its image is
    pushed to, without a tag; `build` the builder of its package. `tender` is the image that its own image has tender
    from, `dockerfile` what its image can be built from with the top of the repository, or the folder `context`, as
    context; each is empty for none. `hook` is the command that copies its data while it runs, `schedule` when backups
    are taken, as systemd.time(7) says it, `keep` how many of them stay. `alone`: it cannot run twice, not even while a
    new release takes over. `metrics_token` is the file of the token for its metrics, where they are read.
    """

    name: str
    description: str
    image: str
    repository: str
    package: str
    build: str
    tender: str
    dockerfile: str
    context: str
    command: tuple[str, ...]
    user: str
    uid: str
    port: int | None
    address: str
    publish: str
    health: Health | None
    metrics: str
    series: Series
    data: tuple[Kept, ...]
    files: tuple[Kept, ...]
    variables: tuple[Variable, ...]
    limits: Limits
    stop_signal: str
    stop_time: int
    notify: bool
    socket: bool
    replicas: int
    needs: tuple[str, ...]
    settings: str = ""
    behind: str = ""
    alone: bool = False
    hook: tuple[str, ...] = ()
    schedule: str = ""
    keep: int = 7
    metrics_token: str = ""

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that have a value."""
        return {each.name: each.value for each in self.variables if each.value is not None}

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the variables that hold secrets."""
        return tuple(each.name for each in self.variables if each.secret)

    @property
    def health_url(self) -> str:
        """What is asked from the machine or container that it runs on; empty when it has no health."""
        return f"http://{self.host}:{self.listens}{self.health.path}" if self.health else ""

    @property
    def listens(self) -> str:
        """The port of the program itself."""
        return self.behind or str(self.port or "")

    @property
    def host(self) -> str:
        """Where it is reached from the same machine, as a URL has it; an unspecified address is every one."""
        if self.address in {"0.0.0.0", "::"}:  # noqa: S104 - what it is compared with
            return "127.0.0.1"
        return f"[{self.address}]" if ":" in self.address else self.address

    @property
    def published_url(self) -> str:
        """What is asked for its health where it is published, from this machine; empty without a path of health."""
        if not self.health or not self.health.path:
            return ""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.publish, self.publish)  # noqa: S104 - compared only
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}{self.health.path}"

    @property
    def room(self) -> str:
        """The folder that all data directories share, where a platform has one volume for them; empty without data.

        It is `/` when they share none.
        """
        return posixpath.commonpath([each.path for each in self.data]) if self.data else ""
