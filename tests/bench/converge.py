"""What publishing costs: a release that is complete, bytes on their way, and memory."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from buckets import LOGIN, moto
from ground import PROJECTS, SHIPWAYS, checked, commit, repository, say
from measure import best, cost
from places import REPOSITORY, TOKEN, api, forge, random_files, traffic
from registries import LocalRegistry, local_registry
from shipways.testing.images import Content

CLIENTS = Path(__file__).parent / "clients.py"
ASSETS = 60
ROUNDS = 3
BOTH = ("linux/amd64", "linux/arm64")


def rerun(folder: Path) -> None:
    """A release that is complete, run again, with every request so far away."""
    files = " ".join(f"f{number}.txt" for number in range(ASSETS - 2))  # with the sums and the manifest they are 60
    script = f'for name in {files}; do echo $name > \\"$0/$name\\"; done'
    say(f"\n### a complete release of {ASSETS} assets, run again\n")
    say("| latency | best of 3 | requests of one |\n|---|---|---|")
    for latency in (0, 50):
        root = repository(folder / f"{latency}", None)
        (root / ".gitignore").write_text("dist/\n")
        env = {"XDG_CACHE_HOME": str(folder / f"cache-{latency}"), "SHIPWAYS_ENGINE": "host", "GH_TOKEN": TOKEN}
        with forge(latency / 1000) as url:
            (root / "shipways.toml").write_text(
                f'[project]\nname = "demo"\nrepository = "{REPOSITORY}"\nsource_archive = false\n'
                f'[package.demo]\nbuild = "command"\nversion = "0.1.0"\n'
                f'command = {{ run = [["sh", "-c", "{script}", "{{out}}"]], outputs = ["*.txt"] }}\n'
                f'[publish.github]\napi = "{api(url)}"\n'
            )
            commit(root)
            argv = (*SHIPWAYS, "release", "--publish")
            checked(cost(argv, root, env, folder / "log"), folder)
            traffic(url)
            checked(cost(argv, root, env, folder / "log"), folder)
            asked = traffic(url)
            say(f"| {latency} ms | {checked(best(3, argv, root, env, folder / 'log'), folder)} | {asked} |")


def uploads(folder: Path) -> None:
    """Many files to a forge and to a registry, beside the bare requests, to the same servers by the same client."""
    data = folder / "data"
    size = sum(path.stat().st_size for path in random_files(data, ASSETS, 10_000_000)) / 1e6
    say(f"\n### {ASSETS} files of 10 MB, best of {ROUNDS}\n")
    say("| to | shipways | bare requests | reached |\n|---|---|---|---|")
    with forge() as url, local_registry(folder) as registry:
        for place in ("forge", "registry"):
            seconds: dict[str, float] = {}
            for number in range(ROUNDS):
                for side in ("raw", "ours"):
                    address = url if place == "forge" else f"{registry.host}/{side}/{number}"
                    seconds[side] = min(seconds.get(side, 1e9), _sent(place, side, address, data))
            ours, raw = size / seconds["ours"], size / seconds["raw"]
            say(f"| {place} | {ours:.0f} MB/s | {raw:.0f} MB/s | {ours / raw * 100:.0f} % |")


def push(folder: Path) -> None:
    """An image for two platforms pushed with nothing changed, beside ko."""
    version = subprocess.run(("go", "env", "GOVERSION"), capture_output=True, text=True, check=True).stdout.strip()
    say(
        f"\n### pulse for {' and '.join(BOTH)}, to a registry, nothing changed: {version}\n\n| | best of 5 |\n|---|---|"
    )
    with local_registry(folder) as registry:
        root = repository(folder / "pulse", PROJECTS / "pulse")
        (root / "shipways.toml").write_text(
            f'[project]\nname = "pulse"\nsource_archive = false\n'
            f'targets = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"]\n'
            f'[toolchain]\ngo = "{version.removeprefix("go")}"\n'
            f'[package.pulse]\nbuild = "go"\nversion = "0.1.0"\nsbom = false\n'
            f'[image.pulse]\npackage = "pulse"\nbase = "scratch"\nrepositories = ["{registry.host}/ours/pulse"]\n'
            f"[publish.registry]\n"
        )
        (root / ".gitignore").write_text("dist/\n")
        commit(root)
        _pushed(
            "shipways",
            (*SHIPWAYS, "release", "--publish"),
            root,
            {"XDG_CACHE_HOME": str(folder / "cache"), "SHIPWAYS_ENGINE": "host"},
            folder,
        )
        theirs = shutil.which("ko")
        if theirs is None:
            say("| ko | not on PATH: `go install github.com/google/ko@latest` |")
            return
        env = {
            "KO_DOCKER_REPO": f"{registry.host}/theirs/pulse",
            "KO_DEFAULTBASEIMAGE": _base(registry),
            "DOCKER_CONFIG": str(folder),
            "CGO_ENABLED": "0",
            "GOFLAGS": "",
        }
        argv = (theirs, "build", "--bare", "--sbom=none", f"--platform={','.join(BOTH)}", "--tags=latest,0.1.0", ".")
        _pushed("ko", argv, root, env, folder)


def _pushed(name: str, argv: tuple[str, ...], root: Path, env: Mapping[str, str], folder: Path) -> None:
    checked(cost(argv, root, env, folder / "log"), folder)
    say(f"| {name} | {checked(best(5, argv, root, env, folder / 'log'), folder)} |")


def _base(registry: LocalRegistry) -> str:
    """An empty image: what ko builds on must be in a registry."""
    config = '{"os":"linux","architecture":"%s","rootfs":{"type":"layers","diff_ids":[]}}'
    name = f"{registry.host}/base:latest"
    registry.push(name, {each: Content(config=(config % each[6:]).encode(), layers=()) for each in BOTH})
    return name


def memory(folder: Path) -> None:
    """The peak of the process that sends one file, small and of 2 GB."""
    say("\n### memory while one file is sent\n\n| to | 1 MB | 2 GB |\n|---|---|---|")
    with forge() as url, local_registry(folder) as registry, moto(folder) as s3:
        for place in ("forge", "registry", "bucket"):
            found = []
            for size in (1_000_000, 2_000_000_000):
                data = folder / f"{place}-{size}"
                random_files(data, 1, size)
                table = s3.bucket()
                address = {"forge": url, "registry": f"{registry.host}/m/{size}", "bucket": f"{s3.url} {table.folder}"}
                argv = (sys.executable, str(CLIENTS), place, "ours", address[place], str(data))
                found.append(checked(cost(argv, Path.cwd(), LOGIN, folder / "log"), folder))
                shutil.rmtree(data)
            say(f"| {place} | {' | '.join(found)} |")


def _sent(place: str, side: str, address: str, data: Path) -> float:
    argv = (sys.executable, str(CLIENTS), place, side, address, str(data))
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout)
