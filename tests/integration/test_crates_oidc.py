"""Trusted publishing of crates: a job of CI has no token of its own, and gets one for half an hour."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crating import CANARY, Run, release
from shipways.errors import Unfinished
from shipways.model.outcome import State
from shipways.rehearse.crates import Crates
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.serving import served
from shipways.testing.console import ManualClock

pytestmark = pytest.mark.integration


class Job:
    """A registry that trusts a repository, and the environment of a job of it."""

    def __init__(self, fault: Fault = Fault.NONE) -> None:
        self.clock = ManualClock()
        self.crates = Crates(trusted="example/pair", now=self.clock.now)
        self.traffic = Traffic()
        once = iter((fault,))
        self.app = Faulty(
            self.crates.app, lambda _, path: next(once, Fault.NONE) if "tokens" in path else Fault.NONE, self.traffic
        )

    def run(self, url: str, folder: Path, repository: str = "example/pair") -> Run:
        """One process in the job."""
        env = {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/id-token?api-version=1&repository={repository}",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": CANARY,
        }
        return Run(url, folder, env=env, clock=self.clock)


@pytest.fixture
def job() -> Job:
    """A job whose registry has no faults."""
    return Job()


@pytest.fixture
def url(job: Job) -> Iterator[str]:
    """Where the registry is."""
    with served(job.app) as url:
        yield url


def test_mints_one_token(job: Job, url: str, tmp_path: Path) -> None:
    """One token serves every crate of a run."""
    outcome = job.run(url, tmp_path).publish(release(tmp_path, "1.0.0", {"app": ("core",), "core": ()}))
    assert {State.APPLIED} == {row.state for row in outcome.rows}, outcome.error()
    assert (1, 2) == (len(job.crates.minted), len(job.crates.log))


def test_mints_again(job: Job, url: str, tmp_path: Path) -> None:
    """A run that lasts longer than a token lives gets another before the first expires."""
    many = {f"crate{number}": (f"crate{number - 1}",) if number else () for number in range(12)}
    run = job.run(url, tmp_path)
    run.registry = "crates-io"
    outcome = run.publish(release(tmp_path, "1.0.0", many))
    assert {State.APPLIED} == {row.state for row in outcome.rows}, outcome.error()
    assert (12, 3, 4200) == (len(job.crates.log), len(job.crates.minted), job.clock.now())


def test_known_before(job: Job, url: str, tmp_path: Path) -> None:
    """A token is minted before a release is built; a job that the registry does not trust is told there."""
    assert () == job.run(url, tmp_path).preflight()
    assert 1 == len(job.crates.minted)
    with pytest.raises(Unfinished, match="No Trusted Publishing config found"):
        job.run(url, tmp_path, "other/pair").preflight()


def test_nothing_is_minted_to_look(job: Job, url: str, tmp_path: Path) -> None:
    """A run that publishes nothing asks for no token."""
    job.run(url, tmp_path).publish(release(tmp_path, "1.0.0", {"core": ()}), apply=False)
    assert {} == job.crates.minted


def test_repository_that_is_not_trusted(job: Job, url: str, tmp_path: Path) -> None:
    """The error says what the registry says, and what the job claims to be, so that both can be compared."""
    outcome = job.run(url, tmp_path, "other/pair").publish(release(tmp_path, "1.0.0", {"core": ()}))
    text = str(outcome.error())
    assert "No Trusted Publishing config found for repository `other/pair`" in text
    assert "repository = other/pair" in text
    assert [] == job.crates.log


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT])
def test_faults(fault: Fault, tmp_path: Path) -> None:
    """A token that is lost on its way is asked for again, with a new ID token, for each is taken once."""
    job = Job(fault)
    with served(job.app) as url:
        outcome = job.run(url, tmp_path).publish(release(tmp_path, "1.0.0", {"core": ()}))
    assert {State.APPLIED} == {row.state for row in outcome.rows}, outcome.error()
    assert [("core", "1.0.0")] == job.crates.log
