"""`shipways release --publish --create-tag`: the tag is pushed when all is staged, before anything else is public."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from forging import REPOSITORY, TOKEN, Github, channel, github, manifest, states
from sandbox import Ran, Repository
from shipways.errors import Conflict, Unfinished
from shipways.model.manifest import Manifest
from shipways.model.outcome import Outcome, State
from shipways.outside.tags import Tags
from shipways.publish.git import GitChannel
from shipways.rehearse.faults import Fault
from shipways.rehearse.forgedesk import API
from shipways.run.reconciler import Around, converge
from tagging import WHO, Remote

pytestmark = pytest.mark.integration

TAG = "v1.0.0"


@pytest.fixture
def hub() -> Iterator[Github]:
    """GitHub's stand-in."""
    with github() as made:
        yield made


@pytest.fixture
def remote(hello: Repository, tmp_path: Path) -> Remote:
    """Where the project hello comes from."""
    return Remote(tmp_path / "remote", hello)


@pytest.fixture
def made(remote: Remote, tmp_path: Path) -> Manifest:
    """A release of its commit, with files in `dist`."""
    (tmp_path / "dist").mkdir()
    return manifest("1.0.0", tmp_path / "dist", commit=remote.head)


class Watched:
    """The `Tags` port of a remote, which notes what GitHub has when a tag is pushed."""

    def __init__(self, tags: Tags, hub: Github) -> None:
        self.commits, self.check, self._tags, self._hub = tags.commits, tags.check, tags, hub
        self.noted: list[tuple[bool, int]] = []

    async def create(self, tag: str, commit: str) -> None:
        release = next(iter(self._hub.forge.releases.values()))
        self.noted.append((release.draft, len(release.assets)))
        await self._tags.create(tag, commit)


def run(made: Manifest, hub: Github, folder: Path, tags: Tags | None) -> Outcome:
    """Converge GitHub and, where there is one, the remote."""
    own = [GitChannel(repository="", tags=(TAG,), commit=made.commit)] if tags else []

    async def main() -> Outcome:
        async with hub.outside(folder, TOKEN) as outside:
            doors = replace(outside, tags=lambda *_: tags)
            around = Around(outside=doors, console=hub.console, clock=hub.clock)
            return await converge([channel(made), *own], made, around)

    return anyio.run(main)


def test_order(made: Manifest, hub: Github, remote: Remote, tmp_path: Path) -> None:
    """When the tag is pushed GitHub has the draft with all its files; only then it is published."""
    tags = Watched(remote.tags(), hub)
    outcome = run(made, hub, tmp_path / "dist", tags)
    assert outcome.error() is None
    assert [(True, 3)] == tags.noted
    assert (remote.head, "tag") == (remote.commit(TAG), remote.kind(TAG))
    assert hub.forge.published(TAG) is not None
    again = run(made, hub, tmp_path / "dist", tags)
    assert ({State.DONE}, 1) == (set(states(again).values()), len(tags.noted))


def test_refused(made: Manifest, hub: Github, remote: Remote, tmp_path: Path) -> None:
    """A remote that takes no tag leaves a draft, and a hint; the same run goes on when it does."""
    remote.refuse()
    outcome = run(made, hub, tmp_path / "dist", remote.tags())
    error = outcome.error()
    assert isinstance(error, Unfinished)
    assert "right to push tags" in error.problems[0].hint
    assert (False, None, "") == (outcome.begun, hub.forge.published(TAG), remote.clone.git("tag", "--list"))
    assert {State.BLOCKED} == {state for name, state in states(outcome).items() if "publ" in name or name == "latest"}
    remote.refuse(anything=False)
    assert run(made, hub, tmp_path / "dist", remote.tags()).error() is None
    assert hub.forge.published(TAG) is not None


@pytest.mark.parametrize("again", [True, False])
def test_ended_after_the_tag(made: Manifest, hub: Github, remote: Remote, tmp_path: Path, again: bool) -> None:
    """A run that ended between the tag and the rest is finished by the same command, or by an ordinary release."""
    hub.fault = lambda method, _: Fault.ERROR if method == "PATCH" else Fault.NONE
    outcome = run(made, hub, tmp_path / "dist", remote.tags())
    assert (State.APPLIED, True) == (states(outcome)[f"git/{TAG}"], outcome.begun)
    assert hub.forge.published(TAG) is None
    hub.fault = lambda *_: Fault.NONE
    assert run(made, hub, tmp_path / "dist", remote.tags() if again else None).error() is None
    assert hub.forge.published(TAG) is not None


def test_rival(made: Manifest, hub: Github, remote: Remote, tmp_path: Path) -> None:
    """Somebody has pushed the tag for another commit: nothing is public, and both commits are told."""
    other = remote.clone.commit("feat: other").git("rev-parse", "HEAD")
    remote.clone.git("push", "--quiet", "origin", f"{other}:refs/tags/{TAG}")
    error = run(made, hub, tmp_path / "dist", remote.tags()).error()
    assert isinstance(error, Conflict)
    assert f"{other} is there, not {made.commit}" == error.problems[0].what
    assert (None, other) == (hub.forge.published(TAG), remote.commit(TAG))


class LateRival(Watched):
    """Somebody pushes a tag in the moment before ours."""

    def __init__(self, remote: Remote, hub: Github, commit: str) -> None:
        super().__init__(remote.tags(), hub)
        self._remote, self._commit = remote, commit

    async def create(self, tag: str, commit: str) -> None:
        if not self._remote.kind(tag):
            self._remote.clone.git("push", "--quiet", "origin", f"{self._commit}:refs/tags/{tag}")
        await super().create(tag, commit)


def test_late_rival(made: Manifest, hub: Github, remote: Remote, tmp_path: Path) -> None:
    """The same a moment before the push: another commit is a conflict, the same one is as good as ours."""
    other = remote.clone.commit("feat: other").git("rev-parse", "HEAD")
    error = run(made, hub, tmp_path / "dist", LateRival(remote, hub, other)).error()
    assert (Conflict, None) == (type(error), hub.forge.published(TAG))
    remote.clone.git("push", "--quiet", "--delete", "origin", TAG)
    assert run(made, hub, tmp_path / "dist", LateRival(remote, hub, made.commit)).error() is None
    assert "commit" == remote.kind(TAG)


def release(project: Repository, *words: str) -> Ran:
    """The command of a user."""
    env = {"GH_TOKEN": TOKEN, "NO_PROXY": "127.0.0.1", **WHO}
    return project.shipways("release", "--publish", *words, env=env)


@pytest.fixture
def project(hello: Repository, hub: Github, remote: Remote, tmp_path: Path) -> Repository:
    """A project that is released on GitHub, and to a folder."""
    text = (
        (hello.root / "shipways.toml").read_text().replace("[project]\n", f'[project]\nrepository = "{REPOSITORY}"\n')
    )
    places = f'[publish.github]\napi = "{hub.url}{API}"\n[publish.files]\nfolder = "{tmp_path / "mirror"}"\n'
    hello.file("shipways.toml", f"{text}\n{places}")
    return hello.commit()


def test_two_releases(project: Repository, hub: Github, remote: Remote) -> None:
    """The version in the manifest is tagged and released, once; the next one says what is new since that tag."""
    assert (0, "") == ((ran := release(project, "--create-tag", "--dry-run")).code, remote.kind(TAG)), ran.err
    ran = release(project, "--create-tag")
    assert (0, True) == (ran.code, "release: clean tree to be tagged v1.0.0" in ran.err), ran.err
    assert ("tag", remote.head) == (remote.kind(TAG), remote.commit(TAG))
    assert remote.head == project.git("rev-parse", f"{TAG}^{{commit}}")
    again = release(project)
    assert (0, False) == (again.code, " applied" in again.err), again.err
    text = (project.root / "shipways.toml").read_text()
    project.file("shipways.toml", text.replace('version = "1.0.0"', 'version = "1.0.1"'))
    project.commit("fix: a door that opens")
    ran = release(project, "--create-tag")
    assert (0, remote.head) == (ran.code, remote.commit("v1.0.1")), ran.err
    second = hub.forge.published("v1.0.1")
    assert second is not None
    assert "## Fixes\n\n- a door that opens\n" == second.body


def test_without_a_remote(project: Repository, remote: Remote) -> None:
    """Exit 3 before anything is built: no remote, or one that takes no tag from this user."""
    project.git("remote", "remove", "origin")
    ran = release(project, "--create-tag")
    assert (3, True) == (ran.code, "git remote add origin" in ran.err), ran.err
    project.git("remote", "add", "origin", (remote.bare / "nowhere").as_uri())
    ran = release(project, "--create-tag")
    assert (3, True) == (ran.code, "does not appear to be a git repository" in ran.err), ran.err
    assert "start   builders" not in ran.err
