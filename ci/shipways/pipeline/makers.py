"""What makes artifacts, in order."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

from shipways.config.schema import Config
from shipways.model.facts import Facts
from shipways.model.plan import Skip
from shipways.ports import Maker, Step


@dataclass(frozen=True, slots=True)
class Stage:
    """A maker, which is loaded where the config has something for it: a plan needs few of them, and waits for each."""

    module: str
    asked: Callable[[Config], object]

    def plan(self, config: Config, facts: Facts) -> Iterator[Step | Skip]:
        """What the module plans; nothing where nobody asks for it."""
        if self.asked(config):
            maker = cast(Maker, importlib.import_module(f"shipways.{self.module}"))
            yield from maker.plan(config, facts)


def _building(*builds: str) -> Callable[[Config], bool]:
    """Whether there is a package with one of these builders."""
    return lambda config: any(package.build in builds for package in config.package.values())


def _programs(config: Config) -> bool:
    return any(package.makes_programs for package in config.package.values())


def _wrapped(config: Config) -> bool:
    return any(package.python.binary for package in config.package.values())


def _images(config: Config) -> object:
    return config.image


MAKERS: Final[Sequence[Maker]] = (
    Stage("builders.go", _building("go")),  # Go → a static program per target
    Stage("builders.rust", _building("rust")),  # Rust → programs per target, linked by zig
    Stage("builders.crate", _building("rust")),  # Rust → a .crate file
    Stage("builders.zig", _building("zig")),  # Zig → a program per target
    Stage("builders.bun", _building("bun")),  # JavaScript and TypeScript → a program per target, with bun in it
    Stage("builders.command", _building("command")),  # any command → its files, or a program per target
    Stage("builders.prebuilt", _building("prebuilt")),  # programs built elsewhere → taken as they are
    Stage("builders.python", _building("python", "maturin")),  # Python → an sdist and a pure wheel
    # Python with an extension in Rust → an sdist, and a wheel per target
    Stage("builders.maturin", _building("maturin")),
    Stage("builders.wheel", _wrapped),  # the programs of another package → platform wheels
    Stage("bundle.archive", _programs),  # programs, licence, readme … → an archive per target
    Stage("bundle.sbom", lambda config: config.package),  # lock files … → what is in each archive, wheel and sdist
    Stage("bundle.source", lambda config: config.project.source_archive),  # the repository → an archive of its files
    Stage("images.base", _images),  # a base image → its layers, by digest
    Stage("images.layer", _images),  # programs and files → the layer of an image, per platform
    Stage("images.image", _images),  # layers → config and manifest, per platform
    Stage("images.dockerfile", _images),  # a Dockerfile → layers, config and manifest, per platform
    Stage("images.index", _images),  # manifests → the image, as an OCI layout
    Stage("images.docker", _images),  # an image → an archive for `docker load`, per platform
    Stage("bundle.formula", lambda config: config.formula),  # archives, or an sdist → a Homebrew formula
    Stage("bundle.checksums", lambda config: config.package),  # everything that is uploaded → its sums
)
