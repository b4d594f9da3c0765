"""The provenance in GitHub's store of attestations: by digest, once, before a release is public."""

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from attesting import Run, proofs, released
from forging import READER, TOKEN, Github, at, github, gone_after, never, told
from keyless import TABLE, WHO, Yard, opened
from shipways.errors import Conflict, Unfinished
from shipways.model.manifest import Manifest
from shipways.model.outcome import Outcome, State
from shipways.pack.statements import provenance
from shipways.rehearse.faults import Fault

pytestmark = pytest.mark.integration

STORE = "/api/v3/repos/example/demo/attestations"
NAMES = ("SUMS.sigstore.json", "manifest.json.sigstore.json", "provenance.sigstore.json")


@pytest.fixture
def yard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Yard]:
    """A job that says who it is."""
    with opened(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def hub() -> Iterator[Github]:
    """An empty repository."""
    with github(apart=True) as made:
        yield made


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """Where a release lies."""
    made = tmp_path / "dist"
    made.mkdir()
    return made


def begin(yard: Yard, tag: str) -> None:
    """Let it be the job of this tag that says who it is."""
    yard.sigstore.identity.claims["job_workflow_ref"] = WHO.partition("example/")[2].replace("v1.0.0", tag)


def run(yard: Yard, tag: str = "v1.0.0") -> Run:
    """A process of the job of a tag."""
    begin(yard, tag)
    return Run(yard.notary(tag), TABLE, stored=True)


def stored(outcome: Outcome) -> list[State]:
    """The state of the provenance in the store."""
    return [row.state for row in outcome.rows if row.item.id.startswith("attest/store/")]


def attest(yard: Yard, hub: Github, made: Manifest, tag: str = "v1.0.0", **statement: object) -> None:
    """Put a provenance into the store, by the job of a tag, in which these fields are other ones."""
    begin(yard, tag)
    said = json.dumps(json.loads(provenance(made, "example/demo")) | statement).encode()
    bundle = json.loads(anyio.run(yard.notary(tag).attest, said))
    hub.forge.attestations.bundles.append(bundle)


def test_release(yard: Yard, hub: Github, dist: Path) -> None:
    """It is there by each digest before the release is public; again, and for who verifies, nothing is written."""
    made = released("1.0.0", dist)
    outcome = run(yard).on_github(hub, made, dist)
    assert (None, [State.APPLIED]) == (outcome.error(), stored(outcome)), told(outcome)
    writes = hub.writes()
    assert (["PATCH"] * 2, 1) == ([method for method, _ in writes[-2:]], writes[:-2].count(("POST", STORE)))
    assert 4 <= writes.index(("POST", STORE))  # after the draft and its files
    assert f"{hub.url}/example/demo/attestations/1" in {row.url for row in outcome.rows}
    outcome = run(yard).on_github(hub, made, dist)
    assert ([State.DONE], []) == (stored(outcome), hub.writes())
    hub.forge.attestations.inline = True  # as Enterprise Cloud still may
    assert [State.DONE] == stored(run(yard).on_github(hub, made, dist, apply=False))


def test_next_release(yard: Yard, hub: Github, dist: Path) -> None:
    """One with a file that is the same has its own: that of the first release is not in its way."""
    run(yard).on_github(hub, released("1.0.0", dist), dist)
    outcome = run(yard, "v1.1.0").on_github(hub, released("1.1.0", dist), dist)
    assert (None, [State.APPLIED]) == (outcome.error(), stored(outcome)), told(outcome)
    assert 2 == len(hub.forge.attestations.bundles)


def test_others(yard: Yard, hub: Github, dist: Path) -> None:
    """What others attest of the same bytes, such as an action in another workflow, is theirs, over many pages."""
    made = released("1.0.0", dist)
    attest(yard, hub, made, "v9.9.9", predicate={"buildDefinition": {"buildType": "https://other.example"}})
    hub.forge.attestations.bundles *= 101
    outcome = run(yard).on_github(hub, made, dist)
    assert (None, [State.APPLIED]) == (outcome.error(), stored(outcome)), told(outcome)
    assert ([State.DONE], []) == (stored(run(yard).on_github(hub, made, dist)), hub.writes())


def test_foreign(yard: Yard, hub: Github, dist: Path) -> None:
    """One that says it is ours, by somebody else, is a conflict, and nothing becomes public; beside ours it is not."""
    made = released("1.0.0", dist)
    attest(yard, hub, made, "v9.9.9")
    outcome = run(yard).on_github(hub, made, dist)
    assert ([State.CONFLICT], None) == (stored(outcome), hub.forge.published("v1.0.0"))
    assert isinstance(outcome.error(), Conflict)
    attest(yard, hub, made)
    outcome = run(yard).on_github(hub, made, dist)
    assert (None, [State.DONE]) == (outcome.error(), stored(outcome)), told(outcome)


def test_stage_is_made_anew(yard: Yard, hub: Github, dist: Path) -> None:
    """Ours of what was staged before stays, and that of what is released is put beside it."""
    hub.fault = lambda method, _: Fault.ERROR if method == "PATCH" else Fault.NONE
    assert isinstance(run(yard).on_github(hub, released("1.0.0", dist), dist).error(), Unfinished)
    hub.fault = never
    mended = released("1.0.0", dist, a_tar_gz=b"a", SUMS=b"other sums")
    outcome = run(yard).on_github(hub, mended, dist)
    assert (None, [State.APPLIED]) == (outcome.error(), stored(outcome)), told(outcome)
    assert [State.DONE] == stored(run(yard).on_github(hub, mended, dist))
    assert 2 == len(hub.forge.attestations.bundles)


@pytest.mark.parametrize("data", [b"", b"\xff\xff\xff\xff\x0fbomb", b"\x05cut"])
def test_unreadable(yard: Yard, hub: Github, dist: Path, data: bytes) -> None:
    """What the storage has that nobody can unpack is no proof of ours: neither taken for one nor in the way."""
    made = released("1.0.0", dist)
    attest(yard, hub, made)
    hub.forge.attestations.pack = lambda _: data
    assert [State.PENDING] == stored(run(yard).on_github(hub, made, dist, apply=False))


def test_no_right(yard: Yard, hub: Github, dist: Path) -> None:
    """Without the right, the error tells which one, and shows no token."""
    made = released("1.0.0", dist)

    async def main() -> None:
        proof = await yard.notary().attest(provenance(made, ""))
        async with hub.outside(dist, READER) as outside:
            await outside.forge("", "").attest(proof)

    with pytest.raises(Unfinished, match="attestations: write") as raised:
        anyio.run(main)
    assert (False, False) == (READER in str(raised.value), TOKEN in str(raised.value))


def asked(hub: Github) -> list[int]:
    """Which requests of the last run went to the store, or fetched a bundle."""
    return [number for number, (_, path) in enumerate(hub.traffic.requests) if "/attestations" in path]


LONG = [pytest.param(each, marks=pytest.mark.long) for each in (Fault.ERROR, Fault.ERROR_AFTER, Fault.LIMIT)]


@pytest.mark.parametrize("fault", [Fault.LOST, *LONG])
def test_faults(yard: Yard, hub: Github, dist: Path, fault: Fault) -> None:
    """Whatever the store does not answer, the provenance is there once, and another run writes nothing."""
    made = released("1.0.0", dist)
    run(yard).on_github(hub, made, dist)
    for number in asked(hub):
        hub.forge.clear()
        hub.fault = at(number, fault)
        outcome = run(yard).on_github(hub, made, dist)
        assert (None, 1) == (outcome.error(), len(hub.forge.attestations.bundles)), (number, told(outcome))
        hub.fault = never
        assert (None, []) == (run(yard).on_github(hub, made, dist).error(), hub.writes())


@pytest.mark.long
def test_ends(yard: Yard, hub: Github, dist: Path) -> None:
    """A run that ends after the provenance was stored, and before it knew, is finished by the next one."""
    made = released("1.0.0", dist)
    run(yard).on_github(hub, made, dist)
    (number,) = (n for n, request in enumerate(hub.traffic.requests) if request == ("POST", STORE))
    hub.forge.clear()
    hub.fault = gone_after(number, Fault.LOST)
    assert isinstance(run(yard).on_github(hub, made, dist).error(), Unfinished)
    hub.fault = never
    outcome = run(yard).on_github(hub, made, dist)
    assert (None, 1) == (outcome.error(), len(hub.forge.attestations.bundles)), told(outcome)
    assert set(NAMES) == set(proofs(outcome))
