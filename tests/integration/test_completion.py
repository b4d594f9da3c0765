"""The completion that packages bring, in a real bash."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import shipways

pytestmark = [pytest.mark.integration, pytest.mark.skipif(sys.platform == "win32", reason="its bash is another one")]

SCRIPT = Path(__file__).parent.parent.parent / "packaging/completions/shipways.bash"
ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_shipways_completion shipways
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with shipways as it is here."""
    program = tmp_path / "shipways"
    source = Path(shipways.__file__).parent.parent
    program.write_text(f'#!/bin/sh\nPYTHONPATH={source} exec {sys.executable} -m shipways "$@"\n')
    program.chmod(0o755)
    return f"{tmp_path}:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("se",), {"serve", "service"}),
        (("dep",), {"deploy", "deployments"}),
        (("ho",), {"hold"}),
        (("lo",), {"lock", "logs"}),
        (("serve", "--s"), {"--scopes", "--state", "--sudoers"}),
    ],
)
def test_bash(words: tuple[str, ...], found: set[str], path: str) -> None:
    """Verbs and options are completed from their first letters, by the program itself."""
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run(
        (bash, "-c", ASK, "bash", str(SCRIPT), "shipways", *words),
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found == set(done.stdout.split()), done
