"""How fast a registry lets a release go."""

import pytest

from shipways.model.item import Seen
from shipways.model.pace import Bucket, Limit
from shipways.publish.crates import CratesChannel

NEW, KNOWN = Seen(), Seen(stamp="known")


@pytest.mark.parametrize(
    ("seen", "minutes"),
    [
        ([], 0),
        ([KNOWN] * 30, 0),
        ([KNOWN] * 109, 79),
        ([NEW] * 5, 0),
        ([NEW] * 8, 30),
        ([KNOWN] * 42 + [NEW] * 6, 12),
        ([KNOWN] * 31 + [NEW] * 7, 20),
    ],
)
def test_crates_io(seen: list[Seen], minutes: int) -> None:
    """30 versions at once, then one a minute; 5 new crates at once, then one in ten minutes; both at the same time."""
    assert minutes * 60 == CratesChannel(registry="").pace(seen)


def test_other_registries() -> None:
    """Others have no limit that is known before."""
    assert 0 == CratesChannel(registry="mine").pace([NEW] * 100)


def test_bucket() -> None:
    """A burst, then one at a time; a long rest brings the burst back, and no more."""
    bucket = Bucket(limit=Limit(burst=2, every=10), level=2, at=0)
    waits = []
    for now in (0, 0, 0, 10, 12, 1000, 1000, 1000):
        waits.append(bucket.wait(now))
        if not waits[-1]:
            bucket.take()
    assert [0, 0, 10, 0, 8, 0, 0, 10] == waits


def test_refused_bucket() -> None:
    """The place knows better when the next one may go."""
    bucket = Bucket(limit=Limit(burst=5, every=10), level=4, at=0)
    bucket.refused(100, 25)
    assert [25, 15, 0] == [bucket.wait(now) for now in (100, 110, 125)]
