""".crate files, and the words that a registry gets of them."""

import pytest

from crating import packed
from shipways.errors import BuildError
from shipways.pack.cargowords import cfg_text, requirement_text
from shipways.pack.crate import index_path, read_crate, upload_metadata

INDEX = "sparse+https://index.example/"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", "^1"),
        ("1.2.3", "^1.2.3"),
        (" ^ 1.2 ", "^1.2"),
        ("~1.2", "~1.2"),
        ("= 1.0.0", "=1.0.0"),
        (">=1,<2.0.0-rc.1", ">=1, <2.0.0-rc.1"),
        ("*", "*"),
        ("1.*", "1.*"),
        ("1.x", "1.*"),
        ("1.2.X", "1.2.*"),
        ("1.*.*", "1.*"),
        ("=1.*", "1.*"),
        ("1.0.0-alpha.1+build", "^1.0.0-alpha.1"),
        ("one", "one"),
    ],
)
def test_requirement(text: str, expected: str) -> None:
    """The one form of a requirement."""
    assert expected == requirement_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("x86_64-pc-windows-gnu", "x86_64-pc-windows-gnu"),
        ("cfg(unix)", "cfg(unix)"),
        ('cfg( target_os="linux" )', 'cfg(target_os = "linux")'),
        ('cfg(all(a,not(b = "x, y"),))', 'cfg(all(a, not(b = "x, y")))'),
        ("cfg(any())", "cfg(any())"),
    ],
)
def test_cfg(text: str, expected: str) -> None:
    """The one form of a target."""
    assert expected == cfg_text(text)


@pytest.mark.parametrize(
    ("name", "path"),
    [("a", "1/a"), ("ab", "2/ab"), ("abc", "3/a/abc"), ("abcd", "ab/cd/abcd"), ("serde", "se/rd/serde")],
)
def test_index_path(name: str, path: str) -> None:
    """The folders of an index."""
    assert path == index_path(name)


@pytest.mark.parametrize(
    ("dependency", "target", "expected"),
    [(INDEX, INDEX, None), (INDEX.rstrip("/"), INDEX, None), (INDEX, "sparse+https://other.example/", INDEX)],
)
def test_registry_of_a_dependency(dependency: str, target: str, expected: str | None) -> None:
    """A dependency names its registry where that is another one."""
    crate = read_crate(packed("app", "1.0.0", needs=("core",), index=dependency), "app.crate")
    (found,) = upload_metadata(crate, index=target, crates_io="")["deps"]
    assert expected == found.get("registry")


@pytest.mark.parametrize(("crates_io", "expected"), [("", None), ("https://all.example", "https://all.example")])
def test_dependency_of_crates_io(crates_io: str, expected: str | None) -> None:
    """One without a registry is of crates.io, which is named where this is another one."""
    crate = read_crate(packed("app", "1.0.0", needs=("core",)), "app.crate")
    (found,) = upload_metadata(crate, index=INDEX, crates_io=crates_io)["deps"]
    assert expected == found.get("registry")


def test_no_crate() -> None:
    """Other bytes are told by the name of their file."""
    for data in (b"", b"PK", packed("app", "1.0.0")[:100]):
        with pytest.raises(BuildError, match=r"app\.crate: is not a \.crate"):
            read_crate(data, "app.crate")
