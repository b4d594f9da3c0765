"""build.zig.zon, and the dependencies it declares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipways.bundle.components.contents import Purl
from shipways.bundle.components.zig import declared
from shipways.bundle.components.zon import Zon, parse_zon
from shipways.errors import BuildError

MANIFEST = r"""
// what zig fetches
.{
    .name = .spark,
    .version = "0.3.1",
    .fingerprint = 0x9d13cf2d1817757a,
    .dependencies = .{
        .clap = .{
            .url = "https://example.com/clap-0.10.0.tar.gz",
            .hash = "clap-0.10.0-oBajB434AQBDh-Ei3YtoKIRxZacVPF1iSwp3IX_ZB8f0",
        },
        .@"raw-c" = .{
            .url = "git+https://example.com/raw#0123456",
            .hash = "N-V-__8AAG0-dAOcye43JFbtpStxz5rnfcxwf6Qsn51omWtb",
            .lazy = true,
        },
        .ours = .{ .path = "../ours" },
    },
    .paths = .{ "build.zig", "src" },
}
"""


def test_name_and_version_are_in_the_hash() -> None:
    """A package hash names the package as its own manifest does."""
    clap, *_ = declared(MANIFEST, "build.zig.zon")
    origin = (("download_url", "https://example.com/clap-0.10.0.tar.gz"),)
    assert Purl(type="generic", name="clap", version="0.10.0", qualifiers=origin) == clap.purl
    assert (("shipways:zig:hash", "clap-0.10.0-oBajB434AQBDh-Ei3YtoKIRxZacVPF1iSwp3IX_ZB8f0"),) == clap.properties
    assert () == clap.digests


def test_package_without_a_manifest() -> None:
    """It has the name that this project gives it and no version; lazy means it may never be fetched."""
    _, raw, _ = declared(MANIFEST, "build.zig.zon")
    assert ("raw-c", "") == (raw.purl.name, raw.purl.version)
    assert (("vcs_url", "git+https://example.com/raw@0123456"),) == raw.purl.qualifiers
    assert raw.optional


def test_dependency_in_a_folder() -> None:
    """Its path is all there is."""
    *_, ours = declared(MANIFEST, "build.zig.zon")
    assert (("shipways:zig:path", "../ours"),) == ours.properties


@pytest.mark.parametrize("text", ['.{ .version = "1.0.0" }', ".{ .dependencies = .{} }"])
def test_no_dependencies(text: str) -> None:
    """Nothing declared is nothing listed."""
    assert () == declared(text, "build.zig.zon")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"tab\t \x41 \u{1F680} \" \\"', 'tab\t A \U0001f680 " \\'),
        ("\\\\first\n    \\\\second", "first\nsecond"),
        (".{ 1, .two, -0.5e3, true, }", {"0": "1", "1": "two", "2": "-0.5e3", "3": "true"}),
        ('.{ .a = .{}, .@"b c" = null }', {"a": {}, "b c": "null"}),
    ],
)
def test_literals(text: str, value: Zon) -> None:
    """Strings with escapes and over lines, tuples, structs with quoted names."""
    assert value == parse_zon(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (".{\n.a = }", "line 2"),
        ('.{ .a = "1"\n .b = "2" }', "line 2"),
        (".{ .a = 1", "the end"),
        (".{} }", "}"),
        ("", ""),
    ],
)
def test_what_is_no_zon(text: str, why: str) -> None:
    """The error names the file and the line."""
    with pytest.raises(BuildError, match=r"build\.zig\.zon: cannot be read") as error:
        declared(text, "build.zig.zon")
    assert why in str(error.value)


@given(st.text(alphabet='.{}=,"\\@ab1 \n/', max_size=40))
def test_any_text_ends(text: str) -> None:
    """Whatever stands there is a value or a ValueError."""
    try:
        parse_zon(text)
    except ValueError as error:
        assert "did not expect" in str(error)
