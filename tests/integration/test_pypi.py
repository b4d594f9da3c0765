"""The whole `pypi` channel against the stand-in: first, again, second, conflicts, faults, checks."""

from itertools import product

import pytest

from indexes import hello, manifest, metadata, sdist, states, told, wheel
from pypis import SDIST, WHEEL, WIN, Harbour, Killed, Mortal
from shipways.errors import Conflict, Unfinished
from shipways.model.outcome import State
from shipways.rehearse.faults import Fault
from shipways.testing.console import ManualClock

pytestmark = pytest.mark.integration

FAULTS = (Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT)


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


@pytest.mark.parametrize("file", [wheel, sdist], ids=["wheel", "sdist"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Metadata-Version: 2.1\nName: hello\nVersion: 1.0.0\n\nx\n===\n  y\n z\n*w", "syntax errors in markup"),
        (metadata("other", "1.0.0"), "says in its metadata that it is other 1.0.0"),
        ("Metadata-Version: 2.1\nName: hello\nVersion: 1.0.0\nRequires-Python: new\n", "'new' is invalid"),
        ("nothing", "Metadata-Version"),
    ],
    ids=["markup", "another project", "invalid", "none"],
)
def test_check(harbour: Harbour, file: object, text: str, reason: str) -> None:
    """What an index or its readers would not like stops the release before anything is public."""
    assert callable(file)
    name, data = file("hello", "1.0.0", text)
    outcome = harbour.release()(hello() | {name: data})
    assert State.FAILED == states(outcome)[f"pypi/check/{name}"]
    assert reason in told(outcome)
    assert (0, False) == (harbour.posts(), outcome.begun)


def test_no_description(harbour: Harbour) -> None:
    """An index takes a package that nobody has described yet."""
    files = dict(file("hello", "1.0.0", metadata("hello", "1.0.0", "")) for file in (sdist, wheel))
    outcome = harbour.release()(files)
    assert (None, sorted(files)) == (outcome.error(), sorted(harbour.index.uploads)), told(outcome)


@pytest.mark.parametrize("name", [SDIST, WHEEL])
@pytest.mark.parametrize("data", [b"", b"no archive", hello()[SDIST][:99], hello()[WHEEL][:-9]], ids=range(4))
def test_broken_file(harbour: Harbour, name: str, data: bytes) -> None:
    """A file that is no archive, or half of one, is refused here and not there."""
    outcome = harbour.release()(hello() | {name: data})
    assert f"{name}: is no distribution that an index takes" in told(outcome)
    assert (0, False) == (harbour.posts(), outcome.begun)
