"""A release on GitHub: made, again, over the one before, disturbed, and without rights."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forging import READER, TOKEN, Github, at, github, manifest, never, states
from shipways.config.manifestfile import FILE_NAME
from shipways.errors import Conflict, Unfinished
from shipways.model.outcome import Outcome, State
from shipways.rehearse.faults import Fault
from shipways.rehearse.forgejson import Release

pytestmark = pytest.mark.integration

ALL = ["v1.0.0/draft", "v1.0.0/a.tar.gz", "v1.0.0/SUMS", "v1.0.0/manifest.json", "v1.0.0/published", "latest"]


@pytest.fixture
def hub() -> Iterator[Github]:
    """An empty repository."""
    with github() as made:
        yield made


def check(hub: Github, folder: Path, version: str = "1.0.0") -> None:
    """One release of the version, public, with exactly the files of the folder."""
    assert [f"v{version}"] == [release.tag for release in hub.forge.releases.values() if release.tag == f"v{version}"]
    release = hub.forge.published(f"v{version}")
    assert release is not None
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        asset.name: asset.data for asset in release.assets.values()
    }
    assert {"uploaded"} == {asset.state for asset in release.assets.values()}


def told(outcome: Outcome) -> str:
    """The error that a run ends with."""
    return str(outcome.error())


def draft(hub: Github, tag: str = "v1.0.0", **more: object) -> Release:
    """A draft that was there before."""
    fields: dict[str, object] = {"name": tag, "body": "x", "commit": "main", "draft": True, "prerelease": False}
    number = max(hub.forge.releases, default=0) + 1
    made = Release(id=number, tag=tag, created=float(number), **(fields | more))  # type: ignore[arg-type]
    hub.forge.releases[made.id] = made
    return made


def test_release(hub: Github, tmp_path: Path) -> None:
    """Everything is there, at the commit, with its notes, and is the latest."""
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
    """The same once more is three questions and no change."""
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
    asset = next(iter(release.assets.values()))
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


def test_rival(hub: Github, tmp_path: Path) -> None:
    """A draft that another runner makes between our look and ours wins; ours goes."""
    made = manifest("1.0.0", tmp_path)

    def rival(method: str, path: str) -> Fault:
        if method == "POST" and not hub.forge.releases:
            draft(hub, body="What is new in 1.0.0.", commit=made.commit)
        return Fault.NONE

    hub.fault = rival
    assert hub.converge(made, tmp_path).error() is None
    assert [1] == list(hub.forge.releases)
    check(hub, tmp_path)


def test_many_releases(hub: Github, tmp_path: Path) -> None:
    """A draft is found beyond the first page."""
    made = manifest("1.0.0", tmp_path)
    old = draft(hub, body="What is new in 1.0.0.\n", commit=made.commit)
    for number in range(150):
        draft(hub, f"v0.{number}.0", draft=False, published=0.0)
    assert hub.converge(made, tmp_path).error() is None
    assert not old.draft


@pytest.mark.parametrize(
    ("token", "said"), [("", "Requires authentication"), ("wrong", "Bad credentials"), (READER, "contents: write")]
)
def test_rights(hub: Github, tmp_path: Path, token: str, said: str) -> None:
    """Without a token, with a wrong one, or one that may not write: nothing is there, and the hint says what to do."""
    outcome = hub.converge(manifest("1.0.0", tmp_path), tmp_path, token=token)
    assert isinstance(outcome.error(), Unfinished)
    assert (True, {}) == (said in told(outcome), hub.forge.releases), told(outcome)


def test_no_repository(hub: Github, tmp_path: Path) -> None:
    """A repository that is not there, or not for us to see."""
    hub.forge.desk.name = "example/other"
    assert "check project.repository" in told(hub.converge(manifest("1.0.0", tmp_path), tmp_path))


def test_budget(hub: Github, tmp_path: Path) -> None:
    """When the budget is used up, the run waits until it is full again."""
    hub.forge.desk.remaining = 4

    def refill(method: str, path: str) -> Fault:
        if hub.clock.now():
            hub.forge.desk.remaining = 5000
        return Fault.NONE

    hub.fault = refill
    hub.clock.advance(0)
    outcome = hub.converge(manifest("1.0.0", tmp_path), tmp_path)
    assert "says that its limit is reached" in hub.notes() + told(outcome)


FAULTS = [Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(hub: Github, fault: Fault, tmp_path: Path) -> None:
    """Each fault at each request: the run brings everything there, and nothing twice; another one changes nothing."""
    made = manifest("1.0.0", tmp_path)
    hub.converge(made, tmp_path)
    for number in range(len(hub.traffic.requests)):
        hub.forge.clear()
        hub.fault = at(number, fault)
        outcome = hub.converge(made, tmp_path)
        assert outcome.error() is None, (number, told(outcome))
        assert len(hub.writes()) <= 6 + (fault in (Fault.ERROR, Fault.LIMIT)), (number, hub.writes())
        check(hub, tmp_path)
        hub.fault = never
        assert (dict.fromkeys(ALL, State.DONE), []) == (states(hub.converge(made, tmp_path)), hub.writes())


def test_canary(hub: Github, tmp_path: Path) -> None:
    """No token in what a run says, whatever goes wrong."""
    made = manifest("1.0.0", tmp_path)
    seen = []
    for number in range(8):
        hub.fault = at(number, Fault.ERROR)
        for token in (TOKEN, READER, "canary-of-nobody"):
            outcome = hub.converge(made, tmp_path, token=token)
            seen.append(f"{outcome} {told(outcome)} {hub.console.events} {hub.console.printed}")
    assert "canary" not in "".join(seen)
    assert FILE_NAME in "".join(seen)
