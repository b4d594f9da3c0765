"""A Homebrew tap, as a forge tells of it, and what is to be done there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shipways.model.digest import digest_bytes


def formulas_text(digests: Mapping[str, str]) -> str:
    """Formulas by name with the digest of each file, as one line to compare."""
    return " ".join(f"{name} {digest}" for name, digest in sorted(digests.items()))


def formula_names(text: str) -> tuple[str, ...]:
    """The formulas in such a line."""
    return tuple(text.split()[::2])


@dataclass(frozen=True, slots=True, kw_only=True)
class TapPlace:
    """A branch of a tap. `api` is the base URL of its forge's API (empty: the public one).

    `fork` is the owner of the fork in which branches for pull requests are made, empty for the tap itself.
    """

    tap: str
    branch: str
    fork: str = ""
    api: str = ""

    @property
    def side(self) -> str:
        """The repository where branches for pull requests are made."""
        return f"{self.fork}/{self.tap.partition('/')[2]}" if self.fork else self.tap


@dataclass(frozen=True, slots=True, kw_only=True)
class TapBranch:
    """What a branch has of some formulas: the text of each that is there. `url` is its page, empty where it is not."""

    formulas: Mapping[str, bytes]
    url: str = ""

    def text(self, names: Iterable[str]) -> str:
        """Those of them that are there, to compare; empty when none is."""
        return formulas_text({name: digest_bytes(self.formulas[name]) for name in names if name in self.formulas})


@dataclass(frozen=True, slots=True, kw_only=True)
class TapChange:
    """Formulas by name, with the files that they are to be, and what is said of it. `seen` is what was there."""

    formulas: Mapping[str, Path]
    message: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TapRights:
    """What a token may do. `write` is None where the forge does not tell; `refused` why the branch takes no commits.

    `write` is about the repository that commits are made in: the tap, or its fork; `related`: whether that is a fork of
    the tap, or the tap; `branch`: whether the tap has the branch; `protected`: whether that is protected, of which the
    forge tells only admins all.
    """

    token: bool
    write: bool | None
    related: bool
    branch: bool
    refused: str = ""
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A file that a formula downloads: its URL, the digest that it says, and that of what anybody gets, if anything."""

    url: str
    said: str
    found: str
