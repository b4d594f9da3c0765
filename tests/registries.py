"""Real programs that tests of images need, each started for a test and ended by its process id."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shipways.model.digest import digest_bytes
from shipways.model.oci import INDEX, MANIFEST
from shipways.testing.images import Content, documents
from support import missing, need

_PATIENCE = 30.0
"""Seconds until a program that does not answer counts as broken."""


@dataclass(frozen=True)
class LocalRegistry:
    """Debian's docker-registry on a loopback port. `storage` is where it keeps its blobs."""

    host: str
    storage: Path

    def push(self, name: str, platforms: Mapping[str, Content]) -> None:
        """Push an image by the distribution-spec ("Push"): blobs, manifests, then the index under its tag."""
        repository, _, tag = name.partition("/")[2].partition(":")
        with httpx.Client(base_url=f"http://{self.host}/v2/{repository}/", trust_env=False) as client:
            for content in platforms.values():
                for data in (content.config, *content.layers):
                    place = httpx.URL(client.post("blobs/uploads/").headers["Location"])
                    place = place.copy_merge_params({"digest": digest_bytes(data)})
                    client.put(place, content=data).raise_for_status()
            *manifests, index = documents(platforms)
            for media_type, version, data in (
                *((MANIFEST, digest_bytes(manifest), manifest) for manifest in manifests),
                (INDEX, tag, index),
            ):
                answer = client.put(f"manifests/{version}", content=data, headers={"Content-Type": media_type})
                answer.raise_for_status()

    def spoil(self, digest: str) -> None:
        """Change the bytes of a blob on its disk."""
        algorithm, _, name = digest.partition(":")
        place = next(self.storage.glob(f"docker/registry/v2/blobs/{algorithm}/{name[:2]}/{name}/data"))
        place.write_bytes(bytes(place.stat().st_size))


@contextlib.contextmanager
def local_registry(folder: Path, htpasswd: str = "") -> Iterator[LocalRegistry]:
    """A registry without a password, or with those in a text of htpasswd."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    storage, config = folder / "registry", folder / "registry.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {storage}}}}}\n"
        f"http: {{addr: '{host}'}}\n"
    )
    if htpasswd:
        (folder / "htpasswd").write_text(htpasswd)
        with config.open("a") as stream:
            stream.write(f"auth: {{htpasswd: {{realm: tests, path: {folder / 'htpasswd'}}}}}\n")
    with running(("docker-registry", "serve", str(config)), folder / "registry.log", lambda: _answers(host)):
        yield LocalRegistry(host=host, storage=storage)


@dataclass(frozen=True)
class DockerEngine:
    """A Docker Engine of the test's own. Its containers have no network."""

    host: str

    def docker(self, *words: str) -> str:
        """What a docker command prints."""
        argv = ("docker", "--host", self.host, *words)
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@dataclass
class Asking:
    """The test that asks for an engine, if no marker of it says that it has one: conftest.py tells. A bench is none."""

    unmarked: str = ""


ASKING = Asking()


def need_dockerd() -> None:
    """What `docker_engine` starts is here and may be started, or this is a loud skip, and fails where it is required.

    Whoever works for long before the engine is started asks first. A test without a marker for it fails.
    """
    if ASKING.unmarked:
        pytest.fail(f"{ASKING.unmarked} starts a Docker Engine, so it needs the marker engine or long")
    need("dockerd", "docker")
    if os.geteuid() != 0:
        missing("dockerd", "dockerd needs root: run the tests as root")


@contextlib.contextmanager
def docker_engine() -> Iterator[DockerEngine]:
    """Started with folders and a socket of its own, so that it meets no other one. Needs root."""
    need_dockerd()
    with tempfile.TemporaryDirectory(prefix="sw-docker-", ignore_cleanup_errors=True) as name:
        folder = Path(name)  # a socket's path may have 107 characters, which a test's own folder exceeds
        engine = DockerEngine(f"unix://{folder}/sock")
        argv = ("dockerd", "--host", engine.host, "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec")
        argv += ("--pidfile", f"{folder}/pid", "--bridge=none", "--iptables=false", "--ip6tables=false")
        ready = ("docker", "--host", engine.host, "version")
        with running(argv, folder / "log", lambda: _succeeds(ready)):
            yield engine


@contextlib.contextmanager
def running(
    argv: tuple[str, ...], log: Path, ready: Callable[[], bool], *, env: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that runs until the block ends, with `env` besides our own; what it prints goes to a file."""
    with log.open("wb") as stream:
        process = subprocess.Popen(argv, stdout=stream, stderr=stream, env=os.environ | dict(env or {}))
    try:
        end = time.monotonic() + _PATIENCE
        while not ready():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _succeeds(argv: tuple[str, ...]) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _answers(host: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://{host}/v2/", trust_env=False).status_code in {200, 401}
    return False


def skopeo(*words: str, env: Mapping[str, str] | None = None) -> str:
    """What a skopeo command prints."""
    argv = ("skopeo", "--insecure-policy", *words)
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=120, env=os.environ | dict(env or {})
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
