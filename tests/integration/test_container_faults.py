"""What goes wrong with containers: a clear error, the right exit code, nothing left, and the next run works."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from engines import TINY, Containers, Engine, dagger_engine, processes, started, wait_for
from imaging import packed, stacked
from sandbox import Ran, Repository
from shipways.adapters.dagger import RUNNER
from shipways.model.digest import digest_bytes
from shipways.testing.images import Content

pytestmark = [pytest.mark.integration, pytest.mark.long]

NOBODY = "127.0.0.1:1"


@pytest.fixture
def project(hello: Repository, containers: Containers) -> Repository:
    """A project whose build is a shell script, with its image locked."""
    in_image(hello, TINY)
    ran = hello.shipways("lock", env=containers.env)
    assert 0 == ran.code, ran.err
    return hello.commit()


def in_image(project: Repository, name: str) -> None:
    """Let it be built there."""
    config = re.sub(r"image = .*\n", "", (project.root / "shipways.toml").read_text())
    project.file("shipways.toml", config.replace('build = "command"', f'build = "command"\nimage = "{name}"'))


def build(project: Repository, containers: Containers, **env: str) -> Ran:
    """`shipways build`, in a minute at most: nothing may hang."""
    return project.shipways("build", env={**containers.env, **env}, timeout=60)


def expect(ran: Ran, code: int, *words: str) -> None:
    """The exit code, every word in the error, and no traceback."""
    assert code == ran.code, ran.err
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err


def nothing_left(project: Repository, engine: Engine) -> None:
    """No process that speaks to the engine, and no folder of a run."""
    assert [] == engine.clients()
    assert [] == list(project.cache.glob("shipways/tmp/*"))


@pytest.mark.parametrize(
    ("address", "why"),
    [("unix:///nonexistent/sock", "No such file or directory"), (f"tcp://{NOBODY}", "127.0.0.1")],
)
def test_no_engine(project: Repository, containers: Containers, address: str, why: str) -> None:
    """Nobody listens: it is told at once, with the address, before the CLI would wait for ten minutes."""
    ran = build(project, containers, **{RUNNER: address})
    expect(ran, 3, f"the Dagger engine {address}: cannot be used", why, "--engine host")
    expect(build(project, containers), 0)


def test_engine_that_is_too_old(project: Repository, containers: Containers, tmp_path: Path) -> None:
    """It is told with its version."""
    with dagger_engine(tmp_path, containers.registry.host, env={"_EXPERIMENTAL_DAGGER_VERSION": "v0.18.0"}) as old:
        ran = build(project, containers, **{RUNNER: old.address})
        expect(ran, 3, f"the Dagger engine {old.address}: cannot be used", "v0.18.0")
        nothing_left(project, old)


def test_unreachable_registry(project: Repository, containers: Containers, tmp_path: Path) -> None:
    """An engine that cannot get the image says which one, and why."""
    with dagger_engine(tmp_path, NOBODY) as engine:
        ran = build(project, containers, SHIPWAYS_MIRROR=NOBODY, **{RUNNER: engine.address})
        expect(ran, 4, f"{NOBODY}/library/tiny", "the Dagger engine cannot run it", "connection refused")
        nothing_left(project, engine)


def test_image_without_the_program(project: Repository, containers: Containers) -> None:
    """The program is named, and where it was looked for."""
    project.file("shipways.toml", (project.root / "shipways.toml").read_text().replace('"sh", ', '"nonesuch", '))
    ran = build(project.commit(), containers)
    expect(ran, 4, "builders/hello: there is no program `nonesuch`", TINY)
    nothing_left(project, containers.engine)


def pushed(project: Repository, containers: Containers, platform: str, content: Content) -> None:
    """Give the build an image of its own, locked."""
    name = f"docker.io/library/tools:{platform.partition('/')[2]}-{digest_bytes(content.config)[7:15]}"
    containers.registry.push(name, {platform: content})
    in_image(project, name)
    ran = project.shipways("lock", env=containers.env)
    assert 0 == ran.code, ran.err
    project.commit()


def test_image_without_a_shell(project: Repository, containers: Containers) -> None:
    """An image that cannot be asked what it has is told so."""
    pushed(project, containers, "linux/amd64", stacked(packed({"etc/os-release": b""})))
    expect(build(project, containers), 4, "library/tools", "needs a shell")
    nothing_left(project, containers.engine)


def test_image_for_another_platform(project: Repository, containers: Containers) -> None:
    """An image that has none for this machine: nothing is emulated in silence."""
    pushed(project, containers, "linux/arm64", stacked(packed({"etc/os-release": b""}), arch="arm64"))
    expect(build(project, containers), 4, "library/tools", "linux/amd64")
    nothing_left(project, containers.engine)


def script(project: Repository, *lines: str) -> None:
    """Another build."""
    project.file("build.sh", "\n".join((*lines, 'echo made > "$1/hello.txt"', "")))
    project.commit()


def test_hanging_step(project: Repository, containers: Containers) -> None:
    """A step that does not end within engine.timeout is ended, in its container too."""
    project.file("shipways.toml", (project.root / "shipways.toml").read_text() + '\n[engine]\ntimeout = "4s"\n')
    script(project, "sleep 71.25")
    expect(build(project, containers), 4, "builders/hello: has not ended after 4 s", "engine.timeout")
    nothing_left(project, containers.engine)
    gone("71.25")


def test_interrupt(project: Repository, containers: Containers) -> None:
    """Ctrl-C: exit 130, the container ends, and the next run works."""
    script(project, "sleep 72.25")
    run = started(project, "build", containers.env)
    wait_for(lambda: processes("cmdline", "72.25"))
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=30)
    assert 130 == run.returncode, err
    assert "interrupted" in err
    nothing_left(project, containers.engine)
    gone("72.25")
    script(project)
    expect(build(project, containers), 0)


def test_engine_dies(project: Repository, containers: Containers, tmp_path: Path) -> None:
    """The only engine dies in the middle of a step: the build fails and names it."""
    script(project, "sleep 73.25")
    with dagger_engine(tmp_path, containers.registry.host) as engine:
        run = started(project, "build", {**containers.env, RUNNER: engine.address})
        wait_for(lambda: processes("cmdline", "73.25"))
        engine.kill()
        _, err = run.communicate(timeout=60)
        assert 4 == run.returncode, err
        assert f"the Dagger engine {engine.address}: is gone" in err
        assert "run the same command again" in err
        nothing_left(project, engine)
        gone("73.25")
    script(project)
    expect(build(project, containers), 0)


def test_full_disk_of_the_engine(project: Repository, containers: Containers, tmp_path: Path) -> None:
    """It is told as such; with room on the disk, the same engine builds again."""
    script(project, "dd if=/dev/zero of=/big bs=1M count=500")
    with dagger_engine(tmp_path, containers.registry.host, size="300m") as engine:
        own = {RUNNER: engine.address}
        expect(build(project, containers, **own), 4, "builders/hello", "make room on its disk")
        nothing_left(project, engine)
        mount = ("nsenter", "--mount", "--target", str(engine.process.pid), "mount")
        subprocess.run((*mount, "-o", "remount,size=2g", str(engine.root)), check=True)
        script(project)
        expect(build(project, containers, **own), 0)


def gone(mark: str) -> None:
    """No process of a container has this word, once the engine has noticed that nobody waits for it."""
    wait_for(lambda: not processes("cmdline", mark), seconds=10)
