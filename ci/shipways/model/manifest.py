"""dist/manifest.json: what was made. Equal bytes wherever it is made, so it has no seconds, host names or URLs."""

from dataclasses import dataclass
from typing import Final, Literal

from shipways.model.artifact import Kind, Linkage
from shipways.model.names import image_folder

FORMAT: Final = "shipways-manifest/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageEntry:
    """A released package: its version number and the git tag that names it.

    `needs` are packages that a registry must have before it takes this one: what its crate depends on.
    """

    name: str
    version: str
    tag: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEntry:
    """A step: the digest of its inputs, and the paths of its artifacts."""

    id: str
    key: str
    artifacts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactEntry:
    """An artifact: its path below `dist/`, digest, size in bytes. `varies` says why it is not reproducible."""

    path: str
    kind: str
    digest: str
    size: int
    package: str = ""
    target: str = ""
    media_type: str = ""
    linkage: Linkage | None = None
    varies: str = ""

    @property
    def name(self) -> str:
        """The last part of its path: what it is called where there are no folders."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The sealed record of one run of make."""

    format: Literal["shipways-manifest/1"]
    project: str
    shipways: str
    commit: str
    epoch: int
    make_digest: str
    packages: tuple[PackageEntry, ...]
    steps: tuple[StepEntry, ...]
    artifacts: tuple[ArtifactEntry, ...]

    def image(self, name: str) -> ArtifactEntry | None:
        """The index of the image of this name; None where it was not made."""
        folder = image_folder(name)
        found = (each for each in self.artifacts if each.kind == Kind.IMAGE and each.path.startswith(folder))
        return next(found, None)

    def releases(self) -> tuple["Release", ...]:
        """Each tag with its packages and what is uploaded for it: what lies in `dist/` itself, and the formulas.

        What is about the whole run (sums, sources) belongs to each. So every byte that a channel sends later is staged,
        but for those of images, which are staged in their registries.
        """
        top = tuple(entry for entry in self.artifacts if "/" not in entry.path or entry.kind == Kind.FORMULA)
        tags = dict.fromkeys(package.tag for package in self.packages)
        found = []
        for tag in tags:
            packages = tuple(package for package in self.packages if package.tag == tag)
            names = {"", *(package.name for package in packages)}
            found.append(Release(tag=tag, packages=packages, assets=tuple(a for a in top if a.package in names)))
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What one tag releases."""

    tag: str
    packages: tuple[PackageEntry, ...]
    assets: tuple[ArtifactEntry, ...]
