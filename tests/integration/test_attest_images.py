"""Proofs that are attached to images, in a real registry and in the stand-in."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from attesting import OTHER, PUBLIC, Run, image, key_notary, proofs
from registries import LocalRegistry, local_registry
from shipping import Release
from shipping import Run as Pushing
from shipways.model.outcome import State
from shipways.model.proof import FORMS
from shipways.outside.registries import Attachment
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.oci import OciRegistry
from shipways.rehearse.serving import served
from support import need

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Release, Release]:
    """Two versions."""
    root = tmp_path_factory.mktemp("made")
    return image(root, "1.2.3"), image(root, "1.3.0")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    need("docker-registry")
    with local_registry(tmp_path_factory.mktemp("registry")) as started:
        yield started


@pytest.fixture(params=["docker-registry", "stand-in"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Each registry in turn."""
    if request.param == "docker-registry":
        yield str(request.getfixturevalue("real").host)
    else:
        (tmp_path / "oci").mkdir()
        with served(OciRegistry(tmp_path / "oci").app) as url:
            yield url.removeprefix("http://")


def every(state: State) -> dict[str, State]:
    """All of them in one state."""
    return {"signature.minisig": state, "provenance.intoto.jsonl": state}


def attached(host: str, name: str, what: Release) -> list[tuple[str, bytes]]:
    """The signatures that an image has."""
    registries = Pushing((name,)).registries()
    kind = FORMS["key"].signature_type
    return list(anyio.run(lambda: registries.files(f"{host}/{name}@{what.index.digest}", kind)))


def test_two_releases(host: str, made: tuple[Release, Release]) -> None:
    """Each image has a signature and the provenance of its release; again nothing is done."""
    run = Run()
    for each in made:
        outcome = run.to_registry(f"{host}/two/pulse", each)
        assert (every(State.APPLIED), None) == (proofs(outcome), outcome.error())
    for each in made:
        assert every(State.DONE) == proofs(run.to_registry(f"{host}/two/pulse", each))
        ((title, _),) = attached(host, "two/pulse", each)
        assert "signature.minisig" == title


def test_before_tags(host: str, made: tuple[Release, Release]) -> None:
    """An image that cannot be signed gets no tag."""
    outcome = Run(key_notary((PUBLIC, ""))).to_registry(f"{host}/before/pulse", made[0])
    tag = next(row for row in outcome.rows if row.item.id.endswith(":1.2.3"))
    assert (every(State.FAILED), State.PENDING) == (proofs(outcome), tag.state)


def test_other_key(host: str, made: tuple[Release, Release]) -> None:
    """What somebody else has attached under the name is a conflict, as long as there is none of ours."""
    Run(key_notary(OTHER)).to_registry(f"{host}/other/pulse", made[0])
    outcome = Run().to_registry(f"{host}/other/pulse", made[0])
    assert every(State.CONFLICT) == proofs(outcome)


def test_beside_ours(host: str, made: tuple[Release, Release]) -> None:
    """What somebody attaches beside ours takes nothing from it."""
    name = f"{host}/beside/pulse"
    Run().to_registry(name, made[0])
    foreign = Attachment(
        title="signature.minisig",
        source=anyio.run(key_notary(OTHER).sign, "x", b"x"),
        media_type=FORMS["key"].signature_type,
    )
    subject, registries = f"{name}@{made[0].index.digest}", Pushing((name,)).registries()
    anyio.run(registries.attach, subject, foreign)
    assert (2, every(State.DONE)) == (
        len(attached(host, "beside/pulse", made[0])),
        proofs(Run().to_registry(name, made[0])),
    )


def test_faults(made: tuple[Release, Release], tmp_path: Path) -> None:
    """Some fault at every fifth request: the run gets over it, and each proof is attached once."""
    faults = (Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT)
    for number in range(1, 200, 5):
        traffic, folder = Traffic(), tmp_path / str(number)
        folder.mkdir()
        app = OciRegistry(folder)
        fault = faults[number // 5 % len(faults)]

        def choose(_: str, __: str, traffic: Traffic = traffic, number: int = number, fault: Fault = fault) -> Fault:
            return fault if len(traffic.requests) == number else Fault.NONE

        with served(Faulty(app.app, choose, traffic)) as url:
            host = url.removeprefix("http://")
            outcome = Run().to_registry(f"{host}/pulse", made[0])
            assert (every(State.APPLIED), None) == (proofs(outcome), outcome.error()), number
            done = len(traffic.requests) < number
            assert every(State.DONE) == proofs(Run().to_registry(f"{host}/pulse", made[0]))
            assert 1 == len(attached(host, "pulse", made[0]))
        if done:
            return
    pytest.fail("a release makes more than 200 requests")
