"""Proofs that are attached to images, in a real registry and in the stand-in."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from attesting import OTHER, PUBLIC, Run, key_notary
from registries import LocalRegistry, local_registry
from shipping import Release, release
from shipping import Run as Pushing
from shipways.config.manifestfile import FILE_NAME, manifest_text
from shipways.model.outcome import Outcome
from shipways.model.proof import FORMS
from shipways.publish.proofplaces import WithImages
from shipways.registries import Attachment
from shipways.rehearse.faults import Fault, Faulty, Traffic
from shipways.rehearse.oci import OciRegistry
from shipways.rehearse.serving import served
from shipways.testing.doors import CLOSED
from support import need

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Release, Release]:
    """Two versions."""
    root = tmp_path_factory.mktemp("made")
    both = (release(root, "1.2.3"), release(root, "1.3.0"))
    for each in both:
        (each.dist / FILE_NAME).write_text(manifest_text(each.manifest))
    return both


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


def ship(run: Run, name: str, what: Release, *, apply: bool = True) -> Outcome:
    """Bring images and their proofs to a repository."""
    pushing = Pushing((name,), moving=())
    registries = pushing.registries()
    outside = run.doors(replace(CLOSED, registries=lambda: registries), what.dist)
    channels = run.with_proofs([pushing.channel], [WithImages(channel=pushing.channel)])
    return anyio.run(lambda: run.converge(channels, what.manifest, outside, apply=apply))


def states(outcome: Outcome) -> dict[str, str]:
    """The state of each proof, by its name."""
    rows = (row for row in outcome.rows if row.item.channel == "attest")
    return {row.item.id.rpartition("/")[2]: row.state.value for row in rows}


def every(state: str) -> dict[str, str]:
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
        outcome = ship(run, f"{host}/two/pulse", each)
        assert (every("applied"), None) == (states(outcome), outcome.error())
    for each in made:
        assert every("there") == states(ship(run, f"{host}/two/pulse", each))
        ((title, _),) = attached(host, "two/pulse", each)
        assert "signature.minisig" == title


def test_before_tags(host: str, made: tuple[Release, Release]) -> None:
    """An image that cannot be signed gets no tag."""
    outcome = ship(Run(key_notary((PUBLIC, ""))), f"{host}/before/pulse", made[0])
    tag = next(row for row in outcome.rows if row.item.id.endswith(":1.2.3"))
    assert (every("failed"), "to do") == (states(outcome), tag.state.value)


def test_other_key(host: str, made: tuple[Release, Release]) -> None:
    """What somebody else has attached under the name is a conflict, as long as there is none of ours."""
    ship(Run(key_notary(OTHER)), f"{host}/other/pulse", made[0])
    outcome = ship(Run(), f"{host}/other/pulse", made[0])
    assert every("conflict") == states(outcome)


def test_beside_ours(host: str, made: tuple[Release, Release]) -> None:
    """What somebody attaches beside ours takes nothing from it."""
    name = f"{host}/beside/pulse"
    ship(Run(), name, made[0])
    foreign = Attachment(
        title="signature.minisig",
        source=anyio.run(key_notary(OTHER).sign, "x", b"x"),
        media_type=FORMS["key"].signature_type,
    )
    image, registries = f"{name}@{made[0].index.digest}", Pushing((name,)).registries()
    anyio.run(registries.attach, image, foreign)
    assert (2, every("there")) == (len(attached(host, "beside/pulse", made[0])), states(ship(Run(), name, made[0])))


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
            outcome = ship(Run(), f"{host}/pulse", made[0])
            assert (every("applied"), None) == (states(outcome), outcome.error()), number
            done = len(traffic.requests) < number
            assert every("there") == states(ship(Run(), f"{host}/pulse", made[0]))
            assert 1 == len(attached(host, "pulse", made[0]))
        if done:
            return
    pytest.fail("a release makes more than 200 requests")
