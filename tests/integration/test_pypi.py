"""The whole `pypi` channel against the stand-in: first, again, second, conflicts, faults, tokens."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import anyio
import pytest

from indexes import Release, hello, manifest, metadata, sdist, states, table, told, wheel
from shipways.errors import Conflict, Unfinished
from shipways.model.outcome import State
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.index import PackageIndex, StoredFile, TrustedPublisher
from shipways.rehearse.serving import served
from shipways.testing.console import ManualClock

pytestmark = pytest.mark.integration

SDIST, WHEEL, WIN = "hello-1.0.0.tar.gz", "hello-1.0.0-py3-none-any.whl", "hello-1.0.0-py3-none-win32.whl"
PUBLISHER = TrustedPublisher(project="hello", repository="example/hello", workflow="release.yml", environment="release")
FAULTS = (Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT)


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


@pytest.fixture
def harbour(tmp_path: Path) -> Iterator[Harbour]:
    """An index that has one token, for the project hello."""
    made = Harbour(tmp_path)
    made.env["SHIPWAYS_PYPI_TOKEN"] = made.index.token("hello")
    with served(Faulty(made.index.app, made.choose, made.traffic)) as made.url:
        yield made


@pytest.fixture
def trusted(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> Harbour:
    """A job of a CI that says who it is, and a project that trusts it. There is no token."""
    harbour.env.clear()
    for name, value in harbour.index.identity.environment(harbour.url).items():
        monkeypatch.setenv(name, value)
    harbour.index.publishers.append(PUBLISHER)
    return harbour


def test_first_release(harbour: Harbour) -> None:
    """The sdist first, then the wheels, each once, with the bytes of the manifest."""
    outcome = harbour.release()(hello())
    assert outcome.error() is None, told(outcome)
    assert (SDIST, {WHEEL, WIN}) == (harbour.index.uploads[0], set(harbour.index.uploads[1:]))
    assert hello() == {name: file.data for name, file in harbour.index.files.items()}
    assert [State.DONE] * 4 + [State.APPLIED] * 3 == list(states(outcome).values())


def test_again(harbour: Harbour) -> None:
    """Running again only reads, also where neither token nor files are at hand."""
    harbour.release()(hello())
    harbour.traffic.requests.clear()
    harbour.env.clear()
    run = harbour.release()
    for name in hello():
        (harbour.folder / name).unlink()
    outcome = run({}, listed=manifest(hello()))
    assert {State.DONE} == set(states(outcome).values()), told(outcome)
    assert [("GET", "/simple/hello/")] == harbour.traffic.requests


def test_dry_run(harbour: Harbour) -> None:
    """Only observing sends nothing; what passes its checks is said to be there."""
    found = states(harbour.release()(hello(), apply=False))
    assert (State.PENDING, State.DONE) == (found[f"pypi/{SDIST}"], found[f"pypi/check/{SDIST}"])
    assert (0, {}) == (harbour.posts(), harbour.index.files)


def test_second_release(harbour: Harbour) -> None:
    """The next version stands beside the first, and the first is still what it was."""
    harbour.release()(hello())
    outcome = harbour.release()(hello("1.1.0"), "1.1.0")
    assert outcome.error() is None, told(outcome)
    assert hello() | hello("1.1.0") == {name: file.data for name, file in harbour.index.files.items()}
    assert {State.DONE} == set(states(harbour.release()(hello())).values())


def test_yanked(harbour: Harbour) -> None:
    """A yanked file is there: its owner has decided that, and nobody undoes it."""
    harbour.release()(hello())
    harbour.index.yanked.add(WHEEL)
    assert {State.DONE} == set(states(harbour.release()(hello())).values())


def test_conflict(harbour: Harbour) -> None:
    """Other bytes under the name of a wheel: exit 6 with both digests; the others are published."""
    other = wheel("hello", "1.0.0", metadata("hello", "1.0.0", "Another.\n"))
    harbour.put(dict([other]))
    outcome = harbour.release()(hello())
    error = outcome.error()
    assert isinstance(error, Conflict)
    assert (State.CONFLICT, State.APPLIED) == tuple(states(outcome)[f"pypi/{name}"] for name in (WHEEL, WIN))
    (problem,) = error.problems
    assert problem.what.count("sha256:") == 2
    assert other[1] == harbour.index.files[WHEEL].data


@pytest.mark.parametrize("same", [True, False], ids=["same", "other"])
def test_rival(harbour: Harbour, same: bool) -> None:
    """Another runner is a moment faster: the same bytes are no harm, others a conflict."""
    description = "Greets.\n" if same else "Another.\n"
    harbour.rival = dict([sdist("hello", "1.0.0", metadata("hello", "1.0.0", description))])
    outcome = harbour.release()(hello())
    found = states(outcome)
    if same:
        assert outcome.error() is None, told(outcome)
        assert (3, {WHEEL, WIN}) == (len(harbour.index.files), set(harbour.index.uploads))
    else:
        assert isinstance(outcome.error(), Conflict)
        assert (State.CONFLICT, State.BLOCKED) == (found[f"pypi/{SDIST}"], found[f"pypi/{WHEEL}"])


def test_deleted(harbour: Harbour) -> None:
    """The name of a deleted file is used up, and that is said; what needs the file waits."""
    harbour.release()(hello())
    harbour.index.delete(SDIST)
    outcome = harbour.release()(hello())
    error = outcome.error()
    assert isinstance(error, Unfinished)
    assert f"{SDIST}: was on the index once and has been deleted, which uses up the name for ever" in str(error)
    assert "fix: release the next version" in str(error)


@pytest.mark.parametrize("way", ["token", "trusted"])
def test_faults(harbour: Harbour, way: str, request: pytest.FixtureRequest) -> None:
    """Whatever happens to any one request, the run converges, or the next one does; nothing is stored twice."""
    is_trusted = way == "trusted"
    if is_trusted:
        request.getfixturevalue("trusted")
    assert harbour.release(trusted=is_trusted)(hello()).error() is None
    paths = [path for _, path in harbour.traffic.requests]
    places = [at for at, path in enumerate(paths) if not is_trusted or "oidc" in path or "identity" in path]
    cases = [(at, fault, clock) for at, fault in product(places, FAULTS) for clock in (ManualClock, Mortal)]
    for at, fault, clock in cases:
        harbour.clear(at, fault)
        try:
            outcome = harbour.release(trusted=is_trusted, clock=clock())(hello())
            assert outcome.error() is None, (at, fault, told(outcome))
        except Killed:
            assert harbour.release(trusted=is_trusted)(hello()).error() is None, (at, fault)
        harbour.traffic.requests.clear()
        assert {State.DONE} == set(states(harbour.release(trusted=is_trusted)(hello())).values())
        assert (sorted(hello()), 0) == (sorted(harbour.index.uploads), harbour.posts()), (at, fault)
    assert (3 if is_trusted else 4) * len(FAULTS) * 2 == len(cases)


def test_limit_is_honoured(harbour: Harbour) -> None:
    """429 says for how long, and that long is waited."""
    harbour.at, harbour.fault = 1, Fault.LIMIT
    run = harbour.release()
    assert run(hello()).error() is None
    assert (1.0, 1) == (run.clock.monotonic(), len(run.notes()) - 1)


def test_no_token(harbour: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token nothing is sent, and nothing of any channel becomes public."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    harbour.env.clear()
    outcome = harbour.release()(hello())
    assert (State.FAILED, State.PENDING) == tuple(states(outcome)[f"pypi/{i}"] for i in ("token", SDIST))
    assert "fix: set SHIPWAYS_PYPI_TOKEN" in told(outcome)
    assert not harbour.index.files


@pytest.mark.parametrize("projects", [("other",), None], ids=["without right", "unknown"])
def test_token_without_right(harbour: Harbour, projects: tuple[str, ...] | None) -> None:
    """403 is final: the reason of the index, what to check, and nothing of the token."""
    token = harbour.index.token(*projects) if projects else "rehearsal-canary"
    harbour.env["SHIPWAYS_PYPI_TOKEN"] = token
    run = harbour.release()
    outcome = run(hello())
    found = states(outcome)
    assert (State.FAILED, State.BLOCKED) == (found[f"pypi/{SDIST}"], found[f"pypi/{WHEEL}"])
    assert 1 == harbour.posts()
    reason = "isn't allowed to upload to project 'hello'" if projects else "Invalid or non-existent authentication"
    assert (True, True) == (reason in told(outcome), "check that the token is for this project" in told(outcome))
    assert token not in told(outcome) + repr(run.console.events) + repr(outcome)


@pytest.mark.parametrize("file", [wheel, sdist], ids=["wheel", "sdist"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (metadata("hello", "1.0.0", ""), "`long_description` missing"),
        ("Metadata-Version: 2.1\nName: hello\nVersion: 1.0.0\n\nx\n===\n  y\n z\n*w", "syntax errors in markup"),
        (metadata("other", "1.0.0"), "says in its metadata that it is other 1.0.0"),
        ("Metadata-Version: 2.1\nName: hello\nVersion: 1.0.0\nRequires-Python: new\n", "'new' is invalid"),
        ("nothing", "Metadata-Version"),
    ],
    ids=["no description", "markup", "another project", "invalid", "none"],
)
def test_check(harbour: Harbour, file: object, text: str, reason: str) -> None:
    """What an index or its readers would not like stops the release before anything is public."""
    assert callable(file)
    name, data = file("hello", "1.0.0", text)
    outcome = harbour.release()(hello() | {name: data})
    assert State.FAILED == states(outcome)[f"pypi/check/{name}"]
    assert reason in told(outcome)
    assert (0, False) == (harbour.posts(), outcome.begun)


def test_trusted(trusted: Harbour) -> None:
    """Without a token the CI says who it is, once for all files."""
    outcome = trusted.release()(hello())
    assert outcome.error() is None, told(outcome)
    assert (sorted(hello()), 1) == (sorted(trusted.index.uploads), len(trusted.index.used))


def test_a_token_goes_first(trusted: Harbour) -> None:
    """`auto` uses the token that somebody has given; `true` never does."""
    trusted.env["SHIPWAYS_PYPI_TOKEN"] = trusted.index.token()
    assert trusted.release()(hello()).error() is None
    assert 0 == len(trusted.index.used)
    trusted.env["SHIPWAYS_PYPI_TOKEN"] = "-".join(("no", "token"))
    outcome = trusted.release(trusted=True)(hello("1.1.0"), "1.1.0")
    assert (None, 1) == (outcome.error(), len(trusted.index.used)), told(outcome)


def test_minted_token_is_renewed(trusted: Harbour) -> None:
    """A token that is about to end is not used."""
    run = trusted.release()

    async def twice() -> list[bool]:
        index = run.index()
        found = [await index.ready()]
        await index.authorize()
        found.append(await index.ready())
        run.clock.advance(601)
        found.append(await index.ready())
        await index.authorize()
        return [*found, await index.ready()]

    assert [False, True, False, True] == anyio.run(twice)
    assert 2 == len(trusted.index.used)


def test_refused_identity(trusted: Harbour) -> None:
    """The reasons and what the CI says of itself are shown before anything is public; the identity itself never is."""
    trusted.index.identity.claims["environment"] = "staging"
    run = trusted.release()
    outcome = run(hello())
    text = told(outcome)
    assert "invalid-publisher: valid token, but no corresponding publisher" in text
    for claim in ("repository=example/hello", "environment=staging", "ref=refs/tags/v1.0.0", "workflow_ref=example"):
        assert claim in text
    head = trusted.index.identity.issue("x").partition(".")[0]
    assert head not in text + repr(run.console.events)
    assert (False, {}) == (outcome.begun, trusted.index.files)


def test_job_without_right(trusted: Harbour, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job of GitHub Actions without `id-token: write` is told to ask for it."""
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    assert "fix: the job needs `permissions: id-token: write`" in told(trusted.release()(hello()))
