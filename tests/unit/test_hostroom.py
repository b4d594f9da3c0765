"""What a host has to have for a source tree."""

from dataclasses import dataclass

import anyio
import pytest

from shipways.deploy.berths import Berth
from shipways.deploy.hostroom import pythonless, roomless
from shipways.ports import Completed
from shipways.testing.host import MemoryHost

BERTH = Berth(root="/opt/shipways", service="web")


@dataclass
class Asked(MemoryHost):
    """A host that has so much room."""

    free: int = 10**6
    python: bool = True

    async def run(self, argv: object, stdin: bytes = b"") -> Completed:
        words = tuple(argv)  # type: ignore[arg-type]
        if words[0] == "sh":
            return Completed(code=0, stdout=f"{self.free}\n", stderr="")
        if words[0] == "python3":
            return Completed(code=int(not self.python), stdout="", stderr="" if self.python else "no ensurepip")
        return await MemoryHost.run(self, words, stdin)


@pytest.mark.parametrize(
    ("megabytes", "expected"), [(10, []), (400, ["has 1024 MB left on the disk, and 1200 MB are needed"])]
)
def test_room(megabytes: int, expected: list[str]) -> None:
    """F8: on the disk, for what is sent, laid and built."""
    assert expected == [each.what for each in anyio.run(roomless, Asked(), "a", BERTH, megabytes * 10**6)]


def test_python() -> None:
    """Without its environments nothing is begun, and it is said which packages have them."""
    assert () == anyio.run(pythonless, Asked(), "a")
    (problem,) = anyio.run(pythonless, Asked(python=False), "a")
    assert ("no ensurepip", True) == (problem.why, "python3-venv" in problem.hint)
