"""Images of a real program, read, loaded and run by the tools that users have."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from imaging import packed, stacked
from registries import DockerEngine, LocalRegistry, docker_engine, local_registry, skopeo
from sandbox import Repository
from shipways.config.lockfile import render_lock
from shipways.model.lock import Lock
from shipways.wire import images
from support import need

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PULSE = Path(__file__).parent.parent / "projects" / "pulse"
CONFIG = """
[project]
name = "pulse"
source_archive = false

[package.pulse]
build = "prebuilt"
version = "0.2.0"
sbom = false

[package.pulse.prebuilt.files]
x86_64-unknown-linux-musl = "bin/amd64/pulse"
aarch64-unknown-linux-gnu = "bin/arm64/pulse"

[image.pulse]
package = "pulse"
repositories = ["example.com/team/pulse"]
ports = [8080]
volumes = ["/data"]
env = { PULSE_ADDR = "127.0.0.1:8080" }
command = ["serve"]
budget = "12 MB"

[image.pulse.healthcheck]
test = ["/usr/local/bin/pulse", "check", "http://127.0.0.1:8080/health"]
interval = "1s"
start_period = "1s"
"""


@dataclass(frozen=True)
class Released:
    """A repository after `shipways release`."""

    repository: Repository
    manifest: dict[str, list[dict[str, object]]]

    @property
    def dist(self) -> Path:
        return self.repository.root / "dist"

    @property
    def version(self) -> str:
        return str(self.manifest["packages"][0]["version"])

    @property
    def layout(self) -> str:
        """The image as skopeo names it."""
        return f"oci:{self.dist}/images/pulse:{self.version}"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pulse for both platforms, by the Go of this machine."""
    need("go")
    folder = tmp_path_factory.mktemp("programs")
    for arch in ("amd64", "arm64"):
        env = os.environ | {"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": arch, "GOTOOLCHAIN": "local"}
        argv = ("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version=0.2.0")
        subprocess.run((*argv, "-o", f"{folder}/{arch}/pulse", "."), cwd=PULSE, env=env, check=True)
    return folder


def release(folder: Path, programs: Path, config: str = CONFIG, *, lock: bool = False) -> Released:
    """Commit, lock where asked, release, read the manifest."""
    repository = Repository(folder / "repository", folder / "cache")
    repository.file("shipways.toml", config)
    shutil.copytree(programs, repository.root / "bin")
    repository.commit()
    if lock:
        locked = repository.shipways("lock")
        assert 0 == locked.code, locked.err
        repository.commit()
    ran = repository.shipways("release", "--require", "all")
    assert 0 == ran.code, ran.err
    return Released(repository, json.loads((repository.root / "dist" / "manifest.json").read_text()))


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory, programs: Path) -> Released:
    """The image of pulse on scratch."""
    return release(tmp_path_factory.mktemp("pulse"), programs)


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerEngine]:
    """A Docker Engine of our own."""
    with docker_engine() as engine:
        yield engine


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[LocalRegistry]:
    """A registry on this machine."""
    need("docker-registry")
    with local_registry(tmp_path) as started:
        yield started


def test_skopeo_reads_the_layout(pulse: Released) -> None:
    """skopeo finds the index under the version, both platforms, and the digest that the manifest names."""
    need("skopeo")
    index = json.loads(skopeo("inspect", "--raw", pulse.layout))
    assert ["amd64", "arm64"] == [entry["platform"]["architecture"] for entry in index["manifests"]]
    arm = json.loads(skopeo("--override-arch", "arm64", "inspect", pulse.layout))
    assert ("arm64", pulse.version) == (arm["Architecture"], arm["Labels"]["org.opencontainers.image.version"])
    (image,) = [a for a in pulse.manifest["artifacts"] if a["kind"] == "image"]
    assert image["path"] == f"images/pulse/blobs/{str(image['digest']).replace(':', '/')}"


def test_skopeo_pushes_every_byte(pulse: Released, registry: LocalRegistry) -> None:
    """A real registry accepts the whole index, and keeps its digest."""
    need("skopeo")
    name = f"{registry.host}/pulse:1"
    skopeo("copy", "--all", "--dest-tls-verify=false", pulse.layout, f"docker://{name}")

    async def ask() -> str:
        return (await images("").resolve(name)).digest

    (image,) = [a for a in pulse.manifest["artifacts"] if a["kind"] == "image"]
    assert image["digest"] == anyio.run(ask)


def test_skopeo_copies_into_docker(pulse: Released, docker: DockerEngine) -> None:
    """The README's command: from the layout into a Docker Engine, where the program runs."""
    need("skopeo")
    skopeo("copy", "--dest-daemon-host", docker.host, pulse.layout, "docker-daemon:pulse:copied")
    assert "pulse 0.2.0" == docker.docker("run", "--rm", "--network", "none", "pulse:copied", "--version")


def test_docker_loads_and_runs_it(pulse: Released, docker: DockerEngine) -> None:
    """`docker load` gives it its names; it serves as its user, is found healthy, and stops on SIGTERM."""
    archive = pulse.dist / f"pulse-{pulse.version}-linux-amd64.docker.tar"
    name = f"example.com/team/pulse:{pulse.version}"
    assert f"Loaded image: {name}" == docker.docker("load", "--quiet", "--input", str(archive)).splitlines()[-1]
    container = docker.docker("run", "--detach", "--network", "none", name)
    end = time.monotonic() + 30
    while "healthy" != (told := docker.docker("inspect", "--format", "{{.State.Health.Status}}", container)):
        assert time.monotonic() < end, told
        time.sleep(0.2)
    told = json.loads(docker.docker("inspect", container))[0]
    assert ("65532:65532", "1s") == (told["Config"]["User"], f"{told['Config']['Healthcheck']['Interval'] // 10**9}s")
    docker.docker("stop", container)
    assert "0" == docker.docker("inspect", "--format", "{{.State.ExitCode}}", container)


def test_arm64_runs_under_qemu(pulse: Released, tmp_path: Path) -> None:
    """The other platform's layer has the other program."""
    need("skopeo", "qemu-aarch64-static")
    skopeo("--override-arch", "arm64", "copy", pulse.layout, f"dir:{tmp_path}/arm")
    manifest = json.loads((tmp_path / "arm" / "manifest.json").read_text())
    layer = tmp_path / "arm" / manifest["layers"][-1]["digest"].removeprefix("sha256:")
    subprocess.run(("tar", "-xzf", layer, "-C", tmp_path, "usr/local/bin/pulse"), check=True)
    argv = ("qemu-aarch64-static", f"{tmp_path}/usr/local/bin/pulse", "--version")
    assert "pulse 0.2.0\n" == subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_second_folder_gives_the_same_digest(pulse: Released, programs: Path, tmp_path: Path) -> None:
    """Another folder, another store, the same bytes."""
    other = release(tmp_path, programs)
    assert pulse.manifest == other.manifest


def test_on_a_base_image(registry: LocalRegistry, programs: Path, docker: DockerEngine, tmp_path: Path) -> None:
    """Locked, fetched by digest, built upon and run; without its registry it is built again from the store."""
    need("skopeo")
    shared = packed({"etc/base": b"a base\n"})
    base = {
        f"linux/{arch}": stacked(shared, packed({arch: b"x"}), arch=arch, Env=["A=b"]) for arch in ("amd64", "arm64")
    }
    name = f"{registry.host}/base:1"
    registry.push(name, base)
    config = CONFIG.replace('package = "pulse"\n', f'package = "pulse"\nbase = "{name}"\n', 1)
    built = release(tmp_path, programs, config, lock=True)
    skopeo("copy", "--dest-daemon-host", docker.host, built.layout, "docker-daemon:pulse:based")
    assert "pulse 0.2.0" == docker.docker("run", "--rm", "--network", "none", "pulse:based", "--version")
    assert "a base" == copied(docker, "pulse:based", "/etc/base", tmp_path)
    assert "A=b" in docker.docker("inspect", "--format", "{{.Config.Env}}", "pulse:based")
    shutil.rmtree(registry.storage)
    built.repository.file("shipways.toml", config + '\n[image.pulse.labels]\nteam = "a"\n')
    assert 0 == built.repository.shipways("release", "--require", "all").code


def copied(docker: DockerEngine, image: str, path: str, folder: Path) -> str:
    """The text of a file in an image."""
    container = docker.docker("create", image)
    docker.docker("cp", f"{container}:{path}", str(folder / "copied"))
    return (folder / "copied").read_text().strip()


def test_unreachable_base_skips_a_snapshot_only(registry: LocalRegistry, programs: Path, tmp_path: Path) -> None:
    """Offline, a snapshot goes on without the image and says why; `--require image` exits 4."""
    name = f"{registry.host}/base:1"
    registry.push(name, {"linux/amd64": stacked(packed({"a": b"b"}))})

    async def lock() -> str:
        text = render_lock(Lock(images=(await images("").resolve(name),)))
        return text.replace(registry.host, "127.0.0.1:1")

    repository = Repository(tmp_path / "repository", tmp_path / "cache")
    config = CONFIG.replace(
        'package = "pulse"\n', 'package = "pulse"\nplatforms = ["linux/amd64"]\nbase = "127.0.0.1:1/base:1"\n', 1
    )
    repository.file("shipways.toml", config)
    repository.file("shipways.lock", anyio.run(lock))
    shutil.copytree(programs, repository.root / "bin")
    repository.commit()
    ran = repository.shipways("release", "--log", "plain")
    assert 0 == ran.code, ran.err
    assert "127.0.0.1:1/base cannot be fetched: " in ran.err
    assert 4 == repository.shipways("release", "--require", "image").code


BIG = """
import sys
from pathlib import Path
import imaging

class Huge(imaging.Program):
    async def run(self, world, inbox):
        path = inbox.scratch / "pulse"
        with path.open("wb") as stream:
            block = bytes(range(256)) * 4096
            for number in range(2048):
                stream.write(number.to_bytes(4, "big") + block[4:])
        return (imaging.Output(name="pulse", kind=imaging.Kind.BINARY, path=path, linkage=self.linkage),)

imaging.Program = Huge
bench = imaging.Bench(Path(sys.argv[1]))
project = imaging.PROJECT.replace(', "aarch64-unknown-linux-gnu"', "")
assert bench.release('platforms = ["linux/amd64"]\\n', project=project).artifacts
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(status["VmHWM"].split()[0]) // 1024)
"""


@pytest.mark.long
def test_two_gigabytes_in_flat_memory(tmp_path: Path) -> None:
    """A program of 2 GB becomes a layer, an image and an archive in less than 150 MB of memory.

    The peak is the kernel's of this program alone: getrusage would begin with that of the tests, which start it.
    """
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(
        (sys.executable, "-c", BIG, str(tmp_path)), capture_output=True, text=True, check=True, env=env
    )
    assert 150 > int(done.stdout)
