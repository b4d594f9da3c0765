"""One number in three spellings."""

import pytest
from packaging.version import Version as Pep440

from shipways.model.version import Version, is_semver


@pytest.mark.parametrize(
    ("semver", "pep440"),
    [
        ("1.2.3", "1.2.3"),
        ("1.2.3-rc.1", "1.2.3rc1"),
        ("1.2.3-alpha", "1.2.3a0"),
        ("1.2.3-beta.2", "1.2.3b2"),
        ("1.2.3-snapshot.g0123abcd", "1.2.3.dev0+snapshot.g0123abcd"),
        ("1.2.3-snapshot.g0123abcd.dirty", "1.2.3.dev0+snapshot.g0123abcd.dirty"),
        ("1.2.3+build.5", "1.2.3"),
    ],
)
def test_pep440(semver: str, pep440: str) -> None:
    """The Python form of a version is one that the packaging library takes, in its normal form."""
    found = Version(number=semver, base=semver, tag="").pep440
    assert pep440 == found
    assert pep440 == str(Pep440(found))


@pytest.mark.parametrize("text", ["1.2", "v1.2.3", "1.2.3-", "01.2.3", "1.2.3-01", "", "next"])
def test_not_semver(text: str) -> None:
    """What Semantic Versioning does not allow is no version."""
    assert not is_semver(text)
