"""Which engine builds: what was asked for, else what there is."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import pytest

from shipways.adapters.dagger import CLI, RUNNER
from shipways.config.engines import Engine as Table
from shipways.config.load import parse
from shipways.engines import Choice, chosen, has_images
from shipways.errors import PreflightError
from shipways.model.lock import Lock, LockedImage
from shipways.ports import Completed


class Machine:
    """The `Shell` and `Process` of a machine with some programs; `answering` are those that end well."""

    def __init__(self, *programs: str, answering: Sequence[str] = (), **env: str) -> None:
        self._programs = programs
        self._answering = answering
        self._env = env
        self.asked: list[str] = []

    def env(self) -> Mapping[str, str]:
        return self._env

    def cwd(self) -> Path:
        return Path("/nowhere")

    def find(self, program: str) -> tuple[Path, ...]:
        return (Path("/usr/bin", program),) if program in self._programs else ()

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        keep: Sequence[int] = (),
    ) -> Completed:
        self.asked.append(argv[0])
        return Completed(code=0 if argv[0] in self._answering else 1, stdout="", stderr="")


AUTO = Table()


def choice(machine: Machine, table: Table = AUTO, asked: str | None = None, *, locked: bool = True) -> Choice:
    return anyio.run(lambda: chosen(table, asked, machine, machine, locked=locked))


@pytest.mark.parametrize("name", ["host", "dagger"])
def test_named_engine(name: str) -> None:
    """An engine that somebody names is taken as it is, without a look at the machine and without a reason."""
    machine = Machine("docker", answering=("docker",))
    assert Choice(name=name) == choice(machine, asked=name)
    assert Choice(name=name) == choice(machine, Table.model_validate({"use": name}))
    assert [] == machine.asked


def test_asked_comes_before_the_config() -> None:
    """`--engine` overrides `engine.use`, `auto` too."""
    assert Choice(name="host") == choice(Machine(), Table(use="dagger"), "host")
    assert "host" == choice(Machine(), Table(use="dagger"), "auto").name


@pytest.mark.parametrize(
    ("machine", "table"),
    [
        (Machine("dagger", **{RUNNER: "tcp://runner:1234"}), Table()),
        (Machine(**{RUNNER: "tcp://runner:1234", CLI: "/opt/dagger"}), Table()),
        (Machine("dagger"), Table(runners=("tcp://runner:1234",))),
    ],
)
def test_auto_with_a_runner(machine: Machine, table: Table) -> None:
    """A runner that is set is used, and no container engine is asked for."""
    assert Choice(name="dagger", reason="a runner is set") == choice(machine, table)
    assert [] == machine.asked


def test_auto_with_a_runner_and_no_program() -> None:
    """A runner that nothing can speak to is an error: auto neither passes it over nor downloads the program."""
    with pytest.raises(PreflightError, match="no dagger program"):
        choice(Machine(**{RUNNER: "tcp://runner:1234"}))


def test_auto_without_a_program() -> None:
    """Without the dagger program the tools of the machine build, whatever containers there are."""
    machine = Machine("docker", answering=("docker",))
    assert Choice(name="host", reason="no dagger program is on PATH, and no runner is set") == choice(machine)


@pytest.mark.parametrize("program", ["docker", "podman", "nerdctl"])
def test_auto_with_containers(program: str) -> None:
    """With the dagger program and any container engine that answers, containers build."""
    machine = Machine("dagger", "docker", "podman", "nerdctl", answering=(program,))
    reason = "a dagger program is on PATH, and a container engine answers"
    assert Choice(name="dagger", reason=reason) == choice(machine)


def test_auto_where_no_container_engine_answers() -> None:
    """A container engine that is installed but does not answer is none; one that is not installed is not asked."""
    machine = Machine("dagger", "docker")
    assert Choice(name="host", reason="no container engine answers, and no runner is set") == choice(machine)
    assert ["docker"] == machine.asked


def test_auto_without_images() -> None:
    """Nothing can be built in containers whose images are not locked; a runner that is set is meant all the same."""
    machine = Machine("dagger", "docker", answering=("docker",))
    found = choice(machine, locked=False)
    assert ("host", True) == (found.name, "`shipways lock`" in found.reason)
    assert "dagger" == choice(Machine("dagger", **{RUNNER: "tcp://runner:1234"}), locked=False).name


def test_images_that_are_locked() -> None:
    """Those that packages are built in count, and Dockerfiles, which have locked images of their own."""
    config = parse('[project]\nname = "p"\n[package.p]\nbuild = "go"\n', "shipways.toml")
    other = parse('[project]\nname = "p"\n[package.p]\nbuild = "go"\nimage = "./Dockerfile"\n', "shipways.toml")
    locked = LockedImage(name=config.toolchain_image("p"), digest="sha256:0", platforms=())
    assert (False, True, True) == (
        has_images(config, Lock()),
        has_images(config, Lock(images=(locked,))),
        has_images(other, Lock()),
    )
