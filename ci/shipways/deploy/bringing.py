"""A source tree comes to a host: only what is not there already is sent, and it is whole or not there at all."""

import posixpath
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from shipways.deploy.fenced import must, read
from shipways.deploy.inventory import inventory
from shipways.errors import Problem, Transient, Unfinished
from shipways.model.tree import Content, Delta, Tree, delta, told
from shipways.outside.hosts import Host
from shipways.outside.platforms import Site

CONTENT: Final = "tree"
"""The folder of the tree in that of its release."""
_LIST: Final = "tree.json"
_NEXT: Final = "tree.new"
_PACKS: Final = "incoming"
_TAKE: Final = (
    'rm -rf -- "$2" "$3" && if [ -d "$1" ]; then mv -T -- "$1" "$2"; fi && mv -T -- "$4" "$1" && rm -rf -- "$2"'
)
"""The new tree takes the place of one that was altered."""


async def listed(host: Host, folder: str) -> Content | None:
    """What the folder of a release says that it has; None where it says nothing."""
    return told(await read(host, f"{folder}/{_LIST}"))


async def present(host: Host, content: str, folder: str) -> bool:
    """Whether what has this digest is in the folder of a release, every byte of it. Raises Transient, Unfinished."""
    found = await listed(host, folder)
    if found is None or found.digest != content:
        return False
    return await inventory(host, f"{folder}/{CONTENT}") == found.tree


async def bring(
    site: Site, host: Host, source: tuple[str, Content], folder: str, say: Callable[[int, int], None]
) -> None:
    """Make a tree of this machine, by its path, present in the folder of a release; `say` hears bytes, of how many.

    After a lost connection (Transient) what has come stays, and need not come again; after a refusal (Unfinished)
    nothing is left.
    """
    try:
        await _laid(site, host, source, folder, say)
        await host.put(source[1].encoded, f"{folder}/{_LIST}", mode=0o644)
    except Transient:
        raise
    except Unfinished:
        await host.run(("rm", "-rf", "--", f"{folder}/{_NEXT}", f"{folder}/{_PACKS}"))
        raise


async def _laid(
    site: Site, host: Host, source: tuple[str, Content], folder: str, say: Callable[[int, int], None]
) -> None:
    path, tree = source[0], source[1].tree
    staging, mine = f"{folder}/{_NEXT}", f"{folder}/{CONTENT}"
    basis = await _basis(host, folder)
    if basis and (await host.run(("test", "-d", staging))).code:
        await must(host, "cp", "-a", "--reflink=auto", "-T", "--", f"{basis}/", staging)
    await must(host, "mkdir", "-p", "-m", "0755", "--", staging)
    found = delta(tree, await inventory(host, staging), await inventory(host, basis) if basis else Tree())
    await _shaped(host, staging, basis, found)
    if found.missing:
        async with site.trees.packed(path, found.missing) as pack:
            await _unpacked(host, pack, site.files.digest(pack), folder, say)
    if await inventory(host, staging) != tree:
        await host.run(("rm", "-rf", "--", staging))
        raise Transient(Problem(path=folder, what="what has arrived is not what was sent"))
    await must(host, "sh", "-c", _TAKE, "sh", mine, f"{folder}/tree.old", f"{folder}/{_PACKS}", staging)


async def _basis(host: Host, folder: str) -> str:
    """Where most of it may lie already: here, altered by somebody, or in the release that runs; empty for nowhere."""
    running = posixpath.join(posixpath.dirname(posixpath.dirname(folder)), "current")
    for each in (f"{folder}/{CONTENT}", f"{running}/{CONTENT}"):
        if not (await host.run(("test", "-d", each))).code:
            return each
    return ""


async def _shaped(host: Host, staging: str, basis: str, found: Delta) -> None:
    """What is not to be sent."""
    await _each(host, ("rm", "-rf", "--"), (f"{staging}/{path}" for path in found.stray))
    await _each(host, ("mkdir", "-m", "0755", "--"), (f"{staging}/{path}" for path in found.folders))
    pairs = (word for source, path in found.copies for word in (f"{basis}/{source}", f"{staging}/{path}"))
    await _each(host, ("cp", "-p", "--reflink=auto", "-T", "--"), pairs, "-n", "2")


async def _each(host: Host, argv: tuple[str, ...], words: Iterable[str], *options: str) -> None:
    """A command over words of any number and any characters."""
    given = "\0".join(words)
    if given:
        await must(host, "xargs", "-0", *options, *argv, stdin=given.encode())


async def _unpacked(host: Host, pack: Path, digest: str, folder: str, say: Callable[[int, int], None]) -> None:
    """Sent under the name of its bytes, so that nothing else is gone on with."""
    size = pack.stat().st_size
    there = f"{folder}/{_PACKS}/{digest.removeprefix('sha256:')[:16]}"
    await host.send(pack, there, lambda done: say(done, size))
    flags = ("--extract", "--same-permissions", "--no-same-owner", "--directory", f"{folder}/{_NEXT}", "--file", there)
    await must(host, "tar", *flags)
