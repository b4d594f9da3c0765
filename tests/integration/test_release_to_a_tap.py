"""`shipways release --publish` with [publish.github] and [publish.homebrew], as a user runs it."""

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forging import READER, REPOSITORY, TOKEN
from sandbox import Ran, Repository
from shipways.config.released import parse_released
from shipways.rehearse.forgedesk import API
from support import need
from tapping import TAP, Tapped, tapped

pytestmark = pytest.mark.integration

TAPPER = "canary-of-the-tapper"
BREW = Path(__file__).parents[1] / "harness" / "minibrew.rb"
CONFIG = """
[project]
name = "hello"
repository = "REPOSITORY"
source_archive = false

[package.hello]
build = "prebuilt"
version = "1.0.0"
prebuilt = { files = { x86_64-unknown-linux-gnu = "bin/hello" } }

[formula.hello]
package = "hello"
description = "Program that says what it is told"
test = [{ run = ["hello", "hello", "{version}"], output = "hello" }]

[publish.github]
api = "API"

[publish.homebrew]
tap = "TAP"
"""


@pytest.fixture
def hub() -> Iterator[Tapped]:
    """A tap that only a token of its own may write to."""
    with tapped() as made:
        made.tap.desk.tokens = {TOKEN: "read", TAPPER: "write", READER: "read"}
        yield made


@pytest.fixture
def project(repository: Repository, hub: Tapped) -> Repository:
    """A program for this machine, released there."""
    text = CONFIG.replace("REPOSITORY", REPOSITORY).replace("API", f"{hub.url}{API}").replace("TAP", TAP)
    repository.file("shipways.toml", text)
    repository.write(_dot_gitignore="/dist/\n")
    (repository.root / "bin").mkdir()
    shutil.copy(shutil.which("echo") or "", repository.root / "bin" / "hello")
    repository.commit()
    return repository


def publish(project: Repository, version: str, *, token: str = TAPPER) -> Ran:
    """Release a version from its tag."""
    project.tag(version)
    env = {"GH_TOKEN": TOKEN, "HOMEBREW_TAP_TOKEN": token, "NO_PROXY": "127.0.0.1"}
    return project.shipways("release", "--publish", env=env)


def install(formula: bytes, folder: Path) -> str:
    """Install the formula of a tap from what it downloads, and test it; what its program says."""
    folder.mkdir()
    (folder / "hello.rb").write_bytes(formula)
    url = formula.decode().partition('url "')[2].partition('"')[0]
    archive = folder / url.rpartition("/")[2]
    subprocess.run(("curl", "-sSfL", "--noproxy", "*", "-o", archive, url), check=True)
    (folder / "map.json").write_text(json.dumps({url: str(archive)}))
    brew = ("ruby", "-w", BREW, folder / "hello.rb", "linux-intel", folder / "prefix", folder / "map.json")
    done = subprocess.run(brew, capture_output=True, text=True, check=False, timeout=60)
    assert 0 == done.returncode, done.stderr
    program = (folder / "prefix" / "bin" / "hello", "it", "runs")
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the program of the test is one of this machine"
)
def test_two_releases(project: Repository, hub: Tapped, tmp_path: Path) -> None:
    """The second formula comes over the first, installs what is public, and stays; no output has a token."""
    need("ruby", "curl")
    ran, again = publish(project, "1.0.0"), publish(project, "1.1.0")
    assert (0, 0) == (ran.code, again.code), ran.err + again.err
    assert ["hello 1.1.0", "hello 1.0.0", "first"] == hub.tap.log()
    text = hub.tap.files()["Formula/hello.rb"]
    assert (project.root / "dist" / "formula" / "hello.rb").read_bytes() == text
    assert "it runs\n" == install(text, tmp_path / "brew")
    writes = len(hub.writes())
    once_more = publish(project, "1.1.0")
    verified = project.shipways("verify", env={"NO_PROXY": "127.0.0.1"})
    assert (0, 0, writes) == (once_more.code, verified.code, len(hub.writes())), once_more.err + verified.err
    assert "canary" not in "".join((ran.out, ran.err, again.out, again.err, once_more.out, once_more.err))
    hub.tap.put("mine", Formula__hello_dot_rb="# edited\n")
    assert 7 == project.shipways("verify", env={"NO_PROXY": "127.0.0.1"}).code


VERIFY = {"NO_PROXY": "127.0.0.1"}


def test_verify(project: Repository, hub: Tapped) -> None:
    """The formula is downloaded from the tap, and what it leads to from where it says; both are compared."""
    assert 0 == publish(project, "1.0.0").code
    ran = project.shipways("verify", "--tag", "v1.0.0", env=VERIFY)
    said = " ".join(ran.err.split())
    assert (0, True) == (ran.code, "homebrew 1 downloads are what was made" in said), ran.err
    assert "homebrew 1 files that its formulas lead to are what these say" in said
    release = hub.forge.published("v1.0.0")
    assert release is not None
    archive = next(number for number, asset in release.assets.items() if asset.name.endswith(".tar.gz"))
    asset = release.assets[archive]
    url = f"{hub.url}/{REPOSITORY}/releases/download/v1.0.0/{asset.name}"
    kept, asset.data = asset.data, b"other"
    ran = project.shipways("verify", "--tag", "v1.0.0", env=VERIFY)
    assert (7, True) == (ran.code, f"homebrew/v1.0.0/formulas ({url}): sha256:d9298a10d1b0" in ran.err), ran.err
    asset.data = kept
    del release.assets[archive]
    ran = project.shipways("verify", "--tag", "v1.0.0", env=VERIFY)
    assert (7, True) == (ran.code, f"homebrew/v1.0.0/formulas ({url}): nothing is there" in ran.err), ran.err


def test_record(project: Repository, hub: Tapped) -> None:
    """A release leaves the record of what is published in dist/; once it is committed, it is what is rendered."""
    ran = publish(project, "1.0.0")
    assert (0, True) == (ran.code, "copy it to formula/, run `shipways render`, and commit both" in ran.err), ran.err
    assert "" == project.git("status", "--porcelain")
    record = project.root / "dist" / "formula" / "released.json"
    (formula,) = parse_released(record.read_text(), "released.json").formulas
    assert ("hello", "1.0.0", "v1.0.0", hub.url) == (formula.name, formula.version, formula.tag, formula.site)
    (project.root / "formula").mkdir()
    shutil.copy(record, project.root / "formula")
    assert 0 == project.shipways("render").code
    assert hub.tap.files()["Formula/hello.rb"] == (project.root / "formula" / "hello.rb").read_bytes()


def test_token_of_another_repository(project: Repository, hub: Tapped) -> None:
    """One that writes releases and not the tap stops the release before it is built; `doctor` says so too."""
    ran = publish(project, "1.0.0", token=TOKEN)
    assert (3, True) == (ran.code, f"{TAP}: cannot be written to with this token" in ran.err), ran.err
    assert (False, {}) == ("start   builders" in ran.err, hub.forge.releases)
    assert 3 == project.shipways("doctor", env={"GH_TOKEN": TOKEN, "NO_PROXY": "127.0.0.1"}).code
