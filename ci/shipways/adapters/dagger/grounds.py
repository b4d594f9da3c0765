"""Which image a build starts from: never a name, always the digest that the lock has for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from shipways.adapters.dagger.jobs import Ground, Text
from shipways.config.dockerfile import pinned
from shipways.errors import Problem, Unavailable
from shipways.model.image import ImageBuild, not_locked
from shipways.model.lock import Lock
from shipways.model.oci import mirrored, parse_reference

_OWN: Final = ".shipways-dockerfile"
"""A folder in the context for the Dockerfile as it is run, which the image must not see: its text names the mirror."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Grounds by the lock, for one platform. `mirror` is asked in place of docker.io.

    `dockerfiles` are the images to build in that come of a Dockerfile, by their names.
    """

    lock: Lock
    platform: str
    mirror: str
    dockerfiles: Mapping[str, ImageBuild]

    def dockerfile(self, build: ImageBuild, folder: Path) -> Ground:
        """That of a Dockerfile whose context lies in `folder`. Raises Unavailable("image") for what is not locked."""
        if build.unlocked:
            raise Unavailable("image", not_locked(build.dockerfile, build.unlocked))
        digests = dict(build.bases)
        text = pinned(build.text, build.values, lambda name: self._reference(name, digests[name]))
        ignore = f"{build.ignore}\n{_OWN}\n"
        return Ground(
            folder=str(folder),
            dockerfile=f"{_OWN}/Dockerfile",
            texts=(
                Text(place=f"{_OWN}/Dockerfile", text=text),
                Text(place=f"{_OWN}/Dockerfile.dockerignore", text=ignore),
            ),
            platform=build.platform or self.platform,
            target=build.target,
            arguments=build.arguments,
            digest=build.digest,
        )

    def ground(self, image: str) -> Ground:
        """That of an image. Raises Unavailable("image") when it is not locked."""
        return Ground(image=self.pinned(image), platform=self.platform)

    def pinned(self, name: str) -> str:
        """The name that an engine is given. Raises Unavailable("image") when it is not locked."""
        locked = self.lock.image(name)
        if locked is None:
            raise Unavailable(
                "image",
                Problem(
                    path="engine.images",
                    what=f"{name} is not locked",
                    why="a build runs in an image by its digest, because its name may mean something else tomorrow",
                    hint="run `shipways lock`, and commit shipways.lock",
                ),
            )
        return self._reference(name, locked.digest)

    def _reference(self, name: str, digest: str) -> str:
        return replace(mirrored(parse_reference(name), self.mirror), digest=digest).text
