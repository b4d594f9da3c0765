"""This machine, who works on it, and its programs that take the place of this one."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from shipways.model.daemon import Machine

_ARCHES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
"""What some systems call them."""


def this_machine() -> Machine:
    """What services are installed on."""
    uid = os.getuid() if hasattr(os, "getuid") else -1
    arch = platform.machine().lower()
    return Machine(system=sys.platform, arch=_ARCHES.get(arch, arch), home=str(Path.home()), uid=uid)


def become(argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Go on as another program: its process is this one, so that who started this one sees it alone.

    Raises OSError when it cannot be started.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(argv[0], list(argv), dict(env))  # noqa: S606 - a shell would be one more process
