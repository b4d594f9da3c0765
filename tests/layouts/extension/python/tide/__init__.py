"""Tides, counted."""

from tide._core import height

__all__ = ["height"]
