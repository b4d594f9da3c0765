"""A process that does jobs, to be killed: `jobber.py FOLDER COUNT`. It says when it has begun, and when all is done."""

import json
import os
import sys
from pathlib import Path
from random import Random

import anyio

sys.path.insert(0, str(Path(__file__).parent.parent))

from aftermath import HOSTS, request
from offices import MemoryBringer, tools
from shipways.adapters.book import DiskBook
from shipways.adapters.jobjournal import opened
from shipways.adapters.shell import OsClock
from shipways.model.deployment import Running
from shipways.model.item import Item
from shipways.outside.platforms import Site
from shipways.run.jobs import Jobs
from shipways.testing.platform import Platform, PlatformDeployer


class DiskPlatform(Platform):
    """A platform whose changes are lines of a file: it outlives those who change it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        for line in path.read_text().splitlines():
            item, digest, previous = json.loads(line)
            self._done(item, digest, previous)

    def put(self, item: str, digest: str, previous: str) -> None:
        """On disk, then here."""
        os.write(self._descriptor, json.dumps([item, digest, previous]).encode() + b"\n")
        self._done(item, digest, previous)

    def _done(self, item: str, digest: str, previous: str) -> None:
        if digest:
            super().put(item, digest, previous)
        else:
            self.log.append((item, ""))
            self.running.pop(item, None)


class SlowDeployer(PlatformDeployer):
    """It takes a moment before and after each change."""

    dice = Random()  # noqa: S311 - a test's

    async def apply(self, site: Site, item: Item, seen: Running, previous: str) -> str:
        """A few milliseconds."""
        await anyio.sleep(self.dice.random() * 0.01)
        url = await super().apply(site, item, seen, previous)
        await anyio.sleep(self.dice.random() * 0.01)
        return url

    async def withdraw(self, site: Site, item: Item) -> None:
        """On disk, too."""
        del site
        if item.id in self.platform.running:
            self.platform.put(item.id, "", "")


async def run(folder: Path, count: int) -> None:
    """What is not known yet is asked for."""
    clock = OsClock()
    with opened(folder / "state") as journal:
        bringer = MemoryBringer(DiskPlatform(folder / "platform"), clock, hosts=HOSTS, deployer=SlowDeployer)
        async with Jobs(tools(bringer, journal, DiskBook(folder / "state/trail.jsonl"), clock)).opened() as desk:
            known = {job.request.service_path for job in journal.jobs(limit=count)}
            for asked in (request(f"folder-{number}") for number in range(count)):
                if asked.service_path not in known:
                    await desk.submit(asked, by="ann")
            said("begun")
            for job in journal.unended():
                async for _ in desk.follow(job.id):
                    pass
    said("ended")


def said(word: str) -> None:
    """A line for the test."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(run, Path(sys.argv[1]), int(sys.argv[2]))
