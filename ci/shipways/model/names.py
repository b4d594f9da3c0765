"""The names of steps and files: one place, so that a step can name what it needs without knowing its maker."""

from shipways.model.target import Target

COMPILED = frozenset({"rust", "go", "zig", "prebuilt"})
"""Builders that make a program for each target."""


def binary_step(package: str, triple: str) -> str:
    """The step that builds a package's programs for a target."""
    return f"builders/{package}/{triple}"


def binary_folder(package: str, triple: str) -> str:
    """Where those programs lie below `dist/`."""
    return f"bin/{package}-{triple}/"


def stem(package: str, version: str, target: Target) -> str:
    """The name of an archive without its suffix, and of the one folder in it."""
    return f"{package}-{version}-{target.triple}"
