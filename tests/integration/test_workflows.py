"""Rendered workflows before the tools that know GitHub's rules, and their jobs on this machine."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from sandbox import Repository
from support import need
from working import DEMO, OURS, ROOT, TAGGING, commands, demo, read, texts

pytestmark = pytest.mark.integration

EVERY = [pytest.param(demo(), id="demo"), pytest.param(demo(TAGGING), id="tagging"), pytest.param(OURS, id="ours")]
TOOLS = {
    "actionlint": ["actionlint"],
    "zizmor": ["zizmor", "--offline", "--quiet", "--no-ignores", "--persona", "auditor", ".github/workflows"],
    "schema": ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
}


def findings(tool: str, folder: Path, files: dict[str, str]) -> tuple[int, str]:
    """The status of a tool, and what it prints, for these files in a repository."""
    if tool == "actionlint":
        need("actionlint")
    else:
        need("zizmor", "check-jsonschema")  # which come with the tests
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    words = [*TOOLS[tool], *(files if tool == "schema" else ())]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("config", EVERY)
def test_nothing_to_find(tool: str, config, tmp_path: Path) -> None:
    """S0-23..28: no tool has anything to say, the strictest way it can look, and nothing is ignored."""
    status, told = findings(tool, tmp_path, texts(config))
    assert 0 == status, told


@pytest.mark.parametrize(
    ("tool", "before", "after"),
    [
        ("actionlint", r"needs: \[plan\]", "needs: [plna]"),
        ("zizmor", "persist-credentials: false", "show-progress: false"),
        ("zizmor", r"@\w{40} # v[\d.]+", "@v4"),
        ("schema", "timeout-minutes: 90", 'timeout-minutes: "90 minutes"'),
    ],
)
def test_tools_look(tool: str, before: str, after: str, tmp_path: Path) -> None:
    """The tools would have found what is wrong."""
    wrong = {path: re.sub(before, after, text) for path, text in texts(demo()).items()}
    assert 0 != findings(tool, tmp_path, wrong)[0]


NOXFILE = """
import os
import nox

@nox.session(venv_backend="none")
def tests(session):
    print(*os.environ, flush=True)
    session.run("git", "status", "--short", external=True)
    session.run("false" if session.posargs[-1] == "dagger" else "true", external=True)
"""


def steps(text: str) -> list[str]:
    """What a session did, without its seconds."""
    return [re.sub(r"in \d+.*", "", line) for line in text.splitlines() if line.startswith("nox > ")]


@pytest.mark.parametrize(("engine", "status"), [("host", 0), ("dagger", 4)])
def test_here_as_there(repository: Repository, engine: str, status: int) -> None:
    """S0-23: a job does here, step by step, what an empty shell does with its line there; nothing else gets in."""
    need("nox")
    text = DEMO.replace('"host"', f'"{engine}"')
    repository.file("shipways.toml", text)
    repository.file("noxfile.py", NOXFILE)
    repository.commit()
    line = commands(read(texts(demo(text))[".github/workflows/ci.yml"])["jobs"]["tests"])[-1]
    here = repository.shipways("ci", "run", "tests", env={"CANARY": "1", "GITHUB_REF_TYPE": "tag"})
    clean = {name: os.environ[name] for name in ("PATH", "HOME")}
    there = subprocess.run(
        ["sh", "-c", line], cwd=repository.root, env=clean, capture_output=True, text=True, check=False
    )
    assert status == here.code, here.err
    assert (status == 0) is (there.returncode == 0)
    assert f"ci/tests: {line}\n" in here.err
    assert steps(there.stderr) == steps(here.err)
    assert not {"CANARY", "GITHUB_REF_TYPE", "PYTHONPATH"} & set(here.out.split())


def test_kept_by_render(repository: Repository) -> None:
    """`render --check` passes over what is the user's, tells what is not, and `render` keeps the former."""
    repository.file("shipways.toml", '[project]\nname = "p"\n[workflows]\n')
    repository.commit()
    path = repository.root / ".github/workflows/ci.yml"

    def codes() -> list[int]:
        return [repository.shipways("render", *words).code for words in (["--check"], [], ["--check"])]

    assert [7, 0, 0] == codes()
    mine = path.read_text().replace("# yours: tests\n", "# yours: tests\n      - run: sudo apt-get install jq\n")
    path.write_text(f"# mine\n{mine}")
    assert [0, 0, 0] == codes()
    path.write_text(mine.replace("contents: read", "contents: write"))
    assert [7, 0, 0] == codes()
    assert mine == path.read_text()


@pytest.mark.long
@pytest.mark.parametrize("job", ["types", "release/plan", "image-tender"])
def test_ours(job: str, tmp_path: Path) -> None:
    """A job of this project, in a clean clone and with the environment of a job (others: test_workflows_clean.py)."""
    need("nox")
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "clone")], check=True)
    clone = Repository(tmp_path / "clone", tmp_path / "cache")
    done = clone.shipways("ci", "run", job)
    assert 0 == done.code, done.out + done.err
    assert re.search(r"nox > Session \w+ was successful", done.err)
