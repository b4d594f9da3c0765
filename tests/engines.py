"""Real Dagger engines for tests, and a registry with images to build in; the tests start and end them."""

import contextlib
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from registries import LocalRegistry, local_registry, running
from sandbox import Repository
from shipways.adapters.dagger import RUNNER
from shipways.model.digest import digest_bytes
from shipways.testing.images import Content, documents
from support import alone, need

PROGRAMS = ("dagger-engine", "dagger", "dnsmasq", "docker-registry", "ip", "mmdebstrap", "unshare")
PACKAGES = ("ca-certificates", "git", "procps", "python3", "python3-pip", "python3-venv", "python-is-python3")
IMAGES: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    (
        "docker.io/library/golang:1.27.3-bookworm",
        "docker.io/library/buildpack-deps:bookworm-scm",
        "docker.io/library/buildpack-deps:bookworm",
        "docker.io/library/python:3.13-bookworm",
    ),
    PACKAGES,
)
"""The default images of the config, as far as tests use them: none of ours has a compiler, which comes as its wheel."""
RUST: Mapping[str, tuple[str, ...]] = {
    "docker.io/library/rust:1.96.0-bookworm": ("ca-certificates", "git", "rustc-web", "cargo-web", "rust-web-src")
}
"""Debian's compiler, which is the host's too where tests want Rust."""
TINY = "docker.io/library/tiny:1"
"""A shell and little more, for what is not about tools: a fresh engine has it at once."""
AUTHORITIES = Path("/usr/local/share/ca-certificates")
"""Those of this machine besides Debian's: an image of a user who is behind a proxy of the house has them too."""
_TRUST = (
    f'find {AUTHORITIES} -type f -exec cp {{}} "$1{AUTHORITIES}" ";" && chroot "$1" update-ca-certificates >/dev/null'
)
_SHELL = 'cd "$1/bin" && for name in $(./busybox --list); do [ -e $name ] || ln -s busybox $name; done'


@dataclass(frozen=True)
class Engine:
    """A Dagger engine of the test's own. `root` is its folder of layers, volumes and records."""

    address: str
    process: "subprocess.Popen[bytes]"
    root: Path

    def kill(self) -> None:
        """End it as a power failure would."""
        self.process.kill()
        self.process.wait(30)

    def clients(self) -> list[int]:
        """Processes that speak to it."""
        return processes("environ", f"{RUNNER}={self.address}")


@dataclass(frozen=True)
class Containers:
    """An engine, and the registry that it and shipways ask for the images of docker.io."""

    engine: Engine
    registry: LocalRegistry
    digests: Mapping[str, str]

    def digest(self, name: str) -> str:
        """What an image's name stands for."""
        return self.digests[name]

    @property
    def env(self) -> Mapping[str, str]:
        """For shipways: build with this engine."""
        return {
            "SHIPWAYS_ENGINE": "dagger",
            "SHIPWAYS_MIRROR": self.registry.host,
            RUNNER: self.engine.address,
            "DO_NOT_TRACK": "1",
        }


@contextlib.contextmanager
def containers(
    folder: Path, kept: Path, images: Mapping[str, tuple[str, ...]] = IMAGES, more: Mapping[str, Content] | None = None
) -> Iterator[Containers]:
    """A registry with these images of Debian's packages, and an engine; a loud skip where a program is missing.

    `kept` is a folder that stays from one session to the next; `more` are whole images for linux/amd64.
    """
    need(*PROGRAMS)
    with local_registry(folder) as registry:
        made = {packages: {"linux/amd64": debian(kept, packages)} for packages in set(images.values())}
        pushed = {name: made[packages] for name, packages in images.items()}
        pushed[TINY] = {"linux/amd64": tiny(kept, "amd64")}
        pushed |= {name: {"linux/amd64": content} for name, content in (more or {}).items()}
        for name, platforms in pushed.items():
            registry.push(name, platforms)
        digests = {name: digest_bytes(documents(platforms)[-1]) for name, platforms in pushed.items()}
        with dagger_engine(folder, registry.host) as engine:
            yield Containers(engine=engine, registry=registry, digests=digests)


def tiny(kept: Path, arch: str, *packages: str) -> Content:
    """Busybox, and packages. For another architecture than this machine's it has to be registered with binfmt_misc."""
    return debian(kept, ("busybox-static", *packages), "--variant=extract", f"--extract-hook={_SHELL}", arch=arch)


def layer(kept: Path, packages: Sequence[str], *options: str, arch: str = "amd64") -> Path:
    """The files of Debian 12 with these packages (tar and gzip); made once for a folder."""
    options = (*(options or ("--variant=minbase",)), f"--architectures={arch}")
    trusted: list[str] = []
    if "ca-certificates" in packages and AUTHORITIES.is_dir():
        options = (*options, f"--customize-hook={_TRUST}")
        trusted = [digest_bytes(file.read_bytes()) for file in sorted(AUTHORITIES.glob("*.crt"))]
    place = kept / f"{sha256(' '.join((*packages, *options, *trusted)).encode()).hexdigest()[:16]}.tar.gz"
    with alone(kept):
        if not place.exists():
            raw = place.with_suffix("")
            _bootstrap(raw, packages, *options)
            place.write_bytes(gzip.compress(raw.read_bytes(), 1, mtime=0))
            raw.unlink()
    return place


def debian(kept: Path, packages: Sequence[str], *options: str, arch: str = "amd64") -> Content:
    """An image of one layer with these packages."""
    content = layer(kept, packages, *options, arch=arch).read_bytes()
    config = {
        "architecture": arch,
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(gzip.decompress(content)).hexdigest()}"]},
    }
    return Content(config=json.dumps(config).encode(), layers=(content,))


def above(content: Content, layer: bytes, folder: str) -> Content:
    """An image with one more layer (gzip of tar), whose programs in `folder` are first on the PATH."""
    config = json.loads(content.config)
    config["config"]["Env"] = [f"PATH={folder}:{config['config']['Env'][0].removeprefix('PATH=')}"]
    config["rootfs"]["diff_ids"].append(f"sha256:{sha256(gzip.decompress(layer)).hexdigest()}")
    return Content(config=json.dumps(config).encode(), layers=(*content.layers, layer))


def _bootstrap(place: Path, packages: Sequence[str], *options: str) -> None:
    argv = ("mmdebstrap", "--quiet", *options, f"--include={','.join(packages)}", "bookworm", str(place))
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def dagger_engine(
    folder: Path, mirror: str, *, size: str = "", env: Mapping[str, str] | None = None
) -> Iterator[Engine]:
    """An engine with folders, a socket and a network of its own. Needs root.

    `size` bounds its disk ("300m"); `env` are variables of it besides our own. It binds its resolver over
    /etc/resolv.conf, hence the mount namespace; and its containers end with it, as they do where it runs in one itself.
    This machine's authorities are hidden from it: it would run update-ca-certificates in each container, for a second.
    """
    with tempfile.TemporaryDirectory(prefix="sw-dagger-", ignore_cleanup_errors=True) as name:
        own = Path(name)  # a socket's path may have 107 characters, which a test's own folder exceeds
        octet = _free_network()
        network, address, root = f"sw{octet}n", f"unix://{own}/sock", own / "root"
        config = own / "engine.toml"
        config.write_text(f'[registry."docker.io"]\nmirrors = ["{mirror}"]\n[registry."{mirror}"]\nhttp = true\n')
        root.mkdir()
        mounts = f"mount -t tmpfs -o size={size} tmpfs {root} && " if size else ""
        mounts += f"mount -t tmpfs tmpfs {AUTHORITIES} && " if AUTHORITIES.is_dir() else ""
        argv = ("unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc")
        argv += ("sh", "-c", f'{mounts}exec dagger-engine "$@"', "sh")
        argv += ("--config", str(config), "--root", str(root), "--addr", address)
        argv += ("--network-name", network, "--network-cidr", f"10.{octet}.0.0/16")
        said = {**(env or {}), "PATH": f"{_resolver(own)}:{os.environ['PATH']}"}
        try:
            with running(argv, folder / f"{network}.log", (own / "sock").exists, env=said) as process:
                try:
                    yield Engine(address=address, process=process, root=root)
                finally:
                    process.kill()  # it would tidy up for half a minute what is removed here anyway
        finally:
            _tidy(network)


def _resolver(own: Path) -> Path:
    """The folder of a dnsmasq that listens on its engine's bridge, once that is there: by itself it listens everywhere,
    so that a second engine could not."""
    program = own / "bin" / "dnsmasq"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shutil.which("dnsmasq")} --bind-dynamic "$@"\n')
    program.chmod(0o755)
    return program.parent


def processes(where: Literal["cmdline", "environ"], word: str) -> list[int]:
    """Processes that have a word on their command line, or a variable; those in containers too."""
    found = []
    for path in Path("/proc").glob(f"[0-9]*/{where}"):
        with contextlib.suppress(OSError):
            if word.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def started(repository: Repository, verb: str, env: Mapping[str, str]) -> "subprocess.Popen[str]":
    """A verb of shipways in the background."""
    mine = {"XDG_CACHE_HOME": str(repository.cache), "GITHUB_ACTIONS": "", "CI": ""}
    argv = (sys.executable, "-m", "shipways", verb)
    env = os.environ | mine | dict(env)
    return subprocess.Popen(argv, cwd=repository.root, env=env, stderr=subprocess.PIPE, text=True)


def wait_for(condition: Callable[[], object], seconds: float = 40) -> None:
    """Until it is true; fails when it never is."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def _free_network() -> int:
    """The second number of a 10.x.0.0/16 that no interface has: another session may hold some, or a killed one."""
    shown = subprocess.run(("ip", "-4", "-brief", "address"), capture_output=True, text=True, check=True).stdout
    first = os.getpid() % 100
    return next(octet for octet in (100 + (first + step) % 100 for step in range(100)) if f" 10.{octet}." not in shown)


def _tidy(network: str) -> None:
    """An engine leaves its resolver and its bridge behind."""
    pidfile = Path("/run/containers/cni/dnsname", network, "pidfile")
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.kill(int(pidfile.read_text()), signal.SIGTERM)
    subprocess.run(("ip", "link", "delete", f"{network}0"), capture_output=True, check=False)
