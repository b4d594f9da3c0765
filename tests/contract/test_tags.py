"""What the tags of every remote do, the public fake included."""

import base64
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import anyio
import pytest

from sandbox import Repository
from shipways.errors import Moved, Problem, ShipwaysError, Transient, Unfinished
from shipways.outside.tags import Tags
from shipways.rehearse.gitserver import GitServer
from shipways.rehearse.serving import served
from shipways.testing.tags import MemoryTags
from tagging import WHO, Remote

pytestmark = pytest.mark.integration


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """A remote whose clone has two commits."""
    clone = Repository(tmp_path / "clone", tmp_path / "cache")
    return Remote(tmp_path, clone.commit().commit())


def first(remote: Remote) -> str:
    """The commit before the last."""
    return remote.clone.git("rev-parse", "HEAD~1")


@pytest.fixture(params=["git", "memory"])
def tags(request: pytest.FixtureRequest, remote: Remote) -> Tags:
    """Each kind in turn, without a tag."""
    return remote.tags() if request.param == "git" else MemoryTags()


def told(call: Callable[[], Awaitable[object]], kind: type[ShipwaysError]) -> Problem:
    """The problem that a call ends with."""
    with pytest.raises(kind) as caught:
        anyio.run(call)
    assert kind is type(caught.value)
    return caught.value.problems[0]


def test_created(tags: Tags, remote: Remote) -> None:
    """A tag is there with the commit it names; nothing is against it before."""

    async def create() -> tuple[object, ...]:
        before = (await tags.commits(), await tags.check("a-v1.0.0", first(remote)))
        await tags.create("a-v1.0.0", first(remote))
        await tags.create("b/v2.0.0", remote.head)
        return (*before, await tags.commits(), await tags.check("a-v1.0.0", first(remote)))

    assert ({}, (), {"a-v1.0.0": first(remote), "b/v2.0.0": remote.head}, ()) == anyio.run(create)


def test_stays(tags: Tags, remote: Remote) -> None:
    """A tag never names another commit than at first; `check` knows it."""

    async def twice() -> None:
        await tags.create("v1.0.0", first(remote))
        (problem,) = await tags.check("v1.0.0", remote.head)
        assert f"is a tag of commit {first(remote)[:12]} already" == problem.what
        with pytest.raises(ShipwaysError):
            await tags.create("v1.0.0", remote.head)
        assert {"v1.0.0": first(remote)} == await tags.commits()

    anyio.run(twice)


def test_rival(remote: Remote) -> None:
    """One that another clone has pushed a moment before is to be looked at again, and no tag is left here."""
    remote.clone.git("push", "--quiet", "origin", f"{first(remote)}:refs/tags/v1.0.0")
    assert "is there by now" == told(lambda: remote.tags().create("v1.0.0", remote.head), Moved).what
    assert "" == remote.clone.git("tag", "--list")


def test_annotated(remote: Remote) -> None:
    """The tag is an annotated one, here as at the remote; one that is here already is pushed as it is."""
    remote.clone.git("tag", "v0.9.0", first(remote))
    anyio.run(remote.tags().create, "v0.9.0", first(remote))
    anyio.run(remote.tags().create, "v1.0.0", remote.head)
    assert ("commit", "tag") == (remote.kind("v0.9.0"), remote.kind("v1.0.0"))
    assert remote.head == remote.clone.git("rev-parse", "v1.0.0^{commit}")


def test_refused(remote: Remote) -> None:
    """A remote that takes no tag is named with its own words and a hint, and no tag is left here."""
    remote.refuse()
    problem = told(lambda: remote.tags().create("v1.0.0", remote.head), Unfinished)
    assert "right to push tags" in problem.hint
    assert "tags are protected" in problem.why
    assert "" == remote.clone.git("tag", "--list")


def test_tag_of_the_clone(remote: Remote) -> None:
    """One that names another commit only here is not pushed, and not replaced."""
    remote.clone.git("tag", "v1.0.0", first(remote))
    (problem,) = anyio.run(remote.tags().check, "v1.0.0", remote.head)
    assert "git tag --delete v1.0.0" in problem.hint
    assert problem == told(lambda: remote.tags().create("v1.0.0", remote.head), Unfinished)
    assert "" == remote.kind("v1.0.0")


def test_nobody(remote: Remote) -> None:
    """Without a name for the tag `check` says so, and so does the error."""
    nameless = {"GIT_COMMITTER_NAME": "", "GIT_COMMITTER_EMAIL": ""}
    (problem,) = anyio.run(remote.tags(**nameless).check, "v1.0.0", remote.head)
    assert "git config user.name" in problem.hint
    assert problem.hint == told(lambda: remote.tags(**nameless).create("v1.0.0", remote.head), Unfinished).hint


def test_which_remote(remote: Remote, tmp_path: Path) -> None:
    """The remote whose URL is that of the project, whatever it is called; else origin; else none."""
    remote.clone.git("remote", "rename", "origin", "upstream")
    assert {} == anyio.run(remote.tags("example/demo").commits)
    assert "git remote add" in told(remote.tags("example/other").commits, Unfinished).hint
    remote.clone.git("remote", "add", "origin", (tmp_path / "nowhere").as_uri())
    assert {} == anyio.run(remote.tags("example/demo").commits)
    assert "check `git remote" in told(remote.tags("example/other").commits, Unfinished).hint


def test_unreachable(remote: Remote) -> None:
    """A remote that does not answer is worth another try; a password in its URL is not told."""
    remote.clone.git("remote", "set-url", "origin", "http://me:canary@127.0.0.1:9/example/demo.git")
    env = WHO | {"NO_PROXY": "127.0.0.1"}
    assert "canary" not in str(told(remote.tags(**env).commits, Transient))
    assert "canary" not in str(told(lambda: remote.tags(**env).create("v1.0.0", remote.head), Transient))


TOKEN = "canary-of-the-job"  # noqa: S105 - it opens nothing


@pytest.fixture
def guarded(remote: Remote) -> Iterator[str]:
    """The site of the remote, which lets in nobody without the token; the clone has no login."""
    with served(GitServer(remote.bare.parent.parent, "example/demo.git", TOKEN)) as site:
        remote.clone.git("remote", "set-url", "origin", f"{site}/example/demo.git")
        yield site


ENV = WHO | {"NO_PROXY": "127.0.0.1"}


def test_token(remote: Remote, guarded: str) -> None:
    """The token of a job lets git in at the site of the forge; it is in no argument of a command."""
    tags = remote.let_in(guarded, TOKEN, **ENV)
    assert () == anyio.run(tags.check, "v1.0.0", remote.head)
    anyio.run(tags.create, "v1.0.0", remote.head)
    assert ({"v1.0.0": remote.head}, "tag") == (anyio.run(tags.commits), remote.kind("v1.0.0"))
    header = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    assert [] == [word for argv in remote.process.argv for word in argv if TOKEN in word or header in word]
    given = {argv[1] for argv, env in zip(remote.process.argv, remote.process.env, strict=True) if header in str(env)}
    assert {"ls-remote", "push"} == given
    assert "extraheader" not in remote.clone.git("config", "--list", "--local")


@pytest.mark.parametrize(("port", "token"), [("", ""), ("", "canary-of-another"), ("1", TOKEN)])
def test_no_token(remote: Remote, guarded: str, port: str, token: str) -> None:
    """Without one, with a wrong one, and with one for another site nobody gets in, and no error tells it."""
    problem = told(remote.let_in(guarded + port, token, **ENV).commits, Unfinished)
    assert (True, False) == ("check `git remote" in problem.hint, "canary" in str(problem))


def test_login_of_the_user(remote: Remote, guarded: str) -> None:
    """Who has a login in git's settings keeps it: two would be refused."""
    header = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    remote.clone.git("config", f"http.{guarded}/.extraheader", f"AUTHORIZATION: basic {header}")
    assert {} == anyio.run(remote.let_in(guarded, "canary-of-another", **ENV).commits)


def test_another_repository(remote: Remote, tmp_path: Path) -> None:
    """Variables of a hook that mean another repository do not lead there."""
    other = Repository(tmp_path / "other", tmp_path / "cache").commit()
    anyio.run(remote.tags(**WHO, GIT_DIR=str(other.root / ".git")).create, "v1.0.0", remote.head)
    assert ("tag", "") == (remote.kind("v1.0.0"), other.git("tag", "--list"))
