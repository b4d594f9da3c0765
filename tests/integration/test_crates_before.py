"""What is known of a registry of crates before a release is built: names, owners, and how long it will take."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from crating import CANARY, VARIABLE, Run, release
from shipways.model.outcome import State
from shipways.rehearse.crates import Crates
from shipways.rehearse.serving import served

pytestmark = pytest.mark.integration


@pytest.fixture
def crates() -> Crates:
    """A registry that takes one token."""
    return Crates(tokens={CANARY})


@pytest.fixture
def shown() -> dict[str, str]:
    """The token that came with the last request of each path; empty for one without."""
    return {}


@pytest.fixture
def url(crates: Crates, shown: dict[str, str]) -> Iterator[str]:
    """Where the registry is."""

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            shown[scope["path"]] = dict(scope["headers"]).get(b"authorization", b"").decode()
        await crates.app(scope, receive, send)

    with served(watched) as url:
        yield url


def test_names(crates: Crates, url: str, tmp_path: Path) -> None:
    """Which are free, whose the others are, as far as the registry tells, and which versions are there."""
    for name in ("core", "tool", "util"):
        Run(url, tmp_path).publish(release(tmp_path, "1.0.0", {name: ()}))
    crates.owners["tool"] = ("somebody", "github:example:core")
    assert (
        "app: nobody has this name yet",
        "core: is that of rehearsal; whose the token is, no registry tells",
        "tool: is that of somebody, github:example:core; whose the token is, no registry tells",
        "util 1.0.0: is there already, and is compared with what is built",
    ) == Run(url, tmp_path).foresee(("app", "1.1.0"), ("core", "1.1.0"), ("tool", "1.1.0"), ("util", "1.0.0"))


def test_owners_that_are_not_told(crates: Crates, url: str, tmp_path: Path) -> None:
    """A registry without owners is no problem, and the line says so."""
    Run(url, tmp_path).publish(release(tmp_path, "1.0.0", {"core": ()}))
    crates.owners["core"] = ()
    said = "core: is there; whose it is, this registry does not tell"
    assert (said,) == Run(url, tmp_path).foresee(("core", "1.1.0"))


def test_crate_of_somebody_else(crates: Crates, url: str, tmp_path: Path) -> None:
    """What the owners said before is what the upload ends with: the token has no right to this crate."""
    Run(url, tmp_path).publish(release(tmp_path, "1.0.0", {"core": ()}))
    crates.owners["core"] = ("somebody",)
    outcome = Run(url, tmp_path).publish(release(tmp_path, "1.1.0", {"core": ()}))
    text = str(outcome.error())
    assert ([State.FAILED], 1) == ([row.state for row in outcome.rows], len(crates.log))
    assert "you don't seem to be an owner" in text
    assert f"the right to publish core is that of {VARIABLE}" in text


@pytest.mark.parametrize("registry", ["", "standin"])
def test_token(registry: str, url: str, shown: dict[str, str], tmp_path: Path) -> None:
    """crates.io tells owners to everybody, so no token goes there; other registries get it, as cargo does it."""
    Run(url, tmp_path).publish(release(tmp_path, "1.0.0", {"core": ()}))
    env = {VARIABLE: CANARY, "CARGO_REGISTRY_TOKEN": CANARY}
    shown.clear()
    Run(url, tmp_path, registry=registry, env=env).foresee(("core", "1.1.0"))
    asked = {
        "/index/config.json": "",
        "/index/co/re/core": "",
        "/api/v1/crates/core/owners": CANARY if registry else "",
    }
    assert asked == shown


def test_wait(url: str, tmp_path: Path) -> None:
    """How long crates.io makes a release of many crates last; a registry that has no such limits says nothing."""
    many = [(f"crate{number}", "1.0.0") for number in range(8)]
    free = f"{', '.join(name for name, _ in many)}: nobody has this name yet"
    wait = "8 uploads, 8 of them new crates: takes at least 30 min, for the place takes only so many at a time"
    assert (free, wait) == Run(url, tmp_path, registry="").foresee(*many)
    assert (free,) == Run(url, tmp_path).foresee(*many)
