"""What a host has to have for a source tree: room on the disk, and what builds it."""

from typing import Final

from shipways.deploy.berths import Berth
from shipways.errors import Problem
from shipways.outside.hosts import Host

_COPIES: Final = 3
"""As a pack, as the tree, and as what is built of it."""
_ASK: Final = 'p="$1"; while [ ! -d "$p" ]; do p=$(dirname "$p"); done; df -Pk "$p" | awk \'NR == 2 { print $4 }\''
_PYTHON: Final = ("python3", "-c", "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 9))")


async def roomless(host: Host, name: str, berth: Berth, size: int) -> tuple[Problem, ...]:
    """Whether so many bytes fit on the disk. Raises Transient."""
    free = int((await host.run(("sh", "-c", _ASK, "sh", berth.folder))).stdout) * 1024
    if free >= _COPIES * size:
        return ()
    what = f"has {free // 10**6} MB left on the disk, and {_COPIES * size // 10**6} MB are needed"
    return (Problem(path=name, what=what, why=f"the tree has {size // 10**6} MB"),)


async def pythonless(host: Host, name: str) -> tuple[Problem, ...]:
    """Where an environment of Python should be built, and cannot. Raises Transient."""
    done = await host.run(_PYTHON)
    hint = "Debian has it in the packages python3 and python3-venv"
    what = "has no Python of 3.9 or later with venv"
    return (Problem(path=name, what=what, why=done.stderr.strip(), hint=hint),) if done.code else ()
