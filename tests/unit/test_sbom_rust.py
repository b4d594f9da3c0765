"""What Cargo links, by `cargo tree` and Cargo.lock."""

import pytest

from shipways.bundle.components.cargo import commands, linked
from shipways.bundle.components.contents import Contents, Part, Purl
from shipways.errors import BuildError

REGISTRY = "registry+https://index.example/crates"
ITOA = "8f42a60cbdf9a97f5d2305f08a87dc4e09308d1276d28c869c684d7777685682"
TREE = """\
0 aisopod v0.1.0 (/build/src)
1 serde_json v1.0.154
2 itoa v1.0.18
1 serde_derive v1.0.229 (proc-macro)
1 forked v0.3.0 (https://git.example/forked?rev=abc#abcdef12)
2 itoa v1.0.18 (*)
1 inner v0.1.0 (/build/src/inner)
"""
LOCK = f"""\
version = 4

[[package]]
name = "aisopod"
version = "0.1.0"
dependencies = ["forked", "inner", "serde_derive", "serde_json", "tempfile"]

[[package]]
name = "forked"
version = "0.3.0"
source = "git+https://git.example/forked?rev=abc#abcdef12"

[[package]]
name = "inner"
version = "0.1.0"

[[package]]
name = "itoa"
version = "1.0.18"
source = "{REGISTRY}"
checksum = "{ITOA}"

[[package]]
name = "serde_derive"
version = "1.0.229"
source = "{REGISTRY}"
checksum = "{ITOA}"

[[package]]
name = "serde_json"
version = "1.0.154"
source = "{REGISTRY}"
checksum = "{ITOA}"

[[package]]
name = "tempfile"
version = "3.0.0"
source = "{REGISTRY}"
checksum = "{ITOA}"
"""


@pytest.fixture
def contents() -> Contents:
    """The contents of the crate above."""
    return linked(TREE, LOCK, "Cargo.lock", "0.1.0-snapshot.g1")


def part(contents: Contents, name: str) -> Part:
    return next(part for part in contents.parts if part.purl.name == name)


def test_only_what_cargo_links(contents: Contents) -> None:
    """A crate that the lock has for tests alone is no component."""
    assert {"serde_json", "itoa", "serde_derive", "forked", "inner"} == {part.purl.name for part in contents.parts}


def test_the_crate_has_the_released_version(contents: Contents) -> None:
    """A snapshot is named as such."""
    assert Purl(type="cargo", name="aisopod", version="0.1.0-snapshot.g1") == contents.main.purl


def test_checksum_is_that_of_the_crate_file(contents: Contents) -> None:
    """Cargo.lock's checksum is the SHA-256 of the .crate file."""
    itoa = part(contents, "itoa")
    assert (f"sha256:{ITOA}",) == itoa.digests
    assert (("shipways:cargo:source", REGISTRY),) == itoa.properties


def test_who_needs_whom(contents: Contents) -> None:
    """The depth of a line makes the graph, also below a repetition."""
    itoa = part(contents, "itoa").purl
    assert (itoa,) == part(contents, "serde_json").needs
    assert (itoa,) == part(contents, "forked").needs
    assert ["serde_json", "serde_derive", "forked", "inner"] == [need.name for need in contents.main.needs]


def test_crates_from_elsewhere(contents: Contents) -> None:
    """A git source is in the package URL; a crate of the workspace has neither source nor checksum."""
    assert (("vcs_url", "git+https://git.example/forked?rev=abc#abcdef12"),) == part(contents, "forked").purl.qualifiers
    inner = part(contents, "inner")
    assert ((), (("shipways:cargo:source", "path"),)) == (inner.digests, inner.properties)


def test_lock_of_another_project() -> None:
    """A lock without what cargo links is refused, never completed by guesses."""
    with pytest.raises(BuildError, match=r"lacks itoa 1\.0\.18"):
        linked(TREE, LOCK.replace('name = "itoa"', 'name = "other"'), "Cargo.lock", "0.1.0")


def test_command_says_features_and_target() -> None:
    """Features decide what is linked, so they are those of the build."""
    (argv,) = commands("index", "x86_64-apple-darwin", ("fast", "tls"), default_features=False)
    text = " ".join(argv)
    assert "--locked --package index --target x86_64-apple-darwin --edges normal" in text
    assert text.endswith("--features fast,tls --no-default-features")
