"""A stand-in of PyPI with a fault at one request, and the processes that publish to it."""

from dataclasses import dataclass, field
from pathlib import Path

from indexes import Release, table
from shipways.rehearse.faults import Fault, Traffic
from shipways.rehearse.index import PackageIndex, StoredFile, TrustedPublisher
from shipways.testing.console import ManualClock

SDIST, WHEEL, WIN = "hello-1.0.0.tar.gz", "hello-1.0.0-py3-none-any.whl", "hello-1.0.0-py3-none-win32.whl"
PUBLISHER = TrustedPublisher(project="hello", repository="example/hello", workflow="release.yml", environment="release")


class Killed(BaseException):
    """The process ends where it would wait before it tries again."""


class Mortal(ManualClock):
    """A clock on which nobody waits twice."""

    async def sleep(self, seconds: float) -> None:
        raise Killed


@dataclass
class Harbour:
    """An index with its traffic; request number `at` gets the fault, or is preceded by the rival's upload."""

    folder: Path
    index: PackageIndex = field(default_factory=PackageIndex)
    traffic: Traffic = field(default_factory=Traffic)
    at: int = -1
    fault: Fault = Fault.NONE
    rival: dict[str, bytes] = field(default_factory=dict)
    url: str = ""
    env: dict[str, str] = field(default_factory=dict)

    def choose(self, method: str, path: str) -> Fault:
        """For the request that was counted last."""
        if method == "POST" and self.rival:
            self.put(self.rival)
            self.rival = {}
        return self.fault if len(self.traffic.requests) - 1 == self.at else Fault.NONE

    def put(self, files: dict[str, bytes]) -> None:
        """As another runner uploads them."""
        for name, data in files.items():
            self.index.files[name] = StoredFile(
                name=name, project="hello", version="1.0.0", data=data, requires_python=""
            )
        self.index.projects.add("hello")

    def clear(self, at: int, fault: Fault) -> None:
        """An empty index, and the fault of the next runs."""
        self.index.files.clear()
        self.index.projects.clear()
        self.index.uploads.clear()
        self.traffic.requests.clear()
        self.at, self.fault = at, fault

    def release(self, *, trusted: bool = False, clock: ManualClock | None = None) -> Release:
        """A new process."""
        return Release(self.folder, table(self.url, trusted=trusted), self.env, clock=clock or ManualClock())

    def posts(self) -> int:
        """How many requests would change something."""
        return self.traffic.methods()["POST"]
