"""The scripts of deployments, run by a shell."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deploying import HEAD, SHOP, answering
from shipways.adapters.files import DiskFiles
from shipways.config.load import parse
from shipways.deploy import scripts
from shipways.run.rendering import rendered_files, write
from support import facts, need

pytestmark = pytest.mark.integration

STUB = "#!/bin/sh\npwd\nprintf '<%s>' \"$@\"\nexit 7\n"
COMPOSE = "deployment/docker/docker-compose.yml"
PROBE = '[service.shop.probe]\nstatus = 203\ncontains = """it\'s $fine"""\ntimeout = "500ms"\n'


@pytest.fixture
def port() -> Iterator[int]:
    """Where somebody answers."""
    with answering(203, b"line\nall: it's $fine\n") as port:
        yield port


def project(root: Path, services: str) -> Path:
    """Write the scripts of a project into a folder with a space; that of the scripts."""
    root = root / "a project"
    config = parse(HEAD + services, "shipways.toml")
    write(DiskFiles(), root, rendered_files(config, facts(shop="1.0.0"), (scripts,)))
    return root / "deployment" / "scripts"


def run(argv: Sequence[str | Path], cwd: Path, *folders: Path) -> tuple[int, str, str]:
    """Run with these folders before PATH."""
    env = {"PATH": ":".join((*map(str, folders), os.environ["PATH"]))}
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=20)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """A folder with programs that say what they were asked for."""
    folder = tmp_path / "stubs"
    folder.mkdir()
    for name in ("shipways", "docker", "fly", "kubectl"):
        (folder / name).write_text(STUB)
        (folder / name).chmod(0o755)
    return folder


def test_shellcheck(tmp_path: Path) -> None:
    """S1-06: shellcheck has nothing to say of any script, as one of POSIX."""
    need("shellcheck")
    folder = project(tmp_path, SHOP + PROBE)
    names = [path.name for path in sorted(folder.iterdir())]
    assert 6 == len(names)
    assert (0, "", "") == run(("shellcheck", "--shell=sh", *names), folder)
    (folder / "wrong.sh").write_text("#!/bin/sh\nrm $1\n")
    assert 1 == run(("shellcheck", "--shell=sh", "wrong.sh"), folder)[0]


def test_shellcheck_ours() -> None:
    """S1-06: nor has it of those that are committed for the deployer."""
    need("shellcheck")
    folder = Path(__file__).parent.parent.parent / "deployment/scripts"
    names = sorted(path.name for path in folder.glob("*.sh"))
    assert 6 == len(names)
    assert (0, "", "") == run(("shellcheck", "--shell=sh", *names), folder)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("install-daemon-linux", "--system", "a b"), "<service><install><--system><a b>"),
        (("daemon-ctl", "uninstall"), "<service><uninstall>"),
        (("daemon-ctl", "restart", "shop"), "<service><ctl><restart><shop>"),
        (("daemon-ctl", "logs", "shop", "-f"), "<service><logs><shop><-f>"),
        (("build-all", "--engine", "host"), "<build><--engine><host>"),
        (("deploy", "systemd", "--dry-run"), "<service><install><--dry-run>"),
        (("deploy", "compose", "a b"), f"<compose><--file><{COMPOSE}><up><--detach><--wait><a b>"),
        (("deploy", "fly", "--now"), "<deploy><--config><deployment/fly/shop/fly.toml><--now>"),
        (("deploy", "kubernetes"), "<apply><--kustomize><deployment/kubernetes/overlays/prod>"),
    ],
)
def test_called(words: tuple[str, ...], asked: str, tmp_path: Path, stubs: Path) -> None:
    """S1-06: from anywhere the program gets the words as they are, at the top of the project; its status comes back."""
    folder = project(tmp_path, SHOP)
    name, *rest = words
    status, out, err = run((folder / f"{name}.sh", *rest), tmp_path, stubs)
    assert (7, f"{tmp_path}/a project\n{asked}", "") == (status, out, err)


@pytest.mark.parametrize("words", [("daemon-ctl",), ("daemon-ctl", "run"), ("deploy",), ("deploy", "moon")])
def test_usage(words: tuple[str, ...], tmp_path: Path, stubs: Path) -> None:
    """S1-06: what is not understood is answered with what would be, and nothing is called."""
    name, *rest = words
    status, out, err = run((project(tmp_path, SHOP) / f"{name}.sh", *rest), tmp_path, stubs)
    assert (2, "") == (status, out)
    assert "usage: " in err


def test_other_system(tmp_path: Path, stubs: Path) -> None:
    """S1-06: an installer for another system calls nothing, and says what this one is."""
    other, here = ("linux", "Darwin") if sys.platform == "darwin" else ("macos", "Linux")
    status, out, err = run((project(tmp_path, SHOP) / f"install-daemon-{other}.sh",), tmp_path, stubs)
    assert (2, "", True) == (status, out, f"this is {here}" in err)


def test_no_shipways(tmp_path: Path) -> None:
    """S1-06: without shipways a script says how to get it."""
    (tmp_path / "dirname").symlink_to(str(shutil.which("dirname")))
    script = project(tmp_path, SHOP) / "build-all.sh"
    done = subprocess.run((script,), env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (127, True) == (done.returncode, "shipways is not on PATH" in done.stderr)


def test_health(tmp_path: Path, port: int) -> None:
    """S1-06: a service is healthy when status and text are right; a wrong answer, none, and a wrong name are told."""
    need("curl")
    asked = (SHOP + PROBE).replace("8080", str(port))
    script = project(tmp_path, asked) / "health-check.sh"
    assert (0, "shop: healthy\n", "") == run((script,), tmp_path)
    assert (2, "") == run((script, "web"), tmp_path)[:2]
    wrong = project(tmp_path / "status", asked.replace("203", "200")) / "health-check.sh"
    assert (1, "", f"shop: unhealthy, http://127.0.0.1:{port}/health answers 203 and not 200\n") == run(
        (wrong, "shop"), tmp_path
    )
    other = project(tmp_path / "text", asked.replace("$fine", "*")) / "health-check.sh"
    assert (1, True) == (run((other,), tmp_path)[0], "has no it's * in it" in run((other,), tmp_path)[2])


def test_nobody_answers(tmp_path: Path) -> None:
    """S1-06: a closed port is unhealthy, and curl's words say why."""
    need("curl")
    status, out, err = run((project(tmp_path, SHOP.replace("8080", "1")) / "health-check.sh",), tmp_path)
    assert (1, "") == (status, out)
    assert "answers 000 and not 200" in err
