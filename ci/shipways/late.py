"""Ports whose libraries take long to import, which a run that does not use them does not pay."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from shipways.adapters.process import OsProcess
from shipways.adapters.shell import OsClock, OsShell
from shipways.model.artifact import Linkage
from shipways.model.lock import LockedImage
from shipways.model.oci import Descriptor
from shipways.outside.upstream import Images
from shipways.ports import Inspector

if TYPE_CHECKING:
    from shipways.outside.hosts import Address, Host, Hosts


class LateInspector:
    """The `Inspector` port, by lief: half a second to import."""

    def linkage(self, path: Path) -> Linkage | None:
        """What a binary says of itself."""
        return self._lief.linkage(path)

    def build_information(self, path: Path) -> str:
        """What Go's linker has written into a binary."""
        return self._lief.build_information(path)

    def section(self, path: Path, offset: int) -> str:
        """The section of a binary that has this byte."""
        return self._lief.section(path, offset)

    @functools.cached_property
    def _lief(self) -> Inspector:
        from shipways.adapters.inspect import LiefInspector

        return LiefInspector()


class LateImages:
    """The `Images` port, by httpx."""

    def __init__(self, mirror: str) -> None:
        self._mirror = mirror

    async def resolve(self, name: str) -> LockedImage:
        """What a name stands for now."""
        return await self._registry.resolve(name)

    async def blob(self, name: str, descriptor: Descriptor, into: Path) -> None:
        """Stream a blob into a file and verify it."""
        await self._registry.blob(name, descriptor, into)

    @functools.cached_property
    def _registry(self) -> Images:
        from shipways.adapters.dockerauth import DockerLogins
        from shipways.adapters.mirror import Mirrored
        from shipways.adapters.registry import Registry
        from shipways.adapters.registryhttp import RegistryHttp

        registry = Registry(RegistryHttp(DockerLogins(OsProcess(), OsShell()), OsClock()))
        return Mirrored(registry, self._mirror) if self._mirror else registry


class LateHosts:
    """The `Hosts` port, by asyncssh: half a second to import."""

    def __init__(self) -> None:
        self._made: Hosts | None = None

    async def reach(self, address: "Address") -> "Host":
        """One connection for each."""
        if self._made is None:  # in a thread: a server answers others meanwhile
            made = await anyio.to_thread.run_sync(_ssh, abandon_on_cancel=True)
            self._made = self._made or made
        return await self._made.reach(address)

    async def aclose(self) -> None:
        """Of what was reached."""
        if self._made is not None:
            await self._made.aclose()


def _ssh() -> "Hosts":
    from shipways.adapters.ssh import SshHosts

    return SshHosts()
