"""Reads pins.toml, the one place that says which actions and tools rendered workflows fetch."""

import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from shipways.model.workflow import Pin


def actions() -> Mapping[str, Pin]:
    """Actions by the names that our jobs use."""
    return {
        name: Pin(uses=table["uses"], commit=table["commit"], version=table["version"], date=table["date"].isoformat())
        for name, table in _pins()["action"].items()
    }


def tools() -> Mapping[str, str]:
    """Versions of tools by name."""
    return {name: str(table["version"]) for name, table in _pins()["tool"].items()}


@functools.cache
def _pins() -> dict[str, Any]:
    return tomllib.loads(resources.files("shipways.workflows").joinpath("pins.toml").read_text(encoding="utf-8"))
