"""Which image a build starts from: never a name, always the digest that the lock has for it."""

from dataclasses import dataclass, replace

from shipways.adapters.dagger.jobs import Ground
from shipways.errors import Problem, Unavailable
from shipways.model.lock import Lock
from shipways.model.oci import mirrored, parse_reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Grounds by the lock, for one platform. `mirror` is asked in place of docker.io."""

    lock: Lock
    platform: str
    mirror: str

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
        return replace(mirrored(parse_reference(name), self.mirror), digest=locked.digest).text
