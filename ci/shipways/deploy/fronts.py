"""The public port of a service on a host: `tender proxy` holds it, and leads to the release of the moment."""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shipways.deploy.berths import Instance
from shipways.deploy.fenced import digests, must
from shipways.deploy.sources import Release
from shipways.errors import Problem, Transient
from shipways.model.digest import digest_bytes
from shipways.outside.hosts import Host
from shipways.ports import Clock
from shipways.render.text import render

_UNITS: Final = "/etc/systemd/system"
_PAUSE: Final = 0.1
"""Seconds between looks at what is under way."""
_OLD: Final = '[ "$(sha256sum <"/proc/$1/exe")" = "$(sha256sum <"$2")" ]'


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """Of one service. `drain` is for how long what is under way may go on at the release before, as tender reads it."""

    service: str
    tender: str
    drain: str

    async def status(self, host: Host) -> Mapping[str, Any]:
        """What `tender proxy status` tells; nothing where there is no proxy."""
        done = await host.run(self._told("status"))
        told: dict[str, Any] = json.loads(done.stdout) if not done.code else {}
        return told

    async def stand(self, host: Host, release: Release) -> Mapping[str, Any]:
        """Hold the port as the release says, by the tender that is on the host: as it stands. Raises Unfinished."""
        texts = self._texts(release)
        there = await digests(host, tuple(texts))
        wrong = [path for path, text in texts.items() if there.get(path) != digest_bytes(text.encode())]
        for path in wrong:
            await host.put(texts[path].encode(), path, mode=0o644)
        if wrong:
            await must(host, "systemctl", "daemon-reload")
            await must(host, "systemctl", "enable", "--", *self._units)
            # Only another socket closes the port: it is systemd's, and what comes waits there for another service.
            anew = self._units if f"{_UNITS}/{self._units[0]}" in wrong else self._units[1:]
            await must(host, "systemctl", "restart", "--", *anew)
        await must(host, "systemctl", "start", "--", *self._units)
        status = await self.status(host)
        pid = str(status.get("pid", ""))
        if pid and (await host.run(("sh", "-c", _OLD, "sh", pid, self.tender))).code:
            await must(host, *self._told("upgrade"), "--drain", self.drain)
        return status

    async def lead(self, host: Host, to: Instance) -> None:
        """Let what comes from now on go there. Raises Transient while nothing answers there."""
        done = await host.run((*self._told("switch"), "--to", to.backend, "--drain", self.drain, "--no-wait"))
        if done.code:
            what = "does not answer yet"
            raise Transient(Problem(path=to.name, what=what, why=done.stderr.strip(), hint="look at its log"))

    async def drained(self, host: Host, clock: Clock) -> None:
        """Until nothing is under way at former ones, or it was cut. It only looks, as no step in the fence is long."""
        while _draining(await self.status(host)):
            await clock.sleep(_PAUSE)

    async def pause(self, host: Host, clock: Clock) -> None:
        """Let what comes wait; nothing is under way any more afterwards."""
        if await self.status(host):
            await must(host, *self._told("pause"), "--drain", self.drain, "--no-wait")
            await self.drained(host, clock)

    async def end(self, host: Host) -> None:
        """Close the port, and leave nothing of it."""
        paths = [f"{_UNITS}/{unit}" for unit in self._units]
        if not await digests(host, paths):
            return
        await must(host, "systemctl", "disable", "--now", "--", *self._units)
        await must(host, "systemctl", "clean", "--what=state", "--", self._units[1])
        await must(host, "rm", "-f", "--", *paths)
        await must(host, "systemctl", "daemon-reload")

    @property
    def _units(self) -> tuple[str, str]:
        return f"{self.service}-proxy.socket", f"{self.service}-proxy.service"

    @property
    def _control(self) -> str:
        return f"/run/{self.service}-proxy/control"

    def _texts(self, release: Release) -> Mapping[str, str]:
        values = {
            "service": self.service,
            "listen": release.listen,
            "http": release.http,
            "early": _given(release.listen),
            "tender": self.tender,
            "control": self._control,
        }
        return {
            f"{_UNITS}/{unit}": render(f"deployment/hosts/{unit[len(self.service) + 1 :]}", **values)
            for unit in self._units
        }

    def _told(self, order: str) -> tuple[str, ...]:
        return (self.tender, "proxy", order, "--control", self._control)


def _draining(status: Mapping[str, Any]) -> bool:
    """Whether a tender, or the one that has handed over to it, has connections of former releases."""
    return bool(status.get("draining")) or (bool(status.get("predecessor")) and _draining(status["predecessor"]))


def _given(listen: str) -> bool:
    """Whether something else gives the machine the address, such as an engine that starts later than sockets do."""
    address = ipaddress.ip_address(listen.rpartition(":")[0].strip("[]"))
    return not (address.is_loopback or address.is_unspecified)
