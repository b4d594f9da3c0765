"""Holds on hosts: a file beside each service, which everybody sees who deploys there."""

import json
from collections.abc import Mapping
from typing import Final

from shipways.deploy.berths import Berth
from shipways.deploy.fenced import must
from shipways.model.job import Hold
from shipways.outside.hosts import Host

LIST: Final = (
    'cd -- "$1" 2>/dev/null || exit 0; for each in */hold.json; do '
    '[ ! -f "$each" ] || { printf "%s " "${each%/*}"; tr -d "\\n" <"$each"; echo; }; done'
)


async def holds(host: Host, root: str) -> Mapping[str, Hold]:
    """Each that there is, by the names of services, whether they run or not. Raises Transient, Unfinished."""
    rows = (await must(host, "sh", "-c", LIST, "sh", root)).splitlines()
    return {name: told(name, text) for name, _, text in (row.partition(" ") for row in rows)}


async def put(host: Host, root: str, hold: Hold) -> None:
    """In the place of the one before. Raises Transient, Unfinished."""
    await host.put(encoded(hold), Berth(root=root, service=hold.service).hold, mode=0o644)


async def remove(host: Host, root: str, service: str) -> None:
    """Whether there is one or not. Raises Transient, Unfinished."""
    await must(host, "rm", "-f", "--", Berth(root=root, service=service).hold)


def encoded(hold: Hold) -> bytes:
    """What lies there of it."""
    return json.dumps({"reason": hold.reason, "by": hold.by, "since": round(hold.since, 3)}).encode() + b"\n"


def told(service: str, text: str | bytes) -> Hold:
    """The hold of a file; what cannot be read holds, too."""
    try:
        found = json.loads(text)
        return Hold(service=service, reason=str(found["reason"]), by=str(found["by"]), since=float(found["since"]))
    except (ValueError, KeyError, TypeError):
        return Hold(service=service, reason="its file cannot be read", by="somebody", since=0.0)
