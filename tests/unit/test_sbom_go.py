"""What a Go program says it is made of."""

from shipways.adapters.buildinfo import build_information
from shipways.bundle.components.contents import Part, Purl
from shipways.bundle.components.golang import linked

UUID = "h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0="
PULSE = f"""\
go1.27.3
path\texample.com/pulse
mod\texample.com/pulse\t(devel)\t
dep\tgithub.com/google/uuid\tv1.6.0\t{UUID}
build\t-compiler=gc
build\tGOOS=linux
"""


def part(text: str, name: str) -> Part:
    """One component by the last word of its path."""
    return next(part for part in linked(text, "1.2.3").parts if part.purl.name == name)


def test_main_module_has_our_version() -> None:
    """No program knows the version of its own module: it is the package's."""
    main = linked(PULSE, "1.2.3").main
    assert Purl(type="golang", namespace="example.com", name="pulse", version="v1.2.3") == main.purl


def test_linked_modules_and_the_standard_library() -> None:
    """Both are components, and the program needs them."""
    contents = linked(PULSE, "1.2.3")
    assert ["stdlib 1.27.3", "github.com/google/uuid v1.6.0"] == [
        f"{part.purl.title} {part.purl.version}" for part in contents.parts
    ]
    assert contents.main.needs == tuple(part.purl for part in contents.parts)


def test_sum_is_no_hash() -> None:
    """h1 is a sum over a list of files, so it is a property."""
    uuid = part(PULSE, "uuid")
    assert (("shipways:go:sum", UUID),) == uuid.properties
    assert () == uuid.digests


def test_replaced_by_another_module() -> None:
    """What is linked is listed, and what it stands for is said."""
    fork = part(PULSE + "=>\texample.com/fork/uuid\tv1.6.1\th1:AA=\n", "uuid")
    assert "example.com/fork/uuid v1.6.1" == f"{fork.purl.title} {fork.purl.version}"
    assert (("shipways:go:sum", "h1:AA="), ("shipways:go:replaces", "github.com/google/uuid v1.6.0")) == fork.properties


def test_replaced_by_a_folder() -> None:
    """A folder of the repository has no version, and the one it replaces is not claimed."""
    local = part(PULSE + "=>\t./local\t(devel)\t\n", "uuid")
    assert Purl(type="golang", namespace="github.com/google", name="uuid") == local.purl
    assert (("shipways:go:replaced-by", "./local"),) == local.properties


def test_vendored_modules_have_no_sum() -> None:
    """A build from vendor/ records versions alone."""
    assert () == part("go1.27.3\ndep\texample.com/a\tv0.1.0\t\n", "a").properties


def test_programs_of_one_package_share_components() -> None:
    """What two programs link is listed once; an experiment in the toolchain's name is not part of its version."""
    both = PULSE + PULSE.replace("go1.27.3", "go1.27.3 X:loopvar")
    assert 2 == len(linked(both, "1.2.3").parts)


def test_section() -> None:
    """Two texts with their lengths, the second between marks, at a multiple of 16 bytes."""
    fields = b"path\tp\n" * 30
    text = b"<" * 16 + fields + b">" * 16
    length = bytes([len(text) & 0x7F | 0x80, len(text) >> 7])
    head = b"\xff Go buildinf:\x08\x02".ljust(32, b"\0")
    section = bytes(16) + head + b"\x08go1.27.3" + length + text
    assert f"go1.27.3\n{fields.decode()}" == build_information(section)
    assert "" == build_information(section[1:])
    assert "" == build_information(section.replace(b"\x08\x02", b"\x08\x00"))
    assert "" == build_information(bytes(64))
