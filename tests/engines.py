"""Real Dagger engines for tests, and a registry with images to build in; the tests start and end them."""

import contextlib
import gzip
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from registries import LocalRegistry, local_registry, running
from shipways.model.digest import digest_bytes
from shipways.testing.images import Content, documents
from support import need

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


@dataclass(frozen=True)
class Engine:
    """A Dagger engine of the test's own."""

    address: str
    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """End it as a power failure would."""
        self.process.kill()
        self.process.wait(30)


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
            "_EXPERIMENTAL_DAGGER_RUNNER_HOST": self.engine.address,
            "DO_NOT_TRACK": "1",
        }


@contextlib.contextmanager
def containers(folder: Path, kept: Path, images: Mapping[str, tuple[str, ...]] = IMAGES) -> Iterator[Containers]:
    """A registry with these images of Debian's packages, and an engine; a loud skip where a program is missing.

    `kept` is a folder that stays from one session to the next.
    """
    need(*PROGRAMS)
    with local_registry(folder) as registry:
        made = {packages: {"linux/amd64": debian(kept, packages)} for packages in set(images.values())}
        for name, packages in images.items():
            registry.push(name, made[packages])
        digests = {name: digest_bytes(documents(made[packages])[-1]) for name, packages in images.items()}
        with dagger_engine(folder, registry.host) as engine:
            yield Containers(engine=engine, registry=registry, digests=digests)


def debian(kept: Path, packages: Sequence[str]) -> Content:
    """Debian 12 with these packages, as the one layer of an image for this machine; made once for a folder."""
    place = kept / f"{sha256(' '.join(packages).encode()).hexdigest()[:16]}.tar.gz"
    if not place.exists():
        raw = place.with_suffix("")
        _bootstrap(raw, packages)
        place.write_bytes(gzip.compress(raw.read_bytes(), 1, mtime=0))
        raw.unlink()
    layer = place.read_bytes()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(gzip.decompress(layer)).hexdigest()}"]},
    }
    return Content(config=json.dumps(config).encode(), layers=(layer,))


def _bootstrap(place: Path, packages: Sequence[str]) -> None:
    argv = ("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}", "bookworm", str(place))
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def dagger_engine(folder: Path, mirror: str) -> Iterator[Engine]:
    """An engine with folders, a socket and a network of its own. Needs root.

    It binds its resolver over /etc/resolv.conf, hence the mount namespace; and its dnsmasq would listen everywhere, so
    that a second engine could not.
    """
    with tempfile.TemporaryDirectory(prefix="sw-dagger-", ignore_cleanup_errors=True) as name:
        own = Path(name)  # a socket's path may have 107 characters, which a test's own folder exceeds
        octet = _free_network()
        network = f"sw{octet}n"
        config = own / "engine.toml"
        config.write_text(f'[registry."docker.io"]\nmirrors = ["{mirror}"]\n[registry."{mirror}"]\nhttp = true\n')
        address = f"unix://{own}/sock"
        argv = ("unshare", "--mount", "--propagation", "private", "dagger-engine", "--config", str(config))
        argv += ("--root", f"{own}/root", "--addr", address)
        argv += ("--network-name", network, "--network-cidr", f"10.{octet}.0.0/16")
        dnsmasq = own / "bin" / "dnsmasq"
        dnsmasq.parent.mkdir()
        dnsmasq.write_text(f'#!/bin/sh\nexec {shutil.which("dnsmasq")} --bind-dynamic "$@"\n')
        dnsmasq.chmod(0o755)
        path = {"PATH": f"{dnsmasq.parent}:{os.environ['PATH']}"}
        with running(argv, folder / f"{network}.log", (own / "sock").exists, env=path) as process:
            try:
                yield Engine(address=address, process=process)
            finally:
                process.kill()  # it would tidy up for half a minute what is removed here anyway
                _tidy(network)


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
