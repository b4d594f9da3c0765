"""Releases on hosts that systemd keeps running: each has units of its own, by its id."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from shipways.deploy.berths import ID, Instance
from shipways.deploy.fenced import digests, must
from shipways.deploy.managers import Systemd, renewed
from shipways.deploy.sources import RELEASE
from shipways.model.daemon import Command, Daemon, Text
from shipways.model.digest import digest_bytes
from shipways.outside.hosts import Host

_MANAGER: Final = Systemd(user=False, block=False)
_UNKNOWN: Final = 5
"""What systemctl ends with when a unit is not loaded."""


class BySystemd:
    """The `Runner` of programs."""

    async def there(self, host: Host, service: str) -> Mapping[str, str]:
        """What systemd says of each; a unit that is called otherwise is somebody else's."""
        asked = ("systemctl", "list-units", "--all", "--plain", "--no-legend", "--full", "--type=service")
        rows = (line.split() for line in (await must(host, *asked, f"{service}@*")).splitlines())
        found = {row[0].partition("@")[2].removesuffix(".service"): f"{row[2]} ({row[3]})" for row in rows if row}
        return {id_: state for id_, state in found.items() if ID.fullmatch(id_)}

    async def right(self, host: Host, instance: Instance) -> bool:
        """Whether its files are those of the release, and systemd has read them."""
        daemon = _daemon(instance)
        wanted = {each.path: digest_bytes(each.text.encode()) for each in daemon.texts}
        if await digests(host, tuple(wanted)) != wanted:
            return False
        return not _MANAGER.told(0, await must(host, *_MANAGER.ask(daemon).argv)).stale

    async def begun(self, host: Host, instance: Instance) -> str:
        """An id that systemd gives."""
        unit = f"{instance.name}.service"
        return (await host.run(("systemctl", "show", "--value", "--property=InvocationID", unit))).stdout

    async def start(self, host: Host, instance: Instance, *, anew: bool) -> None:
        """Without a wait until it is up. It does not start with the machine before it is kept."""
        daemon = _daemon(instance)
        there = await digests(host, [each.path for each in daemon.texts])
        changed = [each for each in daemon.texts if there.get(each.path) != digest_bytes(each.text.encode())]
        for each in changed:
            await host.put(each.text.encode(), each.path, mode=0o644)
        state = replace(_MANAGER.told(0, await must(host, *_MANAGER.ask(daemon).argv)), enabled=True)
        paths = [each.path for each in changed]
        begin = renewed(_MANAGER, daemon, state, paths) if anew else _MANAGER.begin(daemon, state, paths)
        # A unit that is new was read when systemd was asked for it; reading all of them again takes long.
        known = state.known and not state.stale
        await _run(host, tuple(each for each in begin if not known or "daemon-reload" not in each.argv))

    async def keep(self, host: Host, instance: Instance) -> None:
        """By the symbolic links of its units, which systemd reads when the machine starts: it does without them now."""
        await must(host, "systemctl", "enable", "--no-reload", "--", *_daemon(instance).units)

    async def stop(self, host: Host, instance: Instance) -> None:
        """Its units go; what the releases of a service share stays."""
        daemon = _daemon(instance)
        units = [each.path for path, each in zip(instance.release.texts, daemon.texts, strict=True) if RELEASE in path]
        if await digests(host, units):
            await must(host, "systemctl", "disable", "--now", "--no-reload", "--", *daemon.units)
        else:
            await must(host, "systemctl", "stop", "--", *daemon.units, fine=frozenset({0, _UNKNOWN}))
        await must(host, "rm", "-f", "--", *units)
        await _run(host, _MANAGER.forget(daemon))

    async def forget(self, host: Host, instance: Instance) -> None:
        """The files that they share, and the journal of their own."""
        daemon = _daemon(instance)
        await _run(host, _MANAGER.silence(daemon))
        await must(host, "rm", "-f", "--", *(each.path for each in daemon.texts))
        await _run(host, _MANAGER.forget(daemon))

    async def logs(self, host: Host, instance: Instance) -> str:
        """Of the journal of the service, what is of this release."""
        return (await host.run(_MANAGER.logs(_daemon(instance), 50, follow=False))).stdout


def _daemon(instance: Instance) -> Daemon:
    """As systemd is told of it: the service, then the socket where it has one."""
    texts = tuple(
        Text(path=instance.filled(path), text=instance.filled(text)) for path, text in instance.release.texts.items()
    )
    sockets = (f"{instance.name}.socket",) if any(each.path.endswith(".socket") for each in texts) else ()
    return Daemon(
        service=instance.service,
        units=(f"{instance.name}.service", *sockets),
        texts=texts,
        programs=(),
        log=instance.service,
    )


async def _run(host: Host, commands: tuple[Command, ...]) -> None:
    for command in commands:
        await must(host, *command.argv, fine=command.fine)
