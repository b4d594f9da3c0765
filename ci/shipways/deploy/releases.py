"""A release of a service on a host: its program and the files it is started by, told apart by one digest."""

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from shipways.model.daemon import Daemon, Text
from shipways.model.digest import digest_bytes
from shipways.model.service import Service

_FORMAT: Final = "shipways-host-release/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The digest of its program, and the text of each file by its path."""

    program: str
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def encoded(self) -> bytes:
        """What lies beside its program on a host; the same release has the same bytes."""
        told = {"format": _FORMAT, "program": self.program, "texts": dict(self.texts)}
        return json.dumps(told, indent=1, sort_keys=True).encode() + b"\n"

    @property
    def digest(self) -> str:
        """Which release it is."""
        return digest_bytes(self.encoded)

    def daemon(self, service: Service) -> Daemon:
        """As the service manager of the host is told of it."""
        return Daemon(
            service=service.name,
            units=(f"{service.name}.service",),
            texts=tuple(Text(path=path, text=text) for path, text in self.texts.items()),
            programs=service.command[:1],
            log=service.name,
        )


def told(text: str) -> Release:
    """The release of a file; one without anything where it is none."""
    try:
        found = json.loads(text)
        return Release(program=str(found["program"]), texts=dict(found["texts"]))
    except (ValueError, KeyError, TypeError):
        return Release(program="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Berth:
    """Where a service lies on a host: below `root`."""

    root: str
    service: str

    @property
    def folder(self) -> str:
        """Of all its releases."""
        return posixpath.join(self.root, self.service)

    @property
    def current(self) -> str:
        """The link to the release that runs."""
        return f"{self.folder}/current"

    @property
    def state(self) -> str:
        """What was started, and what ran before."""
        return f"{self.folder}/state.json"

    def release(self, digest: str) -> str:
        """The folder of one."""
        return f"{self.folder}/{short(digest)}"


def short(digest: str) -> str:
    """A release as the link names it."""
    return f"releases/{digest.rpartition(':')[2][:16]}"
