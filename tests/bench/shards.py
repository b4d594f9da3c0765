"""`nox -s bench -- shards`: what it costs to split a release over several machines, and to put it together."""

import json
import os
import random
import subprocess
from pathlib import Path

from ground import SHIPWAYS, checked, commit, fresh, repository, say
from measure import Cost, best, cost

SIX_TARGETS = 6
PACKAGES = 20
ARTIFACTS = 120
MEGABYTE = 1_000_000
STEPS = 48


def shards(folder: Path) -> None:
    """A plan, a merge, and a matrix of machines whose steps sleep."""
    say("\n### a release by several machines\n\n| | |\n|---|---|")
    root = fresh(folder / "plan")
    plain, split = _plan(root)
    say(f"| plan of {PACKAGES} packages × {SIX_TARGETS} targets, best of 5 | {checked(plain, root)} |")
    say(f"| the same with its shards, for programs (`--json --shards 6`) | {checked(split, root)} |")
    root = fresh(folder / "merge")
    say(f"| merge of {ARTIFACTS} artifacts of 1 MB from 4 machines | {checked(_merge(root), root)} |")
    _matrix(fresh(folder / "matrix"))


def _plan(folder: Path) -> tuple[Cost, Cost]:
    tables = "".join(f'[package.p{n}]\nbuild = "go"\nversion = "1.0.0"\n' for n in range(PACKAGES))
    root = _committed(folder, tables)
    (root / "go.mod").write_text("module example.com/many\n\ngo 1.26\n")
    plain, split = (*SHIPWAYS, "plan", "--engine", "host"), ("--json", "--shards", "6")
    env, log = _env(folder, "plan"), folder / "log"
    return best(5, plain, root, env, log), best(5, (*plain, *split), root, env, log)


def _merge(folder: Path) -> Cost:
    run = f"head -c {MEGABYTE} /dev/zero > $0/f{{n}}; echo {{n}} >> $0/f{{n}}"
    root = _committed(folder, "".join(_command(n, run.replace("{n}", str(n))) for n in range(ARTIFACTS)))
    words = [word for number in range(1, 5) for word in ("--from", str(_shard(folder, root, number, 4)[0] / "dist"))]
    argv = (*SHIPWAYS, "release", "--engine", "host", *words)
    return cost(argv, root, _env(folder, "end"), folder / "log")


def _matrix(folder: Path) -> None:
    """The wall time of the slowest of N machines, each of which is this one while no other runs: steps only sleep.

    Ideal: the seconds that the steps took when one machine made all, shared by what all machines do at once as if steps
    could be cut anywhere, but no less than the longest. What is over it is the start of a process, its plan, and that
    steps cannot be cut.
    """
    dice = random.Random(6)  # noqa: S311 - times, not secrets
    sleeps = [dice.lognormvariate(1.2, 0.5) for _ in range(STEPS)]
    root = _committed(folder, "".join(_command(n, f"sleep {s:.2f}; echo {n} > $0/f{n}") for n, s in enumerate(sleeps)))
    argv = (*SHIPWAYS, "build", "--engine", "host")
    whole = cost(argv, root, _env(folder, "measured"), folder / "log")
    checked(whole, folder)
    seconds, lanes = _seconds(root), os.cpu_count() or 1
    told = f"{STEPS} steps that sleep {min(sleeps):.1f} to {max(sleeps):.1f} s, {sum(seconds.values()):.0f} s in all"
    say(f"\n{told}, on machines that do {lanes} at once\n")
    say("| machines | ideal | wall time of the slowest | over ideal |\n|---|---|---|---|")
    for total in (1, 2, 3, 4, 6):
        made = [_shard(folder, root, number, total)[1].seconds for number in range(1, total + 1)] if total > 1 else []
        ideal, wall = max(sum(seconds.values()) / total / lanes, *seconds.values()), max(made, default=whole.seconds)
        say(f"| {total} | {ideal:.2f} s | {wall:.2f} s | {wall / ideal - 1:+.0%} |")


def _shard(folder: Path, root: Path, number: int, total: int) -> tuple[Path, Cost]:
    """A clone that has made one shard, split by the times of the first run."""
    place = folder / f"{number}-of-{total}"
    subprocess.run(("git", "clone", "--quiet", str(root), str(place)), check=True)
    if (root / "dist" / "ledger.jsonl").exists():
        fresh(place / "dist")
        (place / "dist" / "ledger.jsonl").write_bytes((root / "dist" / "ledger.jsonl").read_bytes())
    argv = (*SHIPWAYS, "build", "--shard", f"{number}/{total}", "--engine", "host")
    found = cost(argv, place, _env(folder, place.name), folder / "log")
    checked(found, folder)
    return place, found


def _command(number: int, script: str) -> str:
    return (
        f'[package.p{number}]\nbuild = "command"\nversion = "1.0.0"\nsbom = false\n'
        f'command = {{ run = [["sh", "-c", "{script}", "{{out}}"]], outputs = ["f{number}"] }}\n'
    )


def _committed(folder: Path, tables: str) -> Path:
    root = repository(folder / "root", None)
    (root / "shipways.toml").write_text(f'[project]\nname = "many"\nsource_archive = false\n{tables}')
    (root / ".gitignore").write_text("dist/\n")
    commit(root)
    return root


def _seconds(root: Path) -> dict[str, float]:
    lines = [json.loads(line) for line in (root / "dist" / "ledger.jsonl").read_text().splitlines()]
    return {line["step"]: line["seconds"] for line in lines}


def _env(folder: Path, name: str) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(folder / f"cache-{name}")}
