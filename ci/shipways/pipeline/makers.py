"""What makes artifacts, in order."""

from collections.abc import Sequence
from typing import Final

from shipways.builders import bun, command, crate, go, maturin, prebuilt, python, rust, wheel, zig
from shipways.bundle import archive, checksums, formula, sbom, source
from shipways.images import base, docker, dockerfile, image, index, layer
from shipways.ports import Maker

MAKERS: Final[Sequence[Maker]] = (
    go,  # Go → a static program per target
    rust,  # Rust → programs per target, linked by zig
    crate,  # Rust → a .crate file
    zig,  # Zig → a program per target
    bun,  # JavaScript and TypeScript → a program per target, with bun in it
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
