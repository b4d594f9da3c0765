"""`nox -s bench -- shards`: what it costs to split a release over several machines, and to put it together."""

import json
import random
import subprocess
from pathlib import Path

from ground import SHIPWAYS, checked, commit, fresh, repository, say
from measure import Cost, best, cost

SIX_TARGETS = 6
PACKAGES = 20
ARTIFACTS = 120
MEGABYTE = 1_000_000


def shards(folder: Path) -> None:
    """A plan, a merge, and a matrix whose steps sleep for as long as they were measured."""
    say("\n### a release by several machines\n\n| | |\n|---|---|")
    root = fresh(folder / "plan")
    say(f"| plan of {PACKAGES} packages × {SIX_TARGETS} targets, best of 5 | {checked(_plan(root), root)} |")
    root = fresh(folder / "merge")
    say(f"| merge of {ARTIFACTS} artifacts of 1 MB from 4 machines | {checked(_merge(root), root)} |")
    _matrix(fresh(folder / "matrix"))


def _plan(folder: Path) -> Cost:
    tables = "".join(f'[package.p{n}]\nbuild = "go"\nversion = "1.0.0"\n' for n in range(PACKAGES))
    root = _committed(folder, tables)
    (root / "go.mod").write_text("module example.com/many\n\ngo 1.26\n")
    argv = (*SHIPWAYS, "plan", "--json", "--shards", "6", "--engine", "host")
    return best(5, argv, root, _env(folder, "plan"), folder / "log")


def _merge(folder: Path) -> Cost:
    run = f"head -c {MEGABYTE} /dev/zero > $0/f{{n}}; echo {{n}} >> $0/f{{n}}"
    root = _committed(folder, "".join(_command(n, run.replace("{n}", str(n))) for n in range(ARTIFACTS)))
    words = [word for number in range(1, 5) for word in ("--from", str(_shard(folder, root, number, 4)[0] / "dist"))]
    argv = (*SHIPWAYS, "release", "--engine", "host", *words)
    return cost(argv, root, _env(folder, "end"), folder / "log")


def _matrix(folder: Path) -> None:
    """Ideal: the seconds of all steps, shared by the machines as if they could be cut anywhere."""
    dice = random.Random(6)  # noqa: S311 - times, not secrets
    sleeps = [dice.lognormvariate(0, 0.7) for _ in range(24)]
    root = _committed(folder, "".join(_command(n, f"sleep {s:.2f}; echo {n} > $0/f{n}") for n, s in enumerate(sleeps)))
    argv = (*SHIPWAYS, "release", "--engine", "host")
    checked(cost(argv, root, _env(folder, "measured"), folder / "log"), folder)
    seconds = _seconds(root)
    say(f"\n{len(sleeps)} steps of {min(sleeps):.1f} to {max(sleeps):.1f} s, {sum(seconds.values()):.0f} s in all\n")
    say("| machines | ideal | longest shard, by its steps | over ideal | its process, two steps at once |")
    say("|---|---|---|---|---|")
    for total in (2, 3, 4, 6):
        made = [_shard(folder, root, number, total) for number in range(1, total + 1)]
        loads = [sum(_seconds(place)[step] for step in _steps(place)) for place, _ in made]
        ideal, wall = sum(loads) / total, max(loads)
        process = max(found.seconds for _, found in made)
        say(f"| {total} | {ideal:.2f} s | {wall:.2f} s | {wall / ideal - 1:+.0%} | {process:.2f} s |")


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


def _steps(root: Path) -> list[str]:
    (record,) = (root / "dist").glob("shard-*.json")
    return [step["id"] for step in json.loads(record.read_text())["steps"]]


def _seconds(root: Path) -> dict[str, float]:
    lines = [json.loads(line) for line in (root / "dist" / "ledger.jsonl").read_text().splitlines()]
    return {line["step"]: line["seconds"] for line in lines}


def _env(folder: Path, name: str) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(folder / f"cache-{name}")}
