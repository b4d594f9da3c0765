"""What a host has to have for a source tree."""

from dataclasses import dataclass, field

import anyio
import pytest

from shipways.deploy.berths import Berth
from shipways.deploy.hostroom import pythonless, roomless
from shipways.deploy.records import Record
from shipways.outside.hosts import Host
from shipways.ports import Completed
from shipways.testing.host import MemoryHost

NOW, BEFORE, OLD = ("sha256:" + letter * 64 for letter in "abc")
BERTH = Berth(root="/opt/shipways", service="web")


@dataclass
class Asked(MemoryHost):
    """A host that has so much room, and these releases."""

    free: int = 10**6
    sizes: dict[str, int] = field(default_factory=dict)
    python: bool = True

    async def run(self, argv: object, stdin: bytes = b"") -> Completed:
        words = tuple(argv)  # type: ignore[arg-type]
        if words[0] == "sh":
            rows = "".join(f"{size}\t{digest[7:23]}\n" for digest, size in self.sizes.items())
            return Completed(code=0, stdout=f"{self.free}\n{rows}", stderr="")
        if words[0] == "python3":
            return Completed(code=int(not self.python), stdout="", stderr="" if self.python else "no ensurepip")
        return await MemoryHost.run(self, words, stdin)


def told(host: Host, megabytes: int, quota: int) -> list[str]:
    """What is in the way of a tree."""
    return [each.what for each in anyio.run(roomless, host, "a", BERTH, megabytes * 10**6, quota * 10**6)]


@pytest.mark.parametrize(
    ("megabytes", "quota", "expected"),
    [
        (10, 2000, []),
        (400, 2000, ["has 1024 MB left on the disk, and 1200 MB are needed"]),
        (10, 15, ["the tree has 10 MB, and the quota has 9 MB left"]),
        (
            400,
            5,
            [
                "has 1024 MB left on the disk, and 1200 MB are needed",
                "the tree has 400 MB, and the quota has 0 MB left",
            ],
        ),
    ],
)
def test_room(megabytes: int, quota: int, expected: list[str]) -> None:
    """F9: on the disk for what is sent, laid and built; in the quota beside what stays: an old one goes anyway."""
    host = Asked(sizes={NOW: 3000, BEFORE: 2000, OLD: 10**6})
    host.files[BERTH.state] = Record(running=NOW, previous=BEFORE).encoded
    assert expected == told(host, megabytes, quota)


def test_python() -> None:
    """Without its environments nothing is begun, and it is said which packages have them."""
    assert () == anyio.run(pythonless, Asked(), "a")
    (problem,) = anyio.run(pythonless, Asked(python=False), "a")
    assert ("no ensurepip", True) == (problem.why, "python3-venv" in problem.hint)
