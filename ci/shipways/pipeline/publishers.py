"""What brings artifacts to places, in order."""

from collections.abc import Sequence
from typing import Final

from shipways.outside.channels import Publisher
from shipways.publish import attest, crates, files, git, github, homebrew, pypi, registry

PUBLISHERS: Final[Sequence[Publisher]] = (
    attest,  # what the others publish → proofs beside it
    crates,  # .crate files → a registry of crates
    files,  # everything that is uploaded → a folder
    git,  # the tags of a release that makes its own → the remote of the repository
    github,  # everything that is uploaded → a release on GitHub
    homebrew,  # formulas → a tap, once what they download is public
    pypi,  # sdists and wheels → PyPI, or another index of Python packages
    registry,  # images, by digest, then their tags → image registries
)
