"""`nox -s bench`: what shipways costs, beside the tools that are on PATH, in one run.

Prints Markdown; nothing is asserted. Both sides get the same Go, the same five targets, and caches of their own.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import containers
import converge
import crowds
import services
from crashes import crashes
from deploys import deployer, quota
from ground import PROJECTS, SHIPWAYS, checked, commit, repository, say
from kamal import kamal
from measure import best, cost
from shards import shards
from switching import switching
from units import units
from volumes import volumes

FIVE = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
)
GORELEASER = """version: 2
project_name: pulse
builds:
  - env: [CGO_ENABLED=0]
    goos: [linux, darwin, windows]
    goarch: [amd64, arm64]
    ignore: [{goos: windows, goarch: arm64}]
    flags: [-trimpath, -buildvcs=false]
    ldflags: ["-s -w -buildid= -X main.version={{.Version}}"]
archives:
  - formats: [tar.gz]
    format_overrides: [{goos: windows, formats: [zip]}]
"""


def main() -> None:
    """Run the parts that are asked for, by default all."""
    # An installed program has its bytecode; a machine that forbids to write it would measure Python's compiler.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parts: Mapping[str, Callable[[Path], None]] = {
        "pulse": pulse,
        "verbs": verbs,
        "many": many,
        "large": large,
        "containers": containers.go,
        "containers-rust": containers.rust,
        "rerun": converge.rerun,
        "uploads": converge.uploads,
        "push": converge.push,
        "memory": converge.memory,
        "crashes": crashes,
        "shards": shards,
        "images": services.images,
        "services": services.services,
        "daemons": services.daemons,
        "volumes": volumes,
        "deployer": deployer,
        "quota": quota,
        "jobs": crowds.jobs,
        "hosts": crowds.hosts,
        "kamal": kamal,
        "switching": switching,
        "units": units,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    for name in parser.parse_args().parts or parts:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            parts[name](Path(folder))


def pulse(folder: Path) -> None:
    """The release of a Go program for five targets, cold and with nothing changed, against GoReleaser."""
    version = subprocess.run(("go", "env", "GOVERSION"), capture_output=True, text=True, check=True).stdout.strip()
    root = repository(folder / "pulse", PROJECTS / "pulse")
    _configure(root, version.removeprefix("go"))
    commit(root)
    modules = folder / "modules"
    subprocess.run(("go", "mod", "download"), cwd=root, env=_go(modules, folder / "warm"), check=True)
    ours = (*SHIPWAYS, "release", "--snapshot")
    say(f"\n### pulse: {version}, five targets, archives and checksums\n")
    say("| | cold | nothing changed |\n|---|---|---|")
    cache = folder / "cache"
    (cache / "shipways" / "caches").mkdir(parents=True)
    shutil.copytree(modules, cache / "shipways" / "caches" / "go-mod")
    env = {"XDG_CACHE_HOME": str(cache)}
    cold = cost(ours, root, env, folder / "log")
    say(f"| shipways | {checked(cold, folder)} | {checked(best(3, ours, root, env, folder / 'log'), folder)} |")
    theirs = shutil.which("goreleaser")
    if theirs is None:
        say("| goreleaser | not on PATH: `go install github.com/goreleaser/goreleaser/v2@v2.16.0` | |")
        return
    shutil.rmtree(root / "dist")
    argv = (theirs, "release", "--snapshot", "--clean")
    env = {"GOCACHE": str(folder / "gocache"), "GOMODCACHE": str(modules), "GOFLAGS": ""}
    cold = cost(argv, root, env, folder / "log")
    say(f"| goreleaser | {checked(cold, folder)} | {checked(best(3, argv, root, env, folder / 'log'), folder)} |")


def _configure(root: Path, go: str) -> None:
    """The same release for both tools."""
    quoted = ", ".join(f'"{target}"' for target in FIVE)
    (root / "shipways.toml").write_text(
        f'[project]\nname = "pulse"\nsource_archive = false\ntargets = [{quoted}]\n'
        f'[toolchain]\ngo = "{go}"\n[package.pulse]\nbuild = "go"\nsbom = false\n'
    )
    (root / ".goreleaser.yaml").write_text(GORELEASER)
    (root / ".gitignore").write_text("dist/\n")


def verbs(folder: Path) -> None:
    """What a verb costs that builds nothing."""
    root = repository(folder / "pulse", PROJECTS / "pulse")
    (root / "shipways.toml").write_text('[project]\nname = "pulse"\n[package.pulse]\nbuild = "go"\n')
    commit(root)
    env = {"XDG_CACHE_HOME": str(folder / "cache")}
    say("\n### verbs\n\n| | best of 5 |\n|---|---|")
    for words in (("--version",), ("plan",), ("plan", "--json"), ("--help",)):
        found = best(5, (*SHIPWAYS, *words), root, env, folder / "log")
        say(f"| `shipways {' '.join(words)}` | {checked(found, folder)} |")
    (root / "shipways.toml").write_text('[project]\nnme = "pulse"\n')
    found = best(5, (*SHIPWAYS, "release"), root, env, folder / "log")
    say(f"| first error of a wrong config (exit {found.code}) | {found} |")


def many(folder: Path) -> None:
    """How the cost grows with the number of artifacts."""
    say("\n### artifacts of `command` builds, one step each\n\n| artifacts | made | nothing changed |\n|---|---|---|")
    for count in (10, 100, 1000):
        root = repository(folder / str(count), None)
        tables = "".join(
            f'[package.p{n}]\nbuild = "command"\nversion = "1.0.0"\n'
            f'command = {{ run = [["sh", "-c", "echo {n} > $0/f{n}", "{{out}}"]], outputs = ["f{n}"] }}\n'
            for n in range(count)
        )
        (root / "shipways.toml").write_text(f'[project]\nname = "many"\nsource_archive = false\n{tables}')
        (root / ".gitignore").write_text("dist/\n")
        commit(root)
        env = {"XDG_CACHE_HOME": str(folder / f"cache{count}")}
        argv = (*SHIPWAYS, "release")
        cold = cost(argv, root, env, folder / "log")
        say(f"| {count} | {checked(cold, folder)} | {checked(best(2, argv, root, env, folder / 'log'), folder)} |")


def large(folder: Path) -> None:
    """The memory that a 2 GB program takes: archived, hashed, and put into an image."""
    root = repository(folder / "large", None)
    (root / "shipways.toml").write_text(
        '[project]\nname = "large"\nsource_archive = false\ntargets = ["x86_64-unknown-linux-musl"]\n'
        '[package.large]\nbuild = "prebuilt"\nversion = "1.0.0"\nsbom = false\narchive = { format = "tar.zst" }\n'
        '[package.large.prebuilt]\nfiles = { x86_64-unknown-linux-musl = "large.bin" }\n'
        '[image.large]\npackage = "large"\nplatforms = ["linux/amd64"]\n'
    )
    (root / ".gitignore").write_text("dist/\nlarge.bin\n")
    small = root / "small"
    subprocess.run(("go", "build", "-o", str(small), "."), cwd=PROJECTS / "pulse", env=_go(None, None), check=True)
    shutil.move(small, root / "large.bin")
    with (root / "large.bin").open("ab") as stream:
        stream.truncate(2_000_000_000)
    commit(root)
    env = {"XDG_CACHE_HOME": str(folder / "cache")}
    argv = (*SHIPWAYS, "release")
    say("\n### one program of 2 GB: tar.zst and image\n\n| | made | nothing changed |\n|---|---|---|")
    cold = cost(argv, root, env, folder / "log")
    say(f"| shipways | {checked(cold, folder)} | {checked(cost(argv, root, env, folder / 'log'), folder)} |")


def _go(modules: Path | None, cache: Path | None) -> dict[str, str]:
    mine = {"GOMODCACHE": str(modules)} if modules else {}
    return os.environ | mine | ({"GOCACHE": str(cache)} if cache else {}) | {"CGO_ENABLED": "0", "GOFLAGS": ""}


if __name__ == "__main__":
    main()
