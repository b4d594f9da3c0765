"""What has to be true of a host before anything is changed there."""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Final

from shipways.deploy.berths import Berth, instance_of, short
from shipways.deploy.fenced import must
from shipways.deploy.records import record_of
from shipways.deploy.sources import Source
from shipways.deploy.systemd import SHARED
from shipways.deploy.values import unfit
from shipways.errors import Problem
from shipways.outside.hosts import Host
from shipways.outside.platforms import Site

_CLOCK: Final = 300.0
"""Seconds by which its clock may differ: certificates and logs are of no use beyond."""
_ROOM: Final = 256 * 1024
"""KiB that have to be free."""
_LISTEN: Final = "0A"
_OURS: Final = frozenset({"active", "activating", "reloading", "deactivating"})
"""States of the socket of a service in which it is what listens."""
_FACTS: Final = (
    'id -u; test -d /run/systemd/system && echo systemd || echo no; uname -m; date +%s; p="$1"; '
    'while [ ! -d "$p" ]; do p=$(dirname "$p"); done; df -Pk "$p" | awk \'NR == 2 { print $4 }\''
)
STRANGE: Final = """
root=$1; shift
for name; do
  [ ! -e "$root/$name/lock" ] || continue
  if getent passwd "$name" >/dev/null; then echo "$name: the account $name"; fi
  for path in "/etc/systemd/system/$name@.service" "/run/systemd/system/$name@.service" \
    "/usr/local/lib/systemd/system/$name@.service" "/usr/lib/systemd/system/$name@.service" \
    SHARED "/var/lib/$name" "/var/log/$name"; do
    if [ -e "$path" ]; then echo "$name: $path"; fi
  done
  if [ "$(ls -A "/etc/$name" 2>/dev/null | grep -vx environment)" ]; then echo "$name: /etc/$name"; fi
done
""".replace("SHARED", " ".join(f'"{path.format("$name")}"' for path in SHARED))
"""A line for each thing that a service would take for its own. Its lock is there once a deployment was let through, and
stays whatever becomes of it: then all of it is ours. Variables may lie there before."""
_PORTS: Final = "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || true"


async def checked(host: Host, name: str, root: str, arch: str, now: float) -> tuple[Problem, ...]:
    """The right, the system, the room below `root` and the clock."""
    done = await host.run(("sh", "-c", _FACTS, "sh", root))
    facts = done.stdout.split()
    if done.code or len(facts) != 5 or facts[0] != "0":
        hint = "log in as root, or let this user do by sudo what `shipways serve --sudoers` prints"
        return (Problem(path=name, what="nothing can be run as root", why=done.stderr.strip(), hint=hint),)
    return tuple(_problems(name, facts, arch, now))


async def taken(host: Host, name: str, sources: Sequence[Source]) -> tuple[Problem, ...]:
    """The public ports that something else listens on."""
    there, found = await listening(host), []
    for source in sources:
        state = (await host.run(("systemctl", "is-active", f"{source.name}-proxy.socket"))).stdout.strip()
        if source.port in there and state not in _OURS:
            what = f"port {source.port} is taken, and not by {source.name}"
            found.append(Problem(path=name, what=what, hint=f"`ss -ltnp sport = :{source.port}` there says by whom"))
    return tuple(found)


async def strange(host: Host, name: str, root: str, sources: Sequence[Source]) -> tuple[Problem, ...]:
    """Services that were never deployed there, and whose names something else has: it would be stopped, or its data
    would be another account's.
    """
    rows = (await must(host, "sh", "-c", STRANGE, "sh", root, *(source.name for source in sources))).splitlines()
    found: dict[str, list[str]] = {}
    for service, _, thing in (row.partition(": ") for row in rows):
        found.setdefault(service, []).append(thing)
    hint = "give the service another name; if that is left of it, `install -D /dev/null {}` there says so"
    return tuple(
        Problem(
            path=name,
            what=f"has something else that is called {service}",
            why=f"there is {', '.join(things)}",
            hint=hint.format(Berth(root=root, service=service).lock),
        )
        for service, things in found.items()
    )


async def engineless(host: Host, name: str, sources: Sequence[Source]) -> tuple[Problem, ...]:
    """Where images should run, and no Docker Engine does."""
    if not any(source.docker for source in sources):
        return ()
    done = await host.run(("docker", "version", "--format", "{{.Server.Version}}"))
    hint = "install one there, and start it"
    why = done.stderr.strip()
    return (Problem(path=name, what="no Docker engine answers there", why=why, hint=hint),) if done.code else ()


def hidden(source: Source, sources: Sequence[Source]) -> Iterator[Problem]:
    """The services that an image needs and whose ports its container does not reach: it has a loopback of its own."""
    for need in sources if source.docker else ():
        if need.name in source.needs and need.port and ipaddress.ip_address(need.publish).is_loopback:
            what = f"is {need.publish}, where the container of {source.name} does not find it"
            why = f"it reaches {need.name} by its host, at the address of Docker's bridge there"
            hint = 'publish = "172.17.0.1" is that bridge alone, unless the engine has another; or deploy by compose'
            yield Problem(path=f"service.{need.name}.publish", what=what, why=why, hint=hint)


async def ungiven(site: Site, sources: Sequence[Source]) -> tuple[Problem, ...]:
    """Variables that no release of a service can be given."""
    found: list[Problem] = []
    for source in sources:
        values = {name: value.open() for name, value in (await source.environment(site)).items()}
        given = {name: value for name, value in values.items() if name not in source.mounted}
        found += unfit(f"service.{source.name}.env.{{}}", given, docker=source.docker)
    return tuple(found)


async def stranded(host: Host, name: str, root: str, sources: Sequence[Source]) -> tuple[Problem, ...]:
    """Services that run by another method than they are deployed by now, and have data that would stay there."""
    found = []
    for source in sources:
        berth = Berth(root=root, service=source.name)
        running = (await record_of(host, berth)).running if source.data else ""
        if running:
            release = (await instance_of(host, berth, short(running))).release
            if release.content and bool(release.image) is not source.docker:
                what = (
                    f"{source.name} runs by {'Docker' if release.image else 'systemd'}, and its data would stay there"
                )
                hint = f"deploy it under another name, and bring it {', '.join(source.data)}"
                found.append(Problem(path=name, what=what, why="the method is another now", hint=hint))
    return tuple(found)


async def listening(host: Host) -> frozenset[int]:
    """The ports that something listens on, on whatever address."""
    return _listening((await host.run(("sh", "-c", _PORTS))).stdout)


def _problems(name: str, facts: Sequence[str], arch: str, now: float) -> Iterator[Problem]:
    _, system, machine, time, room = facts
    if system != "systemd":
        yield Problem(path=name, what="is not run by systemd", hint="hosts are machines that systemd has started")
    if machine != arch:
        yield Problem(path=name, what=f"is {machine}", why=f"programs for {arch} are brought to it")
    if (differs := abs(float(time) - now)) > _CLOCK:
        what = f"its clock and ours differ by {differs:.0f} s"
        yield Problem(path=name, what=what, hint="`timedatectl set-ntp true` on the one that is wrong")
    if int(room) < _ROOM:
        what = f"has {int(room) // 1024} MiB left on the disk"
        yield Problem(path=name, what=what, why=f"at least {_ROOM // 1024} MiB are needed")


def _listening(table: str) -> frozenset[int]:
    """The ports of a table of the kernel."""
    rows = (line.split() for line in table.splitlines())
    return frozenset(int(row[1].rpartition(":")[2], 16) for row in rows if len(row) > 3 and row[3] == _LISTEN)
