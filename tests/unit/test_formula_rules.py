"""Homebrew's rules: those that a config can break, and those of `brew audit` that our text must keep.

The cops for formulas are not packaged for RuboCop, so what they want is written down here again.
"""

import re
from pathlib import Path

import pytest

from shipways.config.load import parse
from shipways.errors import ConfigError
from shipways.render import ruby

FORMULAS = sorted((Path(__file__).parents[1] / "golden" / "formula").glob("*/*.rb"))
# Library/Homebrew/ast_constants.rb, FORMULA_COMPONENT_PRECEDENCE_LIST: the part of it that we use. `service` is not in
# the list; Homebrew's own formulas have it before `test`.
ORDER = (
    *("include", "desc", "homepage", "url", "version", "sha256", "license", "head", "depends_on"),
    *("on_macos", "on_linux", "preserve_rpath", "def", "service", "test"),
)
each_formula = pytest.mark.parametrize("path", FORMULAS, ids=lambda path: f"{path.parent.name}/{path.stem}")


def problems(description: str = "Fine", package: str = 'build = "go"', more: str = "", name: str = "tool") -> list[str]:
    """What is wrong with a config of one formula."""
    text = f"""
        [project]
        name = "p"
        repository = "o/p"
        [package.tool]
        {package}
        [formula."{name}"]
        package = "tool"
        description = "{description}"
        test = [{{ run = ["tool"] }}]
        {more}
    """
    try:
        parse(text, "shipways.toml")
    except ConfigError as error:
        return [f"{problem.path}: {problem.what}" for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "description",
    ["Fine", "macOS helper", "Copies files, links etc.", "C", "Ähnliches", "3D viewer", "Toolbox of tools"],
)
def test_descriptions_that_homebrew_takes(description: str) -> None:
    """A capital letter or no letter at all, one of Homebrew's own words, `etc.`; the name inside of a word."""
    assert [] == problems(description)


@pytest.mark.parametrize(
    ("description", "broken"),
    [
        ("", ["must not be empty"]),
        (" Fine ", ["has spaces at an end"]),
        ("A helper", ["starts with an article"]),
        ("the helper.", ["starts with an article", "must start with a capital letter", "ends with a full stop"]),
        ("Command line helper", ["must say command-line"]),
        ("Ships 🚢", ["has an emoji or a symbol"]),
        ("Two\\nlines", ["must be one line"]),
        ("X" * 81, ["has 81 characters, at most 80 are allowed"]),
        ("Tool for all", ["starts with the formula's name"]),
        ("T-OOL for all", ["starts with the formula's name"]),
    ],
)
def test_descriptions_that_it_does_not(description: str, broken: list[str]) -> None:
    """Every broken rule is told, with the path of the key."""
    assert [f"formula.tool.description: {rule}" for rule in broken] == problems(description)


@pytest.mark.parametrize(
    ("package", "what"),
    [
        ('build = "python"\npython = { sdist = false }', "makes no sdist"),
        ('build = "go"\ntargets = ["x86_64-pc-windows-msvc"]', "is built neither for macOS nor for Linux"),
        ('build = "command"\ncommand = { run = [["x"]], outputs = ["x"] }', "has no archives"),
    ],
)
def test_packages_without_a_formula(package: str, what: str) -> None:
    """A package that gives a formula nothing to install is refused before anything is built."""
    (problem,) = problems(package=package)
    assert problem.startswith("formula.tool.package: tool ")
    assert what in problem


def test_commands_must_be_the_packages_own() -> None:
    """Tests and service start with a program that the formula installs."""
    package = 'build = "go"\nbinaries = ["toolctl"]'
    wanted = "is not one of the package's programs: toolctl"
    assert [
        f"formula.tool.test[0].run: tool {wanted}",
        f"formula.tool.service.run: toold {wanted}",
    ] == problems(package=package, more='service = { run = ["toold"] }')


@pytest.mark.parametrize("name", ["Tool", "7zip", "a--b", "tool@", "tool.", "-tool", "tool@a"])
def test_names_that_are_no_formula(name: str) -> None:
    """A name that gives no Ruby class, or that Homebrew would write in another way, is refused."""
    (problem,) = problems(name=name)
    assert "must match" in problem


def test_a_formula_needs_a_repository() -> None:
    """Without `project.repository` there is no URL to download from."""
    text = '[project]\nname = "p"\n[package.a]\nbuild = "go"\n[formula.a]\npackage = "a"\ndescription = "Fine"\n'
    with pytest.raises(ConfigError, match=r"project\.repository: is required"):
        parse(text + '[[formula.a.test]]\nrun = ["a"]\n', "shipways.toml")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tool", "Tool"),
        ("foo-bar@1.2", "FooBarAT12"),
        ("foo_bar.baz", "FooBarBaz"),
        ("c++", "Cxx"),
        ("gtk+3", "Gtkx3"),
        ("a-1b", "A1b"),
    ],
)
def test_class_name(name: str, expected: str) -> None:
    """The class is named as Homebrew looks for it."""
    assert expected == ruby.class_name(name)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Apache-2.0", '"Apache-2.0"'),
        ("MIT OR Apache-2.0", 'any_of: ["MIT", "Apache-2.0"]'),
        ("MIT AND BSD-3-Clause AND Zlib", 'all_of: ["MIT", "BSD-3-Clause", "Zlib"]'),
        ("GPL-2.0-only WITH Classpath-exception-2.0", '"GPL-2.0-only" => { with: "Classpath-exception-2.0" }'),
        ("(MIT OR Zlib) AND ISC", ":cannot_represent"),
        ("MIT OR Zlib AND ISC", ":cannot_represent"),
    ],
)
def test_license(expression: str, expected: str) -> None:
    """SPDX as Homebrew writes it; what it cannot write is said to be so."""
    assert expected == ruby.license_argument(expression)


def test_strings_are_only_text() -> None:
    """Nothing in a string of the config becomes Ruby."""
    assert r'"a\"b\\c\#{d}\#@e\#$f #g\n\u{7}"' == ruby.string('a"b\\c#{d}#@e#$f #g\n\a')


@each_formula
def test_order(path: Path) -> None:
    """Components stand in Homebrew's order."""
    words = re.findall(r"^  (\w+)", path.read_text(), re.MULTILINE)
    parts = [word for word in words if word != "end"]
    assert sorted(parts, key=ORDER.index) == parts


@each_formula
def test_platforms(path: Path) -> None:
    """One block a system, in it only blocks of chips, and in those a URL with its digest."""
    text = path.read_text()
    for system in ("on_macos", "on_linux"):
        assert text.count(f"{system} do") <= 1
    for inside in re.findall(r"^  on_\w+ do\n(.*?)^  end", text, re.MULTILINE | re.DOTALL):
        assert re.fullmatch(
            r'(    on_(arm|intel) do\n      url "\S+"\n      sha256 "[0-9a-f]{64}"\n    end\n)+', inside
        )


@each_formula
def test_blocks(path: Path) -> None:
    """A service runs from opt_bin, a test is not empty, and what is Homebrew's default is not said."""
    text = path.read_text()
    service = re.search(r"^  service do\n(.*?)^  end", text, re.MULTILINE | re.DOTALL)
    assert service is None or re.match(r"    run \[?opt_bin/", service[1])
    assert re.search(r"^  test do\n    \S", text, re.MULTILINE)
    assert not re.search(r"shell_output\(.*, 0\)", text)
    assert ("\n  head " in text) != (" url " in text)
