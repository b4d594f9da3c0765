"""What a Homebrew formula says, before Ruby says it; so it is also the record of the last published ones."""

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

from shipways.model.names import GITHUB, forge_url

FORMAT: Final = "shipways-released/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file of the release and the digest of its bytes: the archive for a target triple, or, without one, an sdist."""

    name: str
    digest: str
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrewTest:
    """A command of `test do`: a program and its arguments, text that it prints, and its exit status."""

    run: tuple[str, ...]
    output: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrewService:
    """The command of `service do`."""

    run: tuple[str, ...]
    keep_alive: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """One formula. Without `downloads` it builds the repository's branch, and has neither version nor tag.

    `extras` are the paths of shell completions and man pages in the archive, or in the repository for a build; `site`
    is that of the forge.
    """

    name: str
    description: str
    homepage: str
    license: str
    repository: str
    programs: tuple[str, ...]
    test: tuple[BrewTest, ...]
    service: BrewService | None = None
    version: str = ""
    tag: str = ""
    downloads: tuple[Download, ...] = ()
    extras: tuple[str, ...] = ()
    site: str = GITHUB

    @property
    def git_url(self) -> str:
        """Where the repository is cloned from."""
        return f"{forge_url(self.repository, self.site)}.git"

    def url(self, download: Download) -> str:
        """Where GitHub serves a file of the release (GitHub documentation, "Linking to releases")."""
        place = f"{forge_url(self.repository, self.site)}/releases/download"
        return f"{place}/{quote(self.tag, safe='')}/{quote(download.name, safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """`released.json` of a folder: its formulas as they were last published."""

    format: Literal["shipways-released/1"]
    formulas: tuple[Formula, ...]
