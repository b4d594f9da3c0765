"""build, test and release as a user types them."""

import json

import pytest

from sandbox import Repository

pytestmark = pytest.mark.integration


def test_unknown_step(hello: Repository) -> None:
    """A step that the plan does not have is a usage error."""
    ran = hello.shipways("build", "--step", "builders/other")
    assert 2 == ran.code
    assert "builders/other: is not a step of the plan" in ran.err


def test_unknown_package(hello: Repository) -> None:
    """A package that is not in the config is a usage error that names those that are."""
    ran = hello.shipways("build", "--package", "other")
    assert 2 == ran.code
    assert "other: is not in the plan" in ran.err
    assert "hello" in ran.err


def test_plan_touches_nothing(hello: Repository) -> None:
    """A plan leaves no dist/, and `--json` says what the tree says."""
    ran = hello.shipways("plan", "--json")
    assert 0 == ran.code, ran.err
    assert "builders/hello" in [step["id"] for step in json.loads(ran.out)["steps"]]
    assert "" == hello.git("status", "--porcelain")
    assert not (hello.root / "dist").exists()


def test_test_runs_the_declared_command(hello: Repository) -> None:
    """`shipways test` runs what the config says, in the build's surroundings, and fails with its output."""
    config = (hello.root / "shipways.toml").read_text()
    declared = config.replace('version = "1.0.0"', 'version = "1.0.0"\ntest = ["sh", "check.sh"]')
    hello.file("shipways.toml", declared)
    hello.file("check.sh", "test -f greeting\n")
    assert 0 == hello.commit().shipways("test").code
    hello.file("check.sh", "echo 'expected 1, found 2'; exit 1\n")
    ran = hello.commit().shipways("test")
    assert 4 == ran.code
    assert "test/hello" in ran.err
    assert "expected 1, found 2" in ran.err


def test_test_of_a_package_without_tests(hello: Repository) -> None:
    """Asking for tests that are not declared is an error, not a silent success."""
    ran = hello.shipways("test", "--package", "hello")
    assert 2 == ran.code
    assert "package.hello.test: is not set" in ran.err


def test_ledger_grows_and_manifest_does_not_change(hello: Repository) -> None:
    """The ledger has a line for each step of each run; times are nowhere else."""
    hello.shipways("release")
    manifest = (hello.root / "dist" / "manifest.json").read_bytes()
    hello.shipways("release")
    lines = [json.loads(line) for line in (hello.root / "dist" / "ledger.jsonl").read_text().splitlines()]
    assert manifest == (hello.root / "dist" / "manifest.json").read_bytes()
    assert {False, True} == {line["cached"] for line in lines if line.get("step") == "builders/hello"}
    assert b"seconds" not in manifest


def test_dist_holds_the_last_run(hello: Repository) -> None:
    """What the run before made and this one does not is gone; what somebody else put there stays."""
    hello.shipways("release")
    (hello.root / "dist" / "mine").write_text("kept")
    config = (hello.root / "shipways.toml").read_text()
    hello.file("shipways.toml", config.replace("*.txt", "*.md"))
    hello.file("build.sh", 'cat greeting > "$1/hello.md"\n')
    assert 0 == hello.commit().shipways("release").code
    left = {path.name for path in (hello.root / "dist").iterdir()}
    assert "hello.md" in left
    assert "hello.txt" not in left
    assert "mine" in left


def test_test_that_hangs(hello: Repository) -> None:
    """A test command has the time of a step, and is ended with what it has started."""
    text = (hello.root / "shipways.toml").read_text()
    text = text.replace('version = "1.0.0"', 'version = "1.0.0"\ntest = ["sh", "-c", "sleep 600 & wait"]')
    hello.file("shipways.toml", text + '[engine]\ntimeout = "1s"\n')
    ran = hello.commit().shipways("test", timeout=60)
    assert (4, True) == (ran.code, "test/hello: has not ended after 1 s" in ran.err), ran.err
