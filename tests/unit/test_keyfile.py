"""The key of a machine."""

from pathlib import Path

import pytest

from shipways.adapters.keyfile import kept_key
from shipways.errors import PreflightError


def test_key(tmp_path: Path) -> None:
    """It is made once, of its owner alone; one that was cut is made anew; without a folder there is none."""
    path = tmp_path / "state" / "key"
    key = kept_key(path)
    assert (32, key, 0o600) == (len(key), kept_key(path), path.stat().st_mode & 0o777)
    path.write_bytes(key[:5])
    assert (32, False) == (len(kept_key(path)), kept_key(path) == key)
    with pytest.raises(PreflightError, match="cannot be used"):
        kept_key(path / "below")
