"""A build as a shell script: what the engine of containers is given, and what its answer means."""

import shlex
from dataclasses import replace
from typing import Any

import pytest

from shipways.adapters.dagger.script import Plan
from shipways.model.build import CLOSED, Build
from shipways.model.source import SourceTree

ROOT = "/tmp/shipways/0123"
BUILD = Build(
    name="builders/pulse",
    image="docker.io/library/golang:1.27.3",
    tools=(),
    source=SourceTree(files=()),
    commands=(("sh", "-c", "echo 'it is' $0; exit 3", "{out}"), ("{tool:go}/go", "build", "a b")),
    outputs=("*",),
)
PLAN = Plan(
    build=BUILD,
    root=ROOT,
    places={"out": f"{ROOT}/out", "home": f"{ROOT}/home", "tool:go": "/opt/go folder"},
    path=("/opt/go folder", "/opt/$x"),
    env={"GOPROXY": "https://proxy.example,direct"},
)


def plan(**changes: Any) -> Plan:
    """The plan of the build with these changes of it."""
    return replace(PLAN, build=replace(BUILD, **changes))


def words(script: str) -> list[str]:
    """The words of the one command of `outer`."""
    return shlex.split(script.partition("&& exec ")[2])


def inner(script: Plan) -> list[str]:
    return script.inner().splitlines()


def test_commands_keep_their_words() -> None:
    """Each command is quoted as a whole after its placeholders are filled, whatever is in it."""
    lines = [line.partition(" 2>&1 || ")[0] for line in inner(PLAN) if " 2>&1 || " in line]
    assert [
        ["sh", "-c", "echo 'it is' $0; exit 3", f"{ROOT}/out"],
        ["/opt/go folder/go", "build", "a b"],
    ] == [shlex.split(line) for line in lines]


def test_environment_is_the_build_s_alone() -> None:
    """The inner script begins with nothing but what the build says, and the fetching and fixed variables."""
    made = words(plan(env=(("GREETING", "it's $HOME {out}"), ("TZ", "CET"))).outer())
    assert ["env", "-i"] == made[:2]
    assert ["/bin/sh", f"{ROOT}/inner.sh"] == made[-2:]
    assert [
        "GOPROXY=https://proxy.example,direct",
        f"HOME={ROOT}/home",
        f"TMPDIR={ROOT}/tmp",
        "LANG=C.UTF-8",
        "TZ=CET",
        f"GREETING=it's $HOME {ROOT}/out",
    ] == made[-8:-2]


def test_path_is_before_that_of_the_image() -> None:
    """The folders of the tools come first, quoted; then what the image has, which only the shell knows."""
    assert """PATH='/opt/go folder':'/opt/$x':"$PATH" """ in PLAN.outer()
    assert "PATH=/" not in PLAN.inner()


def test_path_of_a_closed_build() -> None:
    """A build that names its PATH has that around its commands alone; our own lines keep the image's."""
    lines = inner(replace(plan(env=(CLOSED,)), before=("prepare",), after=("keep",)))
    assert ["prepare", "image=$PATH", f"PATH={ROOT}/home/bin"] == lines[2:5]
    assert ["PATH=$image", "keep"] == lines[-2:]
    assert not any(word.startswith(f"PATH={ROOT}") for word in words(plan(env=(CLOSED,)).outer()))


def test_proxies_are_the_engine_s() -> None:
    """A proxy is passed on only where the engine has one, and keeps its blanks."""
    assert '${https_proxy:+"https_proxy=$https_proxy"}' in PLAN.outer()


def test_secrets_are_read_where_they_are_needed() -> None:
    """The script names the file of a secret; it has no value that it could tell."""
    assert 'TOKEN="$(cat /run/secrets/TOKEN)"' in plan(secrets=("TOKEN",)).outer()


def test_output_of_the_last_command() -> None:
    """What the last command prints goes to the file of the build; the others print."""
    ran = [line for line in inner(plan(stdout="said here.txt")) if " || { code=" in line]
    assert f" > '{ROOT}/out/said here.txt' || " in ran[1]
    assert " 2>&1 || " in ran[0]


def test_workdir_is_in_the_source() -> None:
    """The commands begin in their folder of the source."""
    assert f"cd '{ROOT}/src/a b' || exit 1" in inner(plan(workdir="a b"))


def test_backend_is_the_build_s_alone() -> None:
    """Build requirements go into an environment of the build, by their hashes; without any there is none."""
    made = plan(requirements=("hatchling==1.0 --hash=sha256:00",)).inner()
    assert f'-m venv --without-pip {ROOT}/home/venv >&2 || exit 1\n"$python" -m pip --python {ROOT}/home/venv' in made
    assert f"--require-hashes --requirement {ROOT}/requirements.txt >&2 || exit 1" in made
    assert "venv" not in PLAN.inner()


def test_programs() -> None:
    """The scripts of a build lie in its home, may be executed, and have their placeholders filled."""
    (program,) = plan(programs=(("cc", "exec {tool:go}/zig"),)).programs()
    assert (f"{ROOT}/home/bin/cc", "exec /opt/go folder/zig", True) == (program.place, program.text, program.executable)


def test_shell_stands_where_the_commands_would() -> None:
    """The same preparation and PATH, then the commands as a person types them, and a prompt."""
    made = replace(plan(env=(CLOSED,), stdout="said.txt"), before=("prepare",), after=("keep",)).shell().splitlines()
    assert inner(plan())[:2] == made[:2]
    assert ["prepare", f"PATH={ROOT}/home/bin", "export TERM=xterm"] == made[2:5]
    told = shlex.split(made[5])
    assert ["printf", "%s\\n", "builders/pulse runs:"] == told[:3]
    assert ["/opt/go folder/go", "build", "a b", ">", f"{ROOT}/out/said.txt"] == shlex.split(told[4])
    assert ["export PS1='builders/pulse $ '", "exec /bin/sh -i"] == made[6:]


def test_failed_command() -> None:
    """The last line tells which command it was; the error has it, its status, and the last lines before."""
    printed = "".join(f"line {number}\n" for number in range(60)) + f"in {ROOT}/src\n\nshipways: failed 1\n"
    problem = PLAN.error(3, printed).problems[0]
    assert "`/opt/go folder/go build a b` ended with status 3" == problem.what
    assert ["line 11", "line 59", "in /src"] == [problem.why.splitlines()[index].strip() for index in (0, -2, -1)]
    assert 50 == len(problem.why.splitlines())
    assert "`shipways build --step builders/pulse --shell`" in problem.hint


def test_missing_program() -> None:
    """A program that is not there is named, with where it was looked for."""
    problem = PLAN.error(127, "\nshipways: missing 1\n").problems[0]
    assert "there is no program `/opt/go folder/go`" == problem.what
    assert "docker.io/library/golang:1.27.3" in problem.why


@pytest.mark.parametrize(
    "printed", ["", "out of memory", "shipways: failed 1\nand more", "it says shipways: failed", "shipways: failed x\n"]
)
def test_end_without_a_word(printed: str) -> None:
    """Without that last line the container itself has ended: its status, and what was printed until then."""
    problem = PLAN.error(137, printed).problems[0]
    assert "its container ended with status 137" == problem.what
    assert printed.strip().splitlines() == [line.strip() for line in problem.why.splitlines()]
    assert "want of memory" in problem.hint
