"""One release by several machines: `plan --json`, `build --shard`, `release --from`."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sandbox import Clone, Ran, Repository

pytestmark = pytest.mark.integration

PACKAGES = "abcd"
CONFIG = '[project]\nname = "many"\n' + "".join(
    f'[package.{name}]\nbuild = "command"\nversion = "1.0.0"\n'
    f'command = {{ run = [["sh", "-c", "echo {name} > $0/{name}.txt", "{{out}}"]], outputs = ["{name}.txt"] }}\n'
    for name in PACKAGES
)


@pytest.fixture
def many(repository: Repository) -> Repository:
    """Four packages, a source archive, and checksums of all."""
    return repository.write(shipways_dot_toml=CONFIG, _dot_gitignore="/dist/\n").commit()


def matrix(repository: Repository, count: int, *words: str) -> list[str]:
    """The shards that the plan names."""
    ran = repository.shipways("plan", "--json", "--shards", str(count), *words)
    assert 0 == ran.code, ran.err
    return [entry["shard"] for entry in json.loads(ran.out)["shards"]]


def built(origin: Repository, shard: str, root: Path, *words: str) -> Clone:
    """A machine that has made one shard."""
    machine = Clone(origin, root)
    ran = machine.shipways("build", "--shard", shard, *words)
    assert 0 == ran.code, ran.err
    return machine


def merged(machine: Repository, *machines: Clone, verb: tuple[str, ...] = ("release",)) -> Ran:
    """The end of a release, of what these machines have made."""
    return machine.shipways(*verb, *(word for each in machines for word in ("--from", str(each.dist))))


def contents(dist: Path) -> dict[str, bytes]:
    """What a release is, without what is told of the run."""
    return {path.name: path.read_bytes() for path in dist.iterdir() if path.name not in ("ledger.jsonl", "report.html")}


def timed(machine: Clone) -> list[dict[str, Any]]:
    """The lines of a ledger about steps."""
    lines = [json.loads(line) for line in (machine.dist / "ledger.jsonl").read_text().splitlines()]
    return [line for line in lines if "step" in line]


def test_same_bytes_as_one_machine(many: Repository, tmp_path: Path) -> None:
    """dist/ of three shards, each on a machine of its own, is that of one run, byte for byte; a lost shard is named."""
    assert 0 == many.shipways("release").code
    names = matrix(many, 3)
    assert ["1/3", "2/3", "3/3"] == names
    machines = [built(many, name, tmp_path / f"m{number}") for number, name in enumerate(names)]
    end = Clone(many, tmp_path / "end")
    lost = merged(end, *machines[:2])
    assert (3, False) == (lost.code, end.dist.exists())
    assert "shard 3/3: is missing" in lost.err
    ran = merged(end, *machines)
    assert 0 == ran.code, ran.err
    assert contents(many.root / "dist") == contents(end.dist)
    steps = timed(end)
    assert {f"builders/{name}" for name in PACKAGES} <= {line["step"] for line in steps if not line["cached"]}
    assert 0 == merged(end, *machines, verb=("build",)).code
    assert len(steps) + 6 == len(timed(end))


def test_against_the_manifest_before(many: Repository, tmp_path: Path) -> None:
    """A merge may be compared with the manifest that it replaces."""
    assert 0 == many.shipways("build").code
    many.file("shipways.toml", CONFIG.replace("echo a >", "echo longer >"))
    machine = built(many.commit(), "1/1", tmp_path / "m")
    ran = merged(many, machine, verb=("build", "--against", str(many.root / "dist" / "manifest.json")))
    assert (0, True) == (ran.code, "1 of another size" in ran.err), ran.err


def test_changed_bytes_do_not_pass(many: Repository, tmp_path: Path) -> None:
    """A byte that changed on the way is refused with the name of its file; dist/ may be where a shard is copied to."""
    machine, end = built(many, "1/1", tmp_path / "m"), Clone(many, tmp_path / "end")
    shutil.copytree(machine.dist, end.dist)
    (end.dist / "a.txt").write_text("A\n")
    ran = merged(end, end)
    assert (3, False) == (ran.code, (end.dist / "manifest.json").exists())
    assert "dist/a.txt: has " in ran.err
    shutil.copy(machine.dist / "a.txt", end.dist)
    assert 0 == merged(end, end).code
    assert (end.dist / "manifest.json").exists()


def test_shard_of_a_real_release(many: Repository, tmp_path: Path) -> None:
    """Shards of a tag are built as the release is; those of a snapshot of other packages are not taken for it."""
    many.file("shipways.toml", CONFIG.replace("[package.a]\n", '[package.a]\ntag = "a-v{version}"\n', 1))
    many.commit().git("tag", "a-v1.0.0")
    (shard,) = (built(many, "1/1", tmp_path / "real", "--publish"),)
    whole = built(many, "1/1", tmp_path / "snapshot")
    assert {"a.txt"} == {path.name for path in shard.dist.glob("?.txt")}
    end = Clone(many, tmp_path / "end")
    words = ("release", "--publish", "--dry-run")
    assert 3 == merged(end, whole, verb=words).code
    ran = merged(end, shard, verb=words)
    assert 0 == ran.code, ran.err
    assert ["a"] == [entry["name"] for entry in json.loads((end.dist / "manifest.json").read_text())["packages"]]


def test_release_that_makes_its_tag(many: Repository, tmp_path: Path) -> None:
    """Shards of a commit that is not tagged yet are planned and built for --create-tag; the tag comes at the end."""
    mirror = tmp_path / "mirror"
    many.file("shipways.toml", f'{CONFIG}[publish.files]\nfolder = "{mirror}"\n')
    many.commit()
    wrong = built(many, "1/1", tmp_path / "snapshot")
    assert ["1/2", "2/2"] == matrix(planner := Clone(many, tmp_path / "plan"), 2, "--publish", "--create-tag")
    assert 3 == planner.shipways("plan", "--json", "--publish").code
    shards = [built(many, f"{k}/2", tmp_path / f"shard{k}", "--publish", "--create-tag") for k in (1, 2)]
    end = Clone(many, tmp_path / "end")
    for name in ("user.name", "user.email"):
        end.git("config", name, "tests@localhost")
    words = ("release", "--publish", "--create-tag")
    assert (3, "") == (merged(end, wrong, verb=words).code, many.git("tag", "--list"))
    ran = merged(end, *shards, verb=words)
    assert 0 == ran.code, ran.err
    assert ("v1.0.0", many.git("rev-parse", "HEAD")) == (many.git("tag", "--list"), many.git("rev-parse", "v1.0.0^{}"))
    assert (end.dist / "a.txt").read_bytes() == (mirror / "many" / "v1.0.0" / "a.txt").read_bytes()


def test_native_target(many: Repository) -> None:
    """A target that is built natively has a shard of its system; here it is skipped, and its shard refused."""
    mac = "aarch64-apple-darwin"
    many.file(
        "shipways.toml",
        f'[project]\nname = "many"\ntargets = ["{mac}"]\n[package.a]\nbuild = "command"\nversion = "1.0.0"\n'
        f'native = ["{mac}"]\ncommand = {{ run = [["true"]], outputs = ["a"], per_target = true }}\n',
    )
    many.commit()
    ran = many.shipways("plan", "--json")
    told = [(each["shard"], each["runner"]) for each in json.loads(ran.out)["shards"]]
    assert [("1/2", "ubuntu-latest"), ("2/2", "macos-latest")] == told
    assert "is built on darwin alone" in many.shipways("plan").out
    refused = many.shipways("build", "--shard", "2/2")
    assert (3, True) == (refused.code, "is for darwin" in refused.err)
    release = many.shipways("release", "--require", "runner")
    assert (3, True) == (release.code, f"builders/a/{mac}: is built on darwin alone" in release.err)
