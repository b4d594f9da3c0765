"""The lists of everything that makes, renders or publishes, in order. To add one: a module, a line here, a test."""

from collections.abc import Sequence
from typing import Final

from shipways.builders import command, crate, go, maturin, prebuilt, python, rust, wheel, zig
from shipways.bundle import archive, checksums, formula, sbom, source
from shipways.deploy import compose, environment, fly, kubernetes, onrender
from shipways.images import base, docker, dockerfile, image, index, layer
from shipways.outside.channels import Publisher
from shipways.ports import Maker, Renderer
from shipways.publish import attest, crates, files, git, github, homebrew, pypi, registry
from shipways.workflows import github as workflows

MAKERS: Final[Sequence[Maker]] = (
    go,  # Go → a static program per target
    rust,  # Rust → programs per target, linked by zig
    crate,  # Rust → a .crate file
    zig,  # Zig → a program per target
    command,  # any command → its files, or a program per target
    prebuilt,  # programs built elsewhere → taken as they are
    python,  # Python → an sdist and a pure wheel
    maturin,  # Python with an extension in Rust → an sdist, and a wheel per target
    wheel,  # the programs of another package → platform wheels
    archive,  # programs, licence, readme … → an archive per target
    sbom,  # lock files and build information → what is in each archive, wheel and sdist
    source,  # the repository → an archive of its files
    base,  # a base image → its layers, by digest
    layer,  # programs and files → the layer of an image, per platform
    image,  # layers → config and manifest, per platform
    dockerfile,  # a Dockerfile → layers, config and manifest, per platform
    index,  # manifests → the image, as an OCI layout
    docker,  # an image → an archive for `docker load`, per platform
    formula,  # archives, or an sdist → a Homebrew formula
    checksums,  # everything that is uploaded → its sums
)

RENDERERS: Final[Sequence[Renderer]] = (
    compose,  # services → Docker Compose
    environment,  # services → the variables that they read
    fly,  # services → Fly.io
    kubernetes,  # services → manifests of Kubernetes, and an overlay for each profile
    onrender,  # services → Render
    formula,  # the last published release, or the branch → committed Homebrew formulas
    workflows,  # jobs, and what channels need → the workflows of GitHub Actions
)

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
