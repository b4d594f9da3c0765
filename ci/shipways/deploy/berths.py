"""Where a service and its releases lie on a host, and what they are called there."""

import posixpath
import re
from dataclasses import dataclass
from typing import Final

from shipways.deploy.fenced import read
from shipways.deploy.sources import FOLDER, PORT, RELEASE, Release, told
from shipways.outside.hosts import Host

ID: Final = re.compile("[0-9a-f]{16}")
"""The form of the id of a release."""
_FIRST: Final = 20_000
_PORTS: Final = 9_973
"""Of these a release has one: below those that the kernel gives to connections that go out. Their number is a prime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Berth:
    """Where a service lies on a host: below `root`."""

    root: str
    service: str

    @property
    def folder(self) -> str:
        """Of the service."""
        return posixpath.join(self.root, self.service)

    @property
    def releases(self) -> str:
        """The folder with a folder for each."""
        return f"{self.folder}/releases"

    @property
    def current(self) -> str:
        """The link to the release that the public port leads to."""
        return f"{self.folder}/current"

    @property
    def state(self) -> str:
        """What runs, and what ran before."""
        return f"{self.folder}/state.json"

    @property
    def lock(self) -> str:
        """What whoever changes something of the service holds."""
        return f"{self.folder}/lock"

    @property
    def hold(self) -> str:
        """Why nothing may be deployed to it, where somebody has said so."""
        return f"{self.folder}/hold.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A release of a service where it runs: with a port on 127.0.0.1 of its own, 0 while it has none."""

    berth: Berth
    id: str
    release: Release
    port: int

    @property
    def service(self) -> str:
        """The name of it."""
        return self.berth.service

    @property
    def name(self) -> str:
        """Of its unit, without what kind of unit it is."""
        return f"{self.service}@{self.id}"

    @property
    def folder(self) -> str:
        """With its content."""
        return f"{self.berth.releases}/{self.id}"

    @property
    def backend(self) -> str:
        """Where it is reached on its host."""
        return f"127.0.0.1:{self.port}"

    def filled(self, text: str) -> str:
        """A text of the release, as it is here."""
        return text.replace(RELEASE, self.id).replace(PORT, str(self.port)).replace(FOLDER, self.folder)


async def instance_of(host: Host, berth: Berth, id_: str) -> Instance:
    """A release by its id; one without anything where it is not there. Raises Transient."""
    folder = f"{berth.releases}/{id_}"
    port, brace, rest = (await read(host, f"{folder}/port", f"{folder}/release.json")).partition("{")
    number = int(port) if port.strip().isdecimal() else 0
    return Instance(berth=berth, id=id_, release=told(brace + rest), port=number)


def short(digest: str) -> str:
    """The id of a release: what its folder, its unit and its container are called by."""
    return digest.rpartition(":")[2][:16]


def free(release: str, taken: frozenset[int]) -> int:
    """A port for a release, by its id: the same one again as long as nobody has it.

    Two that would have the same one go on in different steps.
    """
    number = int(release, 16)
    step = 1 + number // _PORTS % (_PORTS - 1)
    ports = (_FIRST + (number + each * step) % _PORTS for each in range(_PORTS))
    return next(port for port in ports if port not in taken)
