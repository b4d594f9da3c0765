"""What a Go program says it is made of, as `go version -m` prints it."""

from shipways.bundle.components.contents import Part, Purl
from shipways.bundle.components.golang import linked

UUID = "h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0="
PULSE = f"""\
/build/src/bin/pulse: go1.27.3
\tpath\texample.com/pulse
\tmod\texample.com/pulse\t(devel)\t
\tdep\tgithub.com/google/uuid\tv1.6.0\t{UUID}
\tbuild\t-compiler=gc
\tbuild\tGOOS=linux
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
    fork = part(PULSE + "\t=>\texample.com/fork/uuid\tv1.6.1\th1:AA=\n", "uuid")
    assert "example.com/fork/uuid v1.6.1" == f"{fork.purl.title} {fork.purl.version}"
    assert (("shipways:go:sum", "h1:AA="), ("shipways:go:replaces", "github.com/google/uuid v1.6.0")) == fork.properties


def test_replaced_by_a_folder() -> None:
    """A folder of the repository has no version, and the one it replaces is not claimed."""
    local = part(PULSE + "\t=>\t./local\t(devel)\t\n", "uuid")
    assert Purl(type="golang", namespace="github.com/google", name="uuid") == local.purl
    assert (("shipways:go:replaced-by", "./local"),) == local.properties


def test_vendored_modules_have_no_sum() -> None:
    """A build from vendor/ records versions alone."""
    assert () == part("/p: go1.27.3\n\tdep\texample.com/a\tv0.1.0\t\n", "a").properties


def test_programs_of_one_package_share_components() -> None:
    """What two programs link is listed once; an experiment in the toolchain's name is not part of its version."""
    both = PULSE + PULSE.replace("bin/pulse", "bin/ctl").replace("go1.27.3", "go1.27.3 X:loopvar")
    assert 2 == len(linked(both, "1.2.3").parts)
