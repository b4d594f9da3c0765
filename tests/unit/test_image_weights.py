"""What images weigh together."""

import pytest

from shipways.deploy.weights import Image

BASE = Image(size=70, layers=("a", "b"), steps=(50, 20))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (BASE, 70),
        (Image(size=75, layers=("a", "b", "c"), steps=(50, 20, 5)), 70),
        (Image(size=50, layers=("a", "empty"), steps=(50,)), 50),
        (Image(size=70, layers=("a", "c"), steps=(50, 20)), 50),
        (Image(size=70, layers=("c", "b"), steps=(50, 20)), 0),
        (Image(size=0, layers=("",), steps=()), 0),
    ],
)
def test_shared(other: Image, expected: int) -> None:
    """What both are built upon; a layer above one that differs is another, as large as it may be."""
    assert expected == BASE.shared(other) == other.shared(BASE)
