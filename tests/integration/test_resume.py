"""`release --tag`: a release that was killed is finished on another machine, which has nothing but the config."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet import Bare, Fleet, elsewhere, fleet
from sandbox import Repository

pytestmark = pytest.mark.integration


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Fleet]:
    """The places of a release, empty."""
    with fleet(tmp_path / "registry") as made:
        yield made


@pytest.fixture
def other(places: Fleet, tmp_path: Path) -> Bare:
    """Another machine, which has the config."""
    return elsewhere(tmp_path / "other", {"shipways.toml": places.config()})


MOMENTS: dict[str, Callable[[str, str], bool]] = {
    "the tag of an image": lambda method, path: method == "PUT" and path.endswith("/manifests/1.0.0"),
    "the first wheel": lambda method, path: method == "POST" and path == "/legacy/",
    "the draft becomes public": lambda method, _: method == "PATCH",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed(places: Fleet, repository: Repository, other: Bare, moment: str) -> None:
    """It becomes public as it would have been, byte for byte, and nothing is built; again does nothing."""
    project = places.project(repository)
    assert 0 == project.shipways("release", "--publish", env=places.env).code
    whole = places.public()
    places.clear()
    places.killed(project, MOMENTS[moment])
    assert whole != places.public()
    ran = other.shipways("release", "--tag", "v1.0.0", env=places.env)
    assert 0 == ran.code, ran.err
    assert whole == places.public()
    assert ([], False) == (other.objects(), "start   builders" in ran.err), ran.err
    assert len(places.index.files) == len(places.index.uploads)
    again = other.shipways("release", "--tag", "v1.0.0", env=places.env)
    assert (0, True) == (again.code, "0 applied" in again.err or "applied" not in again.err), again.err
    assert whole == places.public()
