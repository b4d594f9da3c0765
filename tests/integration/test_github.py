"""A release on GitHub: made, again, over the one before, disturbed, and without rights."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forging import READER, TOKEN, Github, at, github, gone_after, manifest, never, states
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


def test_race(hub: Github, tmp_path: Path) -> None:
    """Several runners at the same time make one release, whole."""
    made = manifest("1.0.0", tmp_path)
    for _ in range(5):
        hub.forge.clear()
        assert [None, None, None] == [outcome.error() for outcome in hub.race(made, tmp_path, 3)]
        assert 1 == len(hub.forge.releases)
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
    """When the budget is used up, the run waits until it is full again, and goes on."""
    hub.forge.desk.remaining = 9
    begin = time.time()

    def refill(method: str, path: str) -> Fault:
        if hub.clock.now() > begin + 3000:
            hub.forge.desk.remaining = 5000
        return Fault.NONE

    hub.fault = refill
    assert hub.converge(manifest("1.0.0", tmp_path), tmp_path).error() is None
    assert "says that its limit is reached; again in 3" in hub.notes()
    check(hub, tmp_path)


def test_upload_breaks(hub: Github, tmp_path: Path) -> None:
    """What a broken upload leaves behind is deleted, and sent anew in the same run."""
    hub.forge.breaking = 2
    assert hub.converge(manifest("1.0.0", tmp_path), tmp_path).error() is None
    assert (5, 2) == tuple(
        len([m for m, path in hub.writes() if m == method and "assets" in path]) for method in ("POST", "DELETE")
    )
    check(hub, tmp_path)


@pytest.mark.parametrize("annotated", [False, True])
def test_tag_elsewhere(hub: Github, tmp_path: Path, annotated: bool) -> None:
    """A tag that names another commit there stops the release before it is public; the right one does not."""
    made = manifest("1.0.0", tmp_path)
    hub.forge.refs["tags/v1.0.0"] = "d" * 40
    if annotated:
        hub.forge.tags["d" * 40] = "e" * 40
    outcome = hub.converge(made, tmp_path)
    assert "v1.0.0: names commit" in told(outcome)
    assert hub.forge.published("v1.0.0") is None
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


FAULTS = [Fault.ERROR, Fault.ERROR_AFTER, Fault.LOST, Fault.LIMIT]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(hub: Github, fault: Fault, tmp_path: Path) -> None:
    """Each fault at each request: the run brings everything there, and nothing twice; another one changes nothing."""
    made = manifest("1.0.0", tmp_path)
    hub.converge(made, tmp_path)
    for number in range(len(hub.traffic.requests)):
        hub.forge.clear()
        before, hub.fault = hub.forge.last, at(number, fault)
        outcome = hub.converge(made, tmp_path)
        assert (None, 4) == (outcome.error(), hub.forge.last - before), (number, told(outcome))
        check(hub, tmp_path)
        hub.fault = never
        assert (dict.fromkeys(ALL, State.DONE), []) == (states(hub.converge(made, tmp_path)), hub.writes())


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.LOST])
def test_ends_anywhere(hub: Github, fault: Fault, tmp_path: Path) -> None:
    """A run that ends before or after any request is finished by the next one; nothing is made twice."""
    made = manifest("1.0.0", tmp_path)
    hub.converge(made, tmp_path)
    for number in range(len(hub.traffic.requests)):
        hub.forge.clear()
        before, hub.fault = hub.forge.last, gone_after(number, fault)
        assert isinstance(hub.converge(made, tmp_path).error(), Unfinished), number
        hub.fault = never
        outcome = hub.converge(made, tmp_path)
        assert (None, 4) == (outcome.error(), hub.forge.last - before), (number, told(outcome))
        check(hub, tmp_path)


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
