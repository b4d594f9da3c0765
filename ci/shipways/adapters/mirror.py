"""Docker Hub's images from a mirror of them, for those whom Docker Hub limits, or who cannot reach it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from shipways.config.engines import MIRROR_VARIABLE
from shipways.errors import Problem, ShipwaysError
from shipways.model.lock import LockedImage
from shipways.model.oci import DOCKER_HUB, Descriptor, mirrored, parse_reference
from shipways.outside.upstream import Images


class Mirrored:
    """The `Images` port in front of another one, which is asked for docker.io's names at the mirror and nowhere else.

    So nobody without a way to docker.io waits for it. Its errors name the image as the config does, and the mirror.
    """

    def __init__(self, images: Images, mirror: str) -> None:
        self._images = images
        self._mirror = mirror

    async def resolve(self, name: str) -> LockedImage:
        """What a name stands for now, with its platforms."""
        with self._asked(name) as there:
            return replace(await self._images.resolve(there), name=name)

    async def blob(self, name: str, descriptor: Descriptor, into: Path) -> None:
        """Stream a blob of the image into a file and verify it."""
        with self._asked(name) as there:
            await self._images.blob(there, descriptor, into)

    @contextmanager
    def _asked(self, name: str) -> Iterator[str]:
        """The name to ask for."""
        meant = parse_reference(name)
        there = mirrored(meant, self._mirror)
        if there == meant:
            yield name
            return
        try:
            yield there.text
        except ShipwaysError as error:
            error.problems = [self._told(name, problem) for problem in error.problems]
            raise

    def _told(self, name: str, problem: Problem) -> Problem:
        asked = f"{self._mirror} is asked in place of {DOCKER_HUB} (engine.mirror or {MIRROR_VARIABLE})"
        return replace(problem, path=name, why=f"{problem.why}; {asked}" if problem.why else asked)
