"""Crates that are published: first, again, over the release before, against others, and with every fault."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from cargoing import WORKSPACE, Cargo
from crating import CANARY, TWO, VARIABLE, EventClock, Run, release
from sandbox import Repository
from shipways.errors import Unfinished
from shipways.model.outcome import Outcome, State
from shipways.pack.crate import read_crate, upload_metadata
from shipways.rehearse.crates import Crates
from shipways.rehearse.faults import Chooser, Fault, Faulty, Traffic
from shipways.rehearse.serving import served
from support import need

pytestmark = pytest.mark.integration

PAIR = {"app": ("core",), "core": ()}
"""The one that needs the other comes first in the manifest, so that its order is not the right one by chance."""


@contextmanager
def registry(
    crates: Crates | None = None, choose: Chooser = lambda *_: Fault.NONE
) -> Iterator[tuple[Crates, str, Traffic]]:
    """A stand-in that takes one token."""
    crates, traffic = crates or Crates(tokens={CANARY}), Traffic()
    with served(Faulty(crates.app, choose, traffic)) as url:
        yield crates, url, traffic


def states(outcome: Outcome) -> set[State]:
    """How the items stand."""
    return {row.state for row in outcome.rows}


def test_first_release(tmp_path: Path) -> None:
    """Every crate is there with our bytes, each after those that it needs, and has a URL to download it from."""
    manifest = release(tmp_path, "1.0.0", PAIR)
    with registry() as (crates, url, _):
        outcome = Run(url, tmp_path).publish(manifest)
        assert {State.APPLIED} == states(outcome), outcome.error()
        assert [("core", "1.0.0"), ("app", "1.0.0")] == crates.log
        assert (tmp_path / "app-1.0.0.crate").read_bytes() == crates.versions["app"]["1.0.0"].data
        assert f"{url}/api/v1/crates/app/1.0.0/download" == outcome.rows[0].url


def test_again(tmp_path: Path) -> None:
    """The same release again only reads: config.json, and a file of the index for each crate."""
    manifest = release(tmp_path, "1.0.0", PAIR)
    with registry() as (_, url, traffic):
        Run(url, tmp_path).publish(manifest)
        traffic.requests.clear()
        assert {State.DONE} == states(Run(url, tmp_path).publish(manifest))
        assert {"GET": 3} == traffic.methods()


def test_second_release(tmp_path: Path) -> None:
    """The next version stands beside the first, also where somebody has yanked that one."""
    with registry() as (crates, url, _):
        first = release(tmp_path, "1.0.0", PAIR)
        Run(url, tmp_path).publish(first)
        crates.versions["core"]["1.0.0"].entry["yanked"] = True
        assert {State.APPLIED} == states(Run(url, tmp_path).publish(release(tmp_path, "1.1.0", PAIR)))
        assert {State.DONE} == states(Run(url, tmp_path).publish(first))


def test_conflict(tmp_path: Path) -> None:
    """Other bytes under our name and version stop the release with exit 6, build metadata or not."""
    with registry() as (crates, url, _):
        Run(url, tmp_path).publish(release(tmp_path, "1.0.0+one", {"core": ()}))
        outcome = Run(url, tmp_path).publish(release(tmp_path, "1.0.0+two", {"core": ()}))
        error = outcome.error()
        assert (6, 1) == (error.exit_code if error else 0, len(crates.log))


def test_index_that_lags(tmp_path: Path) -> None:
    """What needs a crate waits until everybody can see it; a lag longer than that is waited for again."""
    manifest = release(tmp_path, "1.0.0", PAIR)
    for lag in (3, 70):
        with registry(Crates(tokens={CANARY}, lag=lag)) as (crates, url, _):
            outcome = Run(url, tmp_path).publish(manifest)
            assert {State.APPLIED, State.DONE} >= states(outcome), outcome.error()
            assert [("core", "1.0.0"), ("app", "1.0.0")] == crates.log


# After a refusal a run does not go on by itself, and the date of a wrong clock is none of the clock of these tests.
FAULTS = [fault for fault in Fault if fault not in (Fault.NONE, Fault.SLOW, Fault.FORBIDDEN, Fault.SKEW)]


class Faults:
    """One kind of fault, for the requests from one number to another."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.count, self.which = 0, range(0)

    def arm(self, which: range) -> None:
        """Count anew."""
        self.count, self.which = 0, which

    def __call__(self, method: str, path: str) -> Fault:
        """The fault for the next request."""
        self.count += 1
        return self.fault if self.count - 1 in self.which else Fault.NONE


@pytest.mark.parametrize("length", [1, 1000], ids=["once", "from then on"])
@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault: Fault, length: int, tmp_path: Path) -> None:
    """Whatever happens to a request, or to all from then on, the next run ends well, and nothing is sent twice."""
    manifest = release(tmp_path, "1.0.0", PAIR)
    crates, faults = Crates(tokens={CANARY}, lag=1), Faults(fault)
    with registry(crates, faults) as (_, url, _):
        for k in range(0, 11, 1 if length == 1 else 3):
            crates.versions.clear()
            crates.log.clear()
            faults.arm(range(k, k + length))
            first = states(Run(url, tmp_path).publish(manifest))
            assert length > 1 or {State.APPLIED, State.DONE} >= first, k
            faults.arm(range(0))
            assert {State.APPLIED, State.DONE} >= states(Run(url, tmp_path).publish(manifest)), k
            assert [("core", "1.0.0"), ("app", "1.0.0")] == crates.log


@pytest.mark.parametrize(("data", "code"), [(None, 0), (b"others", 6)])
def test_rival(data: bytes | None, code: int, tmp_path: Path) -> None:
    """Another runner uploads a moment before: the same bytes are no error, others are a conflict."""
    manifest = release(tmp_path, "1.0.0", {"core": ()})
    ours = (tmp_path / "core-1.0.0.crate").read_bytes()
    crates = Crates(tokens={CANARY}, lag=2)
    metadata = upload_metadata(read_crate(ours, "core"), index="", crates_io="")

    def rival(method: str, path: str) -> Fault:
        if method == "PUT":
            crates.put(metadata, data or ours)
        return Fault.NONE

    with registry(crates, rival) as (_, url, _):
        error = Run(url, tmp_path).publish(manifest).error()
    assert (code, [("core", "1.0.0")]) == (error.exit_code if error else 0, crates.log)


def test_no_index(tmp_path: Path) -> None:
    """A place without config.json is no registry, and the error says where it was looked for."""
    with registry(Crates(private=True)) as (_, url, _):
        text = str(Run(url, tmp_path).publish(release(tmp_path, "1.0.0", {"core": ()})).error())
    assert "shows no index of a registry" in text
    assert VARIABLE in text


TOKENS = pytest.mark.parametrize(
    ("env", "words"),
    [({}, "there is no token"), ({VARIABLE: "wrong"}, "authentication failed")],
    ids=["no token", "a token without right"],
)


@TOKENS
def test_token_before(env: dict[str, str], words: str, tmp_path: Path) -> None:
    """That there is none is known before anything is built; whether one has the right no registry tells."""
    with registry() as (_, url, _), pytest.raises(Unfinished, match=words) if not env else nullcontext():
        assert () == Run(url, tmp_path, env=env).preflight()


@TOKENS
def test_token(env: dict[str, str], words: str, tmp_path: Path) -> None:
    """Without the right to publish nothing is there, and the error names the variable."""
    with registry() as (crates, url, _):
        outcome = Run(url, tmp_path, env=env).publish(release(tmp_path, "1.0.0", PAIR))
        text = str(outcome.error())
        assert ({State.FAILED, State.BLOCKED}, True, True) == (states(outcome), words in text, VARIABLE in text)
        assert [] == crates.log


def test_private_registry(tmp_path: Path) -> None:
    """A registry that wants a token for everything gets it (`auth-required`)."""
    with registry(Crates(tokens={CANARY}, private=True)) as (_, url, _):
        assert {State.APPLIED} == states(Run(url, tmp_path).publish(release(tmp_path, "1.0.0", PAIR)))


def test_refused(tmp_path: Path) -> None:
    """What the registry says against a crate is told, and nothing is tried again."""
    with registry() as (_, url, traffic):
        manifest = release(tmp_path, "1.0.0", {"core": ("nobody",)}, index=f"sparse+{url}/index/")
        error = str(Run(url, tmp_path).publish(manifest).error())
        assert "no known crate named `nobody`" in error
        assert 1 == traffic.methods()["PUT"]


def test_publish_field(tmp_path: Path) -> None:
    """A crate whose Cargo.toml names other registries never goes to this one."""
    with registry() as (crates, url, _):
        manifest = release(tmp_path, "1.0.0", {"core": ()}, more='publish = ["elsewhere"]')
        assert "lets it go to elsewhere only" in str(Run(url, tmp_path).publish(manifest).error())
        assert [] == crates.log


def test_many_crates(tmp_path: Path) -> None:
    """At the pace of crates.io a release knows before how long it takes, and is never told to slow down."""
    many = {f"crate{number}": () for number in range(8)}
    clock = EventClock()
    with registry(Crates(tokens={CANARY}, limited=True, now=clock.now)) as (crates, url, traffic):
        run = Run(url, tmp_path, registry="", env={"CARGO_REGISTRY_TOKEN": CANARY}, clock=clock)
        assert {State.APPLIED} == states(run.publish(release(tmp_path, "1.0.0", many)))
        assert (8, 8, 1800.0) == (len(crates.log), traffic.methods()["PUT"], run.clock.now())
        told = "crates: takes at least 30 min, for the place takes only so many at a time"
        assert told == run.console.notes[0]


def test_limit_that_is_used_up(tmp_path: Path) -> None:
    """Another run has used the limit up: the registry says when to come again, and every crate has its turn."""
    clock = EventClock()
    with registry(Crates(tokens={CANARY}, limited=True, now=clock.now)) as (crates, url, _):
        for first, count in ((0, 5), (5, 10)):
            names = {f"crate{number}": () for number in range(first, first + count)}
            run = Run(url, tmp_path, registry="", env={"CARGO_REGISTRY_TOKEN": CANARY}, clock=clock)
            outcome = run.publish(release(tmp_path, "1.0.0", names))
            assert {State.APPLIED} == states(outcome), outcome.error()
        assert 15 == len(crates.log)
        assert 6000 <= clock.now() <= 6600


def test_command(tmp_path: Path) -> None:
    """S0-20: `release --publish` packs a workspace and publishes it in its order; again and `verify` find all there."""
    need("cargo", "rustc")
    rust = subprocess.run(("rustc", "--version"), capture_output=True, text=True, check=True).stdout.split()[1]
    with registry() as (crates, url, _):
        project = Repository(tmp_path / "project", tmp_path / "cache")
        Cargo(project.root, url).write(WORKSPACE)("generate-lockfile")
        project.file("shipways.toml", TWO.format(rust=rust))
        project.file(".gitignore", "/dist/\n/home/\n")
        project.commit().git("tag", "v1.0.0")
        words, env = ("release", "--publish", "--engine", "host"), {VARIABLE: CANARY}
        told = [project.shipways(*words, env=env), project.shipways(*words, env=env), project.shipways("verify")]
        for ran, text in zip(told, ("2 applied", "2 there", "2 there"), strict=True):
            assert (0, True) == (ran.code, text in ran.err), ran.err
            assert CANARY not in ran.out + ran.err
        before = ["pair-app, pair-core: nobody has this name yet", "is there already, and is compared", ""]
        assert [True] * 3 == [text in ran.err for ran, text in zip(told, before, strict=True)]
        assert [("pair-core", "1.0.0"), ("pair-app", "1.0.0")] == crates.log
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert [] == [path for path in files if CANARY.encode() in path.read_bytes()]
