"""What a host is asked and told for a service, in a command each."""

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from shipways.deploy.releases import Berth, short
from shipways.errors import Problem, Unfinished
from shipways.outside.hosts import Host

_KEPT: Final = 7 * 24 * 60
"""Minutes that a release stays after it last began or ended."""


async def must(host: Host, argv: Sequence[str], fine: frozenset[int] = frozenset({0}), stdin: bytes = b"") -> str:
    """What a command prints. Raises Unfinished where it fails."""
    done = await host.run(argv, stdin)
    if done.code not in fine:
        why = done.stderr.strip()
        raise Unfinished(Problem(path=argv[0], what=f"ended with status {done.code}", why=why))
    return done.stdout


async def digests(host: Host, paths: Sequence[str]) -> Mapping[str, str]:
    """Of the files that are there."""
    lines = (await host.run(("sha256sum", "--", *paths))).stdout.splitlines()
    return {path: f"sha256:{digest}" for digest, _, path in (line.partition("  ") for line in lines)}


async def prune(host: Host, berth: Berth, digests: Sequence[str]) -> None:
    """Releases go that neither run nor ran before, a week after they did; what just began or ended is young again."""
    kept = tuple(dict.fromkeys(PurePosixPath(short(each)).name for each in digests if each))
    begun = tuple(berth.release(each) for each in digests if each)
    await host.run(("touch", "-c", "--", *begun))
    others = tuple(word for name in kept for word in ("!", "-name", name))
    old = ("-mindepth", "1", "-maxdepth", "1", "-mmin", f"+{_KEPT}")
    await host.run(("find", f"{berth.folder}/releases", *old, *others, "-exec", "rm", "-rf", "{}", "+"))


def started(text: str) -> Mapping[str, str]:
    """What is known of a service; nothing where that cannot be read."""
    try:
        found = json.loads(text)
        return {key: str(found[key]) for key in ("running", "previous")}
    except (ValueError, KeyError, TypeError):
        return {}
