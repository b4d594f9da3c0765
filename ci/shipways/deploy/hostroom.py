"""What a host has to have for a source tree: room on the disk, room within the quota, and what builds it."""

from collections.abc import Iterator
from typing import Final

from shipways.deploy.berths import Berth, short
from shipways.deploy.records import recorded
from shipways.errors import Problem
from shipways.outside.hosts import Host

_COPIES: Final = 3
"""As a pack, as the tree, and as what is built of it."""
_ASK: Final = (
    'p="$1"; while [ ! -d "$p" ]; do p=$(dirname "$p"); done; df -Pk "$p" | awk \'NR == 2 { print $4 }\'; '
    'cd "$1/releases" 2>/dev/null && du -sk -- * 2>/dev/null; true'
)
_PYTHON: Final = ("python3", "-c", "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 9))")


async def roomless(host: Host, name: str, berth: Berth, size: int, quota: int) -> tuple[Problem, ...]:
    """Whether so many bytes fit beside the releases that stay. Raises Transient."""
    free, *rows = (await host.run(("sh", "-c", _ASK, "sh", berth.folder))).stdout.splitlines()
    record = recorded((await host.run(("cat", "--", berth.state))).stdout)
    stay = {short(each) for each in (record.running, record.previous) if each} if record else set()
    sizes = {row.partition("\t")[2]: int(row.partition("\t")[0]) * 1024 for row in rows}
    kept = sum(each for id_, each in sizes.items() if id_ in stay)
    return tuple(_problems(name, (size, int(free) * 1024, kept, quota)))


async def pythonless(host: Host, name: str) -> tuple[Problem, ...]:
    """Where an environment of Python should be built, and cannot. Raises Transient."""
    done = await host.run(_PYTHON)
    hint = "Debian has it in the packages python3 and python3-venv"
    what = "has no Python of 3.9 or later with venv"
    return (Problem(path=name, what=what, why=done.stderr.strip(), hint=hint),) if done.code else ()


def _problems(name: str, sizes: tuple[int, int, int, int]) -> Iterator[Problem]:
    size, free, kept, quota = sizes
    if free < _COPIES * size:
        what = f"has {free // 10**6} MB left on the disk, and {_COPIES * size // 10**6} MB are needed"
        yield Problem(path=name, what=what, why=f"the tree has {size // 10**6} MB")
    if kept + size > quota:
        what = f"the tree has {size // 10**6} MB, and the quota has {max(quota - kept, 0) // 10**6} MB left"
        hint = "[serve.kept] quota, or leave out what the service does not need"
        yield Problem(path=name, what=what, why="what runs and what ran before stays", hint=hint)
