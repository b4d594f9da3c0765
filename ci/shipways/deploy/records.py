"""What is remembered of a service beside its releases: which runs, and which ran before."""

import json
from dataclasses import asdict, dataclass

from shipways.deploy.berths import Berth
from shipways.deploy.fenced import read
from shipways.outside.hosts import Host


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Digests, empty where nothing ran. `since` is in seconds since the epoch, 0 where nobody knows.

    `gap` is for how many seconds nothing answered when it took over; 0 where something always did. `definitions` are
    those of `definitions.py`, where the digests are of programs alone.
    """

    running: str = ""
    previous: str = ""
    since: float = 0.0
    gap: float = 0.0
    definitions: str = ""

    @property
    def encoded(self) -> bytes:
        """The file."""
        return json.dumps(asdict(self)).encode() + b"\n"


def recorded(text: str | bytes) -> Record | None:
    """The record of a file; None where it is none."""
    try:
        found = json.loads(text)
        return Record(
            running=str(found["running"]),
            previous=str(found["previous"]),
            since=float(found.get("since", 0)),
            gap=float(found.get("gap", 0)),
            definitions=str(found.get("definitions", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


async def record_of(host: Host, berth: Berth) -> Record:
    """That of a service on a host; nothing where it cannot be read. Raises Transient."""
    return recorded(await read(host, berth.state)) or Record()
