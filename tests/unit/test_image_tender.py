"""tender in an assembled image: out of its own image, by the digest of the lock."""

import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from imaging import Bench, members, opened, packed, stacked
from shipways.errors import BuildError

NAME = "example.com/tender:1"
KEYS = f'platforms = ["linux/amd64"]\ntender = "{NAME}"\n'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def tender_image(bench: Bench, *layers: dict[str, bytes | str | None]) -> None:
    """Lock an image of these layers, the lowest first."""
    content = stacked(*(packed(layer) for layer in layers))
    bench.locked = (bench.images.push(NAME, {"linux/amd64": content}),)


def test_from_its_image(bench: Bench) -> None:
    """The highest layer that has it gives it, and nothing else of that image comes along."""
    tender_image(
        bench,
        {"usr/local/bin/tender": b"old"},
        {"usr/local/bin/tender": b"new", "etc/passwd": b"theirs"},
        {"etc/other": b"x"},
    )
    bench.release(KEYS)
    manifest, _ = opened(bench)
    layer = bench.blob(manifest["layers"][-1]["digest"])
    with tarfile.open(fileobj=BytesIO(layer)) as archive:
        content = archive.extractfile("usr/local/bin/tender")
        assert content and b"new" == content.read()
    found = members(layer)
    assert (0o755, 0) == (found["usr/local/bin/tender"].mode, found["usr/local/bin/tender"].uid)
    assert "etc/other" not in found
    assert 1 == len(manifest["layers"])


def test_another_one_is_another_layer(bench: Bench) -> None:
    """The image is made anew when the lock names another tender, and not otherwise."""
    tender_image(bench, {"usr/local/bin/tender": b"one"})
    bench.release(KEYS)
    before = opened(bench)[0]["layers"]
    fetched = len(bench.images.fetched)
    bench.release(KEYS)
    assert fetched == len(bench.images.fetched)
    tender_image(bench, {"usr/local/bin/tender": b"two"})
    bench.release(KEYS)
    assert before != opened(bench)[0]["layers"]


def test_not_locked_is_a_skip(bench: Bench) -> None:
    """No image is made with a tender that nobody has locked."""
    plan = bench.plan(KEYS)
    assert [("images/pulse", f"{NAME} is not locked")] == [(skip.id, skip.problem.what) for skip in plan.skips]
    assert not [step for step in plan.steps if step.spec.id.startswith("images/")]


def test_image_without_it(bench: Bench) -> None:
    """An image of something else is named."""
    tender_image(bench, {"usr/local/bin/other": b"x"})
    with pytest.raises(BuildError, match=r"image\.pulse\.tender: example\.com/tender:1 has no /usr/local/bin/tender"):
        bench.release(KEYS)
