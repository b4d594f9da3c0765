"""`shipways rehearse`, as a user runs it."""

import json
import resource
import sys
from pathlib import Path

import pytest

from harbouring import pulse, rows
from sandbox import Repository
from shipways.rehearse.cases import FAULTS, RANDOM

pytestmark = pytest.mark.integration

CANARY = "canary-of-the-user"
TOKENS = ("GH_TOKEN", "GITHUB_TOKEN", "SHIPWAYS_PYPI_TOKEN", "TWINE_PASSWORD", "CARGO_REGISTRY_TOKEN")
SPY = """
import os, sys

def hear(event, words):
    if event in ("socket.connect", "socket.sendto"):
        with open(os.environ["SPY"], "a") as log:
            log.write(f"{words[1]}\\n")

sys.addaudithook(hear)
"""
"""Writes down every address that a process connects to (Python's table of audit events)."""


@pytest.fixture
def project(repository: Repository) -> Repository:
    """A program with a wheel and an image, five places for them, and proofs."""
    return pulse(repository)


def test_nothing_goes_wrong(project: Repository) -> None:
    """No tag, no commit of the last change, no token: the release is made and published as if, twice, and verified."""
    project.file("README.md", "# pulse, changed\n")
    ran = project.shipways("rehearse")
    assert 0 == ran.code, ran.err
    assert "release: rehearsed from the work tree, as if it were committed and at v1.2.3" in ran.err
    assert "rehearsed: the release, the same once more, which changed nothing, and verify" in ran.err
    assert ("", ["rehearsal.json"]) == (project.git("tag"), [path.name for path in (project.root / "dist").iterdir()])
    assert "1.2.3-snapshot" not in ran.err


def test_store(project: Repository) -> None:
    """What the rehearsal has made is not made again by the release: it would be the same."""
    assert 0 == project.shipways("rehearse").code
    project.git("tag", "v1.2.3")
    ran = project.shipways("release", "--snapshot")
    assert (0, False, True) == (ran.code, "  start  " in ran.err, "pulse-1.2.3-SHA256SUMS" in ran.err), ran.err


def test_a_fault_of_each_kind(project: Repository) -> None:
    """One case of each fault, at channels in turn: all converge, and the report has them with the seed."""
    channels = ("github", "registry", "homebrew")
    ids = [f"{channels[at % 3]}/{fault}@1" for at, fault in enumerate(FAULTS[:-1])] + [
        "attest/killed-after@1",
        "files/killed@1",
        "pypi/lost@1",
        "pypi/lost@3",
        "pypi/duplicate@0",
        "all/random@0",
    ]
    ran = project.shipways("rehearse", "--faults", ",".join(ids), "--seed", "7")
    assert 0 == ran.code, ran.err
    assert f"{len(ids)} cases, all converge; seed 7" in ran.err
    told = json.loads((project.root / "dist" / "rehearsal.json").read_text())
    assert (7, ids, []) == (told["seed"], [case["id"] for case in told["cases"]], told["absent"])
    assert {(True, True)} == {(case["hit"], case["converged"]) for case in told["cases"]}
    assert {fault.partition("@")[0].replace("/", " ") for fault in ids} == {" ".join(row[:2]) for row in rows(ran.err)}
    tries = {case["id"].partition("/")[2]: case["tries"] for case in told["cases"]}
    assert (2, 2, 1, 1, 2) == tuple(tries[f"{n}@1"] for n in ("killed", "killed-after", "error", "lost", "forbidden"))


def test_nobody_hears_a_token_of_the_user(project: Repository, tmp_path: Path) -> None:
    """Nothing but this machine is connected to, whatever proxy there is; the user's tokens are written nowhere."""
    (tmp_path / "spy").mkdir()
    (tmp_path / "spy" / "sitecustomize.py").write_text(SPY)
    docker = tmp_path / "docker"
    docker.mkdir()
    (docker / "config.json").write_text(json.dumps({"credsStore": CANARY}))  # the name of a program that is not there
    env = dict.fromkeys(TOKENS, CANARY) | {
        "DOCKER_CONFIG": str(docker),
        "SPY": str(tmp_path / "log"),
        "PYTHONPATH": f"{tmp_path / 'spy'}:{':'.join(filter(None, sys.path))}",
        **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://192.0.2.1:9"),
        **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
    }
    ran = project.shipways("rehearse", "--faults", "github/lost@3,registry/forbidden@3,pypi/limit@1", env=env)
    assert 0 == ran.code, ran.err
    places = set((tmp_path / "log").read_text().splitlines())
    assert [] == [place for place in places if not place.startswith(("('127.0.0.1',", "/", "b'"))], places
    assert any(place.startswith("('127.0.0.1',") for place in places)
    kept = [path for top in (project.root, project.cache) for path in top.rglob("*") if path.is_file()]
    assert [] == [path for path in kept if CANARY.encode() in path.read_bytes()]
    assert CANARY not in ran.out + ran.err


def test_wrong_names(project: Repository) -> None:
    """A fault that there is not is told before anything is made, with the one that was meant."""
    ran = project.shipways("rehearse", "--faults", "lots")
    assert (2, True, False) == (ran.code, "lost" in ran.err, "start" in ran.err), ran.err


def test_what_a_release_would_refuse(project: Repository) -> None:
    """The rehearsal refuses it too: notes of a changelog that does not speak of this version."""
    text = (project.root / "shipways.toml").read_text()
    project.file("shipways.toml", text.replace("[publish.github]", '[publish.github]\nnotes = "changelog"'))
    project.file("CHANGELOG.md", "# Changelog\n\n## [1.2.2]\n\nOld.\n")
    ran = project.shipways("rehearse")
    assert (3, True) == (ran.code, "has no section for 1.2.3" in ran.err), ran.err


@pytest.mark.long
def test_everything_everywhere(project: Repository) -> None:
    """Every fault at every request and item of every channel converges; the count is printed."""
    ran = project.shipways("rehearse", "--faults", ",".join(FAULTS), "--seed", "7", timeout=1200)
    assert 0 == ran.code, ran.err
    print(ran.err[ran.err.index("channel  ") :])  # noqa: T201 - the figure
    told = json.loads((project.root / "dist" / "rehearsal.json").read_text())
    sizes = told["channels"]
    least = sum(2 * size["items"] + 7 * size["requests"] for name, size in sizes.items() if name != "all")
    assert least < len(told["cases"])
    assert all(case["converged"] for case in told["cases"])


@pytest.mark.long
@pytest.mark.parametrize("fork", ["", "helper"])
def test_pull_request(project: Repository, fork: str) -> None:
    """So does a tap that takes pull requests, of a branch of its own or of a fork."""
    text = (project.root / "shipways.toml").read_text()
    more = f'"example/homebrew-tap"\npull_request = true\nfork = "{fork}"'
    project.file("shipways.toml", text.replace('"example/homebrew-tap"', more).replace("[publish.registry]\n", ""))
    names = [fault for fault in FAULTS if fault != RANDOM]
    ran = project.shipways("rehearse", "--faults", ",".join(names), timeout=1200)
    assert 0 == ran.code, ran.err
    assert 11 == len([row for row in rows(ran.err) if row[0] == "homebrew"])


@pytest.mark.long
def test_all_is_quick(project: Repository) -> None:
    """Some cases of everything take well under a minute of a processor, whatever else it has to do."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = project.shipways("rehearse", "--faults", "all", "--seed", "7")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert 0 == ran.code, ran.err
    assert 45 > after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
