"""Releases on hosts that a Docker Engine keeps running: each in a container of its own, by its id."""

from collections.abc import Mapping, Sequence
from typing import Final

from shipways.deploy.berths import Instance
from shipways.deploy.fenced import must
from shipways.deploy.values import READ, alien, listed, told, written
from shipways.errors import Unfinished
from shipways.outside.hosts import Host

SERVICE: Final = "shipways.service"
_RELEASE: Final = "shipways.release"
_WORDS: Final = {"running": "active", "restarting": "activating"}
"""States of containers in the words of systemd; any other has failed."""
WITHIN: Final = (
    '(program=$(command -v "$2") && shift 2 && set -- "$program" "$@" && set -a && eval "$(cat)" && exec "$@"); '
    'code=$?; rm -f -- "$1"; exit "$code"'
)
"""What is eval'ed comes by standard input, once it is known which program is run; the file goes whatever happens."""


class ByDocker:
    """The `Runner` of images."""

    async def there(self, host: Host, service: str) -> Mapping[str, str]:
        """Each container of the service, whatever its state."""
        asked = ("docker", "ps", "--all", "--filter", f"label={SERVICE}={service}", "--format")
        rows = (
            line.split()
            for line in (await must(host, *asked, f'{{{{.Label "{_RELEASE}"}}}} {{{{.State}}}}')).splitlines()
        )
        return {row[0]: f"{_WORDS.get(row[1], 'failed')} ({row[1]})" for row in rows if len(row) == 2}

    async def right(self, host: Host, instance: Instance) -> bool:
        """A container cannot be edited."""
        del host, instance
        return True

    async def begun(self, host: Host, instance: Instance) -> str:
        """The time."""
        return (await host.run(("docker", "inspect", "--format", "{{.State.StartedAt}}", _name(instance)))).stdout

    async def start(self, host: Host, instance: Instance, *, anew: bool) -> None:
        """One that is not kept yet is started by nobody else, so that one which ends at once is seen."""
        state = (await self.there(host, instance.service)).get(instance.id, "")
        if state.startswith("active") and not anew:
            return
        if state:
            await self.stop(host, instance)
        begin = ("docker", "run", "--detach", "--name", _name(instance), "--restart", "no")
        marks = ("--label", f"{SERVICE}={instance.service}", "--label", f"{_RELEASE}={instance.id}")
        release = instance.release
        rest = (*marks, *(instance.filled(word) for word in (*release.options, release.image, *release.command)))
        if release.variables:
            await _given(host, instance, begin, rest)
        else:
            await must(host, *begin, *rest)

    async def keep(self, host: Host, instance: Instance) -> None:
        """By its restart policy. An engine that was killed takes what it ends when it is back for ended by somebody."""
        await must(host, "docker", "update", "--restart", "always", _name(instance))

    async def stop(self, host: Host, instance: Instance) -> None:
        """With the time that its options give it; its volumes stay."""
        await must(host, "docker", "stop", _name(instance), fine=frozenset({0, 1}))
        await must(host, "docker", "rm", "--force", _name(instance))

    async def forget(self, host: Host, instance: Instance) -> None:
        """Nothing is shared."""

    async def logs(self, host: Host, instance: Instance) -> str:
        """What it wrote to either stream."""
        done = await host.run(("docker", "logs", "--tail", "50", _name(instance)))
        return done.stdout + done.stderr


async def _given(host: Host, instance: Instance, begin: Sequence[str], rest: Sequence[str]) -> None:
    """With its variables, none of which is in a list of processes, or does anything outside of the container.

    What a file cannot have comes by the environment of the client, under names that mean nothing there.
    """
    found = told(await must(host, *READ, f"{instance.folder}/environment"))
    text, others = listed({name: found[name] for name in instance.release.variables if name in found})
    if problems := tuple(alien(f"service.{instance.service}.env.{{}}", others)):
        raise Unfinished(*problems)
    file = f"{instance.folder}/docker.env"
    await host.put(text, file, mode=0o600)
    names = (word for name in others for word in ("--env", name))
    await must(host, "sh", "-c", WITHIN, "sh", file, *begin, "--env-file", file, *names, *rest, stdin=written(others))


def _name(instance: Instance) -> str:
    return f"{instance.service}-{instance.id}"
