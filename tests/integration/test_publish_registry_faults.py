"""Whatever goes wrong at whichever request: running again ends with everything there, and nothing done twice."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from random import Random

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from shipping import Release, Run, release
from shipways.adapters.registryupload import Uploads
from shipways.model.outcome import GOOD, Outcome
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.oci import OciRegistry
from shipways.rehearse.serving import served
from shipways.testing.place import Crash

pytestmark = pytest.mark.integration

FAULTS = (Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT)
MOST = 60
"""More requests than a release makes here."""


@dataclass
class Harbour:
    """A server whose registry is a new one for each case."""

    folder: Path
    host: str = ""
    app: OciRegistry = field(init=False)
    traffic: Traffic = field(init=False)
    faulty: Faulty = field(init=False)
    cases: int = 0

    def begin(self, choose: Callable[[int], Fault], *, repositories: str = "a", lists: bool = False) -> Run:
        """An empty registry, whose n-th request fails as `choose` says."""
        self.cases += 1
        (self.folder / str(self.cases)).mkdir()
        self.app, self.traffic = OciRegistry(self.folder / str(self.cases), referrers=lists), Traffic()
        self.faulty = Faulty(self.app.app, lambda *_: choose(len(self.traffic.requests)), self.traffic)
        return self.run(repositories)

    def run(self, repositories: str = "a") -> Run:
        """Another process."""
        uploads = Uploads(whole=60_000, chunk=50_000)  # which makes layers large ones
        return Run(tuple(f"{self.host}/{name}" for name in repositories), moving=("latest",), uploads=uploads)

    def assert_once(self) -> None:
        """Each blob and each tag came once; a manifest under its digest may have come twice, which changes nothing."""
        counts = Counter((name, what) for kind, name, what in self.app.log if kind != "manifest" or ":" not in what)
        lists = [key for key in counts if key[1].startswith("sha256-")]
        assert {1} == {count for key, count in counts.items() if key not in lists}, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.faulty(scope, receive, send)


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    app = Harbour(tmp_path_factory.mktemp("harbour"))
    with served(app) as url:
        app.host = url.removeprefix("http://")
        yield app
    shutil.rmtree(app.folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A small one."""
    return release(tmp_path_factory.mktemp("made"), sbom=True, extra='platforms = ["linux/amd64"]\n')


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """One for two platforms."""
    return release(tmp_path_factory.mktemp("both"), sbom=True)


def finished(outcome: Outcome) -> bool:
    """Whether everything is there."""
    return all(row.state in GOOD for row in outcome.rows)


@pytest.mark.parametrize("faults", [(Fault.ERROR, Fault.LIMIT), (Fault.ERROR_AFTER,), (Fault.LOST,)])
def test_faults(harbour: Harbour, made: Release, faults: tuple[Fault, ...]) -> None:
    """One request fails, each in its turn: the same run gets over it. Two faults that do nothing take turns."""
    for number, fault in zip(range(1, MOST), cycle(faults), strict=False):
        run = harbour.begin(lambda now, number=number, fault=fault: fault if now == number else Fault.NONE)
        outcome = run(made)
        assert finished(outcome), (number, outcome.error())
        harbour.assert_once()
        if len(harbour.traffic.requests) < number:
            return
    pytest.fail(f"a release makes more than {MOST} requests")


@pytest.mark.parametrize("seed", range(8))
def test_many_faults(harbour: Harbour, both: Release, seed: int) -> None:
    """One request in sixteen fails, in a mixed way, between two repositories: a few runs get over it."""
    dice = Random(seed)  # noqa: S311 - a test's
    run = harbour.begin(lambda _: dice.choice((*FAULTS, *[Fault.NONE] * 60)), repositories="ab", lists=seed % 2 == 0)
    outcomes = [run(both) for _ in range(4)]
    assert finished(outcomes[-1]), outcomes[-1].error()
    harbour.assert_once()


class Ending(httpx.AsyncHTTPTransport):
    """Ends the program after the answer to its n-th request."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._left = number

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        answer = await super().handle_async_request(request)
        self._left -= 1
        if self._left == 0:
            await answer.aclose()
            raise Crash
        return answer


def test_crashes(harbour: Harbour, made: Release) -> None:
    """The program ends at each request in its turn: the next run finishes what it began."""
    for number in range(1, MOST):
        run = harbour.begin(lambda _: Fault.NONE)
        run.transport = Ending(number)
        try:
            run(made)
        except Crash:
            outcome = harbour.run()(made)
            assert finished(outcome), (number, outcome.error())
            harbour.assert_once()
        else:
            return
    pytest.fail(f"a release makes more than {MOST} requests")
