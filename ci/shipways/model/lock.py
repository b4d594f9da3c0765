"""shipways.lock: what names in the config mean, as digests."""

from dataclasses import dataclass
from typing import Final

from shipways.model.oci import Descriptor

HOSTS: Final = ("linux-x86_64", "linux-aarch64", "darwin-x86_64", "darwin-aarch64", "windows-x86_64")
"""The kinds of machine whose toolchains are locked, whichever of them `shipways lock` runs on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedWheel:
    """One wheel of a toolchain for one kind of host (`linux-x86_64`, `darwin-aarch64` …)."""

    host: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedTool:
    """A toolchain that comes as a wheel: distribution name, version, its wheels."""

    name: str
    distribution: str
    version: str
    wheels: tuple[LockedWheel, ...]

    def digest(self, host: str) -> str:
        """The digest of the wheel for a kind of host; empty where there is none."""
        return next((wheel.digest for wheel in self.wheels if wheel.host == host), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBackend:
    """The build requirements of a Python package: what it asked for, and pip requirement lines with hashes for it."""

    package: str
    requires: tuple[str, ...]
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedPlatform:
    """One platform of a base image (`linux/amd64` …): its config and its layers, lowest first, by OCI media types."""

    platform: str
    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedImage:
    """A base image: the name in the config, the digest of its index or manifest, and what that digest stands for."""

    name: str
    digest: str
    platforms: tuple[LockedPlatform, ...]

    def platform(self, name: str) -> LockedPlatform | None:
        """That of `linux/amd64` …, where it has one."""
        return next((each for each in self.platforms if each.platform == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The whole lock file; empty where there is none."""

    tools: tuple[LockedTool, ...] = ()
    backends: tuple[LockedBackend, ...] = ()
    images: tuple[LockedImage, ...] = ()

    def tool(self, name: str) -> LockedTool | None:
        """The locked toolchain of this name."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def backend(self, package: str, requires: tuple[str, ...]) -> tuple[str, ...] | None:
        """The hashed build requirements of a package; None when they were never locked, or for something else."""
        return next((b.requirements for b in self.backends if (b.package, b.requires) == (package, requires)), None)

    def image(self, name: str) -> LockedImage | None:
        """What an image name is locked to. NAME@DIGEST is what NAME is, where that is the digest."""
        plain, _, digest = name.partition("@")
        found = (each for each in self.images if each.name == name or (each.name, each.digest) == (plain, digest))
        return next(found, None)
