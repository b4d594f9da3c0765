"""`shipways release --publish` with [publish.github], as a user runs it."""

from collections.abc import Iterator

import pytest

from forging import READER, REPOSITORY, TOKEN, Github, github
from sandbox import Ran, Repository
from shipways.rehearse.forgedesk import API

pytestmark = pytest.mark.integration

PROXY = {"http_proxy": "http://127.0.0.1:1", "NO_PROXY": "", "no_proxy": ""}
"""One that does not answer: nobody is to ask it for this machine itself."""


@pytest.fixture
def hub() -> Iterator[Github]:
    """GitHub's stand-in."""
    with github() as made:
        yield made


@pytest.fixture
def project(hello: Repository, hub: Github) -> Repository:
    """A small project that is released there."""
    text = (hello.root / "shipways.toml").read_text()
    text = text.replace("[project]\n", f'[project]\nrepository = "{REPOSITORY}"\n')
    hello.file("shipways.toml", f'{text}\n[publish.github]\napi = "{hub.url}{API}"\n')
    return hello.commit()


def publish(project: Repository, version: str, token: str = TOKEN) -> Ran:
    """Release a version from its tag."""
    project.tag(version)
    return project.shipways("release", "--publish", env={"GH_TOKEN": token, **PROXY})


def body(hub: Github, tag: str) -> str:
    """The notes of a public release."""
    release = hub.forge.published(tag)
    assert release is not None
    return release.body or ""


def test_two_releases(project: Repository, hub: Github) -> None:
    """S0-21: files and notes are there, the second with what is new; `verify` agrees, no output has a token."""
    ran = publish(project, "1.0.0")
    assert 0 == ran.code, ran.err
    project.file("more", "x")
    project.commit("fix(door): it opens")
    again = publish(project, "1.1.0")
    assert 0 == again.code, again.err
    assert "## Features\n\n- all\n- all\n" == body(hub, "v1.0.0")
    assert "## Fixes\n\n- door: it opens\n" == body(hub, "v1.1.0")
    release = hub.forge.published("v1.1.0")
    assert release is not None
    assert ["hello-1.1.0-SHA256SUMS", "hello.txt", "manifest.json"] == sorted(a.name for a in release.assets.values())
    assert project.git("rev-parse", "v1.1.0^{commit}") == release.commit
    verified = project.shipways("verify", env=PROXY)
    assert 0 == verified.code, verified.err
    assert "canary" not in "".join((ran.out, ran.err, again.out, again.err))
    next(iter(release.assets.values())).digest = "sha256:0"
    assert 7 == project.shipways("verify", env=PROXY).code


def test_changelog(project: Repository, hub: Github) -> None:
    """The version's section; a version without one stops the release before anything is built."""
    text = (project.root / "shipways.toml").read_text()
    project.file("shipways.toml", f'{text}notes = "changelog"\n')
    project.file("CHANGELOG.md", "# Changelog\n\n## [1.0.0]\n\nA door.\n")
    assert 0 == publish(project, "1.0.0").code
    assert "A door.\n" == body(hub, "v1.0.0")
    ran = publish(project, "1.1.0")
    assert (3, True) == (ran.code, "CHANGELOG.md: has no section for 1.1.0" in ran.err), ran.err


def test_token_without_right(project: Repository, hub: Github) -> None:
    """Exit 3 with the hint, before anything is built, and so says `doctor`; a better token releases."""
    ran = publish(project, "1.0.0", READER)
    assert (3, True, False) == (ran.code, "contents: write" in ran.err, "canary" in ran.out + ran.err), ran.err
    assert "start   builders" not in ran.err
    asked = project.shipways("doctor", env={"GH_TOKEN": READER, **PROXY})
    assert (3, True) == (asked.code, "contents: write" in asked.err), asked.err
    assert {} == hub.forge.releases
    assert 0 == publish(project, "1.0.0").code


def test_finished_without_a_token(project: Repository, hub: Github) -> None:
    """What is complete ends well for who has no token; what is not stops before anything is built."""
    assert 0 == publish(project, "1.0.0").code
    ran = publish(project, "1.0.0", "")
    assert (0, True) == (ran.code, "all of this release is there" in ran.err), ran.err
    release = hub.forge.published("v1.0.0")
    assert release is not None
    release.assets.popitem()
    ran = publish(project, "1.0.0", "")
    assert (3, True) == (ran.code, "GH_TOKEN: is not set" in ran.err), ran.err


def test_needs_a_repository(project: Repository) -> None:
    """Without project.repository nobody knows where."""
    text = (project.root / "shipways.toml").read_text()
    project.file("shipways.toml", text.replace(f'repository = "{REPOSITORY}"\n', ""))
    ran = project.shipways("check")
    assert (2, True) == (ran.code, "project.repository: is required" in ran.err), ran.err


@pytest.mark.parametrize("api", ["http://github.example.org/api/v3", "https://token@github.example.org", "github"])
def test_addresses(project: Repository, api: str) -> None:
    """An address that would send the token in the clear, or holds one, is refused."""
    text = (project.root / "shipways.toml").read_text()
    head, _, _ = text.partition("api = ")
    project.file("shipways.toml", f'{head}api = "{api}"\n')
    ran = project.shipways("check")
    assert (2, True) == (ran.code, "publish.github.api" in ran.err), ran.err
