"""`shipways rehearse --create-tag`: a release that makes its own tag, at a git remote where everything goes wrong."""

import json
from pathlib import Path

import pytest

from sandbox import Repository
from shipways.rehearse.cases import FAULTS, RANDOM

pytestmark = pytest.mark.integration

NAMES = [fault for fault in FAULTS if fault != RANDOM]


@pytest.mark.parametrize("shallow", [False, True])
def test_nothing_goes_wrong(project: Repository, tmp_path: Path, shallow: bool) -> None:
    """The tag is pushed to a stand-in, by none of the user's settings; their repository has no tag, and nothing new."""
    if shallow:
        project.commit("feat: more").git("clone", "--quiet", "--depth=1", project.root.as_uri(), str(tmp_path / "mine"))
    mine = Repository(tmp_path / "mine", project.cache) if shallow else project
    mine.git("config", "tag.gpgSign", "true")
    before = mine.git("count-objects")
    ran = mine.shipways("rehearse", "--create-tag")
    assert 0 == ran.code, ran.err
    assert "rehearsed from the work tree, as if it were committed and to be tagged v1.0.0" in ran.err
    assert "rehearsed: the release, the same once more, which changed nothing, and verify" in ran.err
    assert ("", before) == (mine.git("tag", "--list"), mine.git("count-objects"))


@pytest.mark.long
def test_every_fault(project: Repository) -> None:
    """Every fault at every request and item of the remote converges, with one tag; most within one run."""
    ran = project.shipways("rehearse", "--create-tag", "--faults", ",".join(NAMES), "--seed", "7")
    assert 0 == ran.code, ran.err
    told = json.loads((project.root / "dist" / "rehearsal.json").read_text())
    assert {"requests": 4, "writes": 1, "items": 1} == told["channels"]["git"]
    mine = {case["id"]: case for case in told["cases"] if case["id"].startswith("git/")}
    assert {(True, True)} == {(case["hit"], case["converged"]) for case in mine.values()}
    assert 2 + 4 * 7 + 2 == len(mine)
    assert {"killed", "killed-after", "forbidden"} == {
        name.partition("/")[2].partition("@")[0] for name, case in mine.items() if case["tries"] > 1
    }
    files = [case for case in told["cases"] if case["id"].startswith("files/killed")]
    assert files
    assert all(case["converged"] for case in files)


def test_only_where_it_is_asked_for(project: Repository) -> None:
    """Without --create-tag there is no remote, and no case of it."""
    ran = project.shipways("rehearse", "--faults", "killed")
    assert 0 == ran.code, ran.err
    assert "git/" not in (project.root / "dist" / "rehearsal.json").read_text()
    assert 2 == project.shipways("rehearse", "--faults", "git/lost@1").code
