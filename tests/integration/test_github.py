"""A release on GitHub: made, again, over the one before, and over what others left there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forging import ALL, READER, Github, check, draft, github, manifest, states, told
from shipways.errors import Conflict
from shipways.model.outcome import State

pytestmark = pytest.mark.integration


@pytest.fixture
def hub() -> Iterator[Github]:
    """An empty repository."""
    with github() as made:
        yield made


def test_release(hub: Github, tmp_path: Path) -> None:
    """S0-21: everything is there, at the commit, with its notes, and is the latest."""
    made = manifest("1.0.0", tmp_path)
    outcome = hub.converge(made, tmp_path)
    assert (dict.fromkeys(ALL, State.APPLIED), None) == (states(outcome), outcome.error())
    check(hub, tmp_path)
    release = hub.forge.published("v1.0.0")
    assert release is not None
    assert ("What is new in 1.0.0.\n", made.commit, release.id) == (release.body, release.commit, hub.forge.latest)
    assert {"tags/v1.0.0": made.commit} == hub.forge.refs
    urls = {row.item.id: row.url for row in outcome.rows}
    assert f"{hub.url}/example/demo/releases/tag/v1.0.0" == urls["github/v1.0.0/published"]


def test_order(hub: Github, tmp_path: Path) -> None:
    """A draft, then its files, then it is public; nothing is sent twice."""
    hub.converge(manifest("1.0.0", tmp_path), tmp_path)
    releases = "/api/v3/repos/example/demo/releases"
    number = next(iter(hub.forge.releases))
    upload = ("POST", f"/api/uploads/repos/example/demo/releases/{number}/assets")
    patch = ("PATCH", f"{releases}/{number}")
    assert [("POST", releases), upload, upload, upload, patch, patch] == hub.writes()


def test_again(hub: Github, tmp_path: Path) -> None:
    """S0-21: the same once more is three questions and no change."""
    made = manifest("1.0.0", tmp_path)
    hub.converge(made, tmp_path)
    outcome = hub.converge(made, tmp_path)
    assert (dict.fromkeys(ALL, State.DONE), [], 3) == (states(outcome), hub.writes(), len(hub.traffic.requests))


def test_dry_run(hub: Github, tmp_path: Path) -> None:
    """Says what would be done, and does nothing."""
    outcome = hub.converge(manifest("1.0.0", tmp_path), tmp_path, apply=False)
    assert (dict.fromkeys(ALL, State.PENDING), []) == (states(outcome), hub.writes())


def test_second_release(hub: Github, tmp_path: Path) -> None:
    """The next one becomes the latest; the first, published again, does not."""
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    one, two = manifest("1.0.0", first), manifest("1.1.0", second)
    hub.converge(one, first)
    assert hub.converge(two, second).error() is None
    outcome = hub.converge(one, first)
    assert ({State.DONE, State.KEPT}, []) == (set(states(outcome).values()), hub.writes())
    check(hub, first)
    check(hub, second, "1.1.0")


def test_prerelease(hub: Github, tmp_path: Path) -> None:
    """It is marked as one, and never the latest."""
    outcome = hub.converge(manifest("1.0.0-rc.1", tmp_path), tmp_path)
    release = hub.forge.published("v1.0.0-rc.1")
    assert release is not None
    assert (True, None, False) == (release.prerelease, hub.forge.latest, "latest" in states(outcome))


def test_stage_replaces(hub: Github, tmp_path: Path) -> None:
    """What an earlier try left in the draft is replaced, a half-stored file and the notes too."""
    made = manifest("1.0.0", tmp_path)
    release = draft(hub)
    hub.forge.put(release, "a.tar.gz", b"old")
    hub.forge.put(release, "SUMS", b"", state="starter", digest=None)
    assert hub.converge(made, tmp_path).error() is None
    check(hub, tmp_path)
    assert ("What is new in 1.0.0.\n", made.commit) == (release.body, release.commit)
    assert "a.tar.gz: replaces sha256:" in hub.notes()


def test_repairs_what_is_public(hub: Github, tmp_path: Path) -> None:
    """A file that is gone, or half-stored, is sent again; notes that a person has edited stay."""
    made = manifest("1.0.0", tmp_path)
    hub.converge(made, tmp_path)
    release = hub.forge.published("v1.0.0")
    assert release is not None
    release.body = "edited"
    first, second, _ = release.assets
    del release.assets[first]
    release.assets[second].state, release.assets[second].digest = "starter", None
    assert hub.converge(made, tmp_path).error() is None
    check(hub, tmp_path)
    assert "edited" == release.body


def test_conflict(hub: Github, tmp_path: Path) -> None:
    """Other bytes in a public release stop the run, with both digests; nothing is changed."""
    made = manifest("1.0.0", tmp_path)
    hub.converge(made, tmp_path)
    release = hub.forge.published("v1.0.0")
    assert release is not None
    asset = next(asset for asset in release.assets.values() if asset.name == "a.tar.gz")
    asset.data, asset.digest = b"other", "sha256:0ther"
    outcome = hub.converge(made, tmp_path)
    assert isinstance(outcome.error(), Conflict)
    assert "sha256:0ther is there, not sha256:ca978112" in told(outcome)
    assert [] == hub.writes()


def test_without_digests(tmp_path: Path) -> None:
    """An old server does not tell digests: files are downloaded, and the storage does not get the token."""
    with github(apart=True, digests=False) as hub:
        made = manifest("1.0.0", tmp_path)
        hub.converge(made, tmp_path)
        outcome = hub.converge(made, tmp_path)
        assert (dict.fromkeys(ALL, State.DONE), [], []) == (states(outcome), hub.writes(), hub.forge.leaked)
        release = hub.forge.published("v1.0.0")
        assert release is not None
        next(iter(release.assets.values())).data = b"other"
        assert isinstance(hub.converge(made, tmp_path).error(), Conflict)


def test_immutable(tmp_path: Path) -> None:
    """All files are there before it is locked; one that is missing later cannot be added, which is said."""
    with github(immutable=True) as hub:
        made = manifest("1.0.0", tmp_path)
        assert hub.converge(made, tmp_path).error() is None
        check(hub, tmp_path)
        release = hub.forge.published("v1.0.0")
        assert release is not None
        del release.assets[next(iter(release.assets))]
        outcome = hub.converge(made, tmp_path)
        assert ("immutable" in told(outcome), "next version" in told(outcome), []) == (True, True, hub.writes())


def test_two_drafts(hub: Github, tmp_path: Path) -> None:
    """Of what another runner made at the same time the oldest stays; a person's draft is not touched."""
    made = manifest("1.0.0", tmp_path)
    want = {"body": "What is new in 1.0.0.", "commit": made.commit}
    oldest, copy, person = draft(hub, **want), draft(hub, **want), draft(hub, body="mine")
    assert hub.converge(made, tmp_path).error() is None
    assert (False, True) == (oldest.draft, person.draft)
    assert [oldest.id, person.id] == sorted(hub.forge.releases), copy.id


def test_many_releases(hub: Github, tmp_path: Path) -> None:
    """A draft is found beyond the first page."""
    made = manifest("1.0.0", tmp_path)
    old = draft(hub, body="What is new in 1.0.0.\n", commit=made.commit)
    for number in range(150):
        draft(hub, f"v0.{number}.0", draft=False, published=0.0)
    assert hub.converge(made, tmp_path).error() is None
    assert not old.draft


@pytest.mark.parametrize("annotated", [False, True])
def test_tag_elsewhere(hub: Github, tmp_path: Path, annotated: bool) -> None:
    """A tag that names another commit there stops the release, also one that is staged; the right one does not."""
    made = manifest("1.0.0", tmp_path)
    hub.forge.refs["tags/v1.0.0"] = "d" * 40
    if annotated:
        hub.forge.tags["d" * 40] = "e" * 40
    outcome = hub.converge(made, tmp_path)
    assert ("v1.0.0: names commit" in told(outcome), {}) == (True, hub.forge.releases)
    staged = draft(hub, body="What is new in 1.0.0.", commit=made.commit)
    assert ("v1.0.0: names commit" in told(hub.converge(made, tmp_path)), True) == (True, staged.draft)
    hub.forge.tags["d" * 40] = made.commit
    assert hub.converge(made, tmp_path).error() is None


def test_preflight(hub: Github, tmp_path: Path) -> None:
    """What would stop a release is known before it is built."""
    made = manifest("1.0.0", tmp_path)
    assert "" == hub.preflight(made)
    assert "GH_TOKEN: is not set" in hub.preflight(made, token="")
    assert "cannot be written to with this token" in hub.preflight(made, token=READER)
    hub.forge.refs["tags/v1.0.0"] = "d" * 40
    draft(hub, draft=False, published=0.0, immutable=True)
    hub.forge.desk.remaining = 50
    problems = hub.preflight(made)
    assert 3 == problems.count("fix:"), problems
    for said in ("requests are left", "names commit dddddddddddd", "is immutable"):
        assert said in problems
