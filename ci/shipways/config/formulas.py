"""`[formula.NAME]`: a Homebrew formula, and the rules of Homebrew that a config can break."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from shipways.config.kinds import Frozen, Name, RelativePath
from shipways.config.packages import Package

FormulaName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]*([+._-][a-z0-9]+)*\+*(@\d+(\.\d+)*)?$", max_length=80)
]
_LONGEST: Final = 80
_OWN_CASE: Final = ("iOS", "iPhone", "macOS")


def _description(text: str) -> str:
    """Homebrew's rules for `desc` (Library/Homebrew/rubocops/shared/desc_helper.rb); every broken one is a line."""
    words = text.split()
    broken = {
        "must not be empty": not words,
        "has spaces at an end": text != text.strip(),
        "must be one line": not text.isprintable(),
        f"has {len(text)} characters, at most {_LONGEST} are allowed": len(text) > _LONGEST,
        "starts with an article": re.match(r"\s*(the|an?)\s", text, re.IGNORECASE),
        "must start with a capital letter": re.match(r"\s*[a-z]", text) and words[0] not in _OWN_CASE,
        "ends with a full stop": text.rstrip().endswith(".") and not text.rstrip().endswith("etc."),
        "has an emoji or a symbol": any(unicodedata.category(letter) == "So" for letter in text),
        "must say command-line": re.search(r"command ?line", text, re.IGNORECASE),
    }
    if found := [rule for rule, applies in broken.items() if applies]:
        raise ValueError("\n".join(found))
    return text


class FormulaTest(Frozen):
    """One command of a formula's `test do`."""

    run: Annotated[tuple[str, ...], Field(min_length=1)]
    output: str = ""
    status: Annotated[int, Field(ge=0, le=255)] = 0


class FormulaService(Frozen):
    """A formula's `service do`."""

    run: Annotated[tuple[str, ...], Field(min_length=1)]
    keep_alive: bool = True


class Formula(Frozen):
    """`[formula.NAME]`: a Homebrew formula of one package."""

    package: Name
    description: Annotated[str, AfterValidator(_description)]
    test: Annotated[tuple[FormulaTest, ...], Field(min_length=1)]
    service: FormulaService | None = None
    folder: RelativePath = "formula"


def formula_problems(
    formulas: Mapping[str, Formula], packages: Mapping[str, Package], targets: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """What only the formula's name or its package can tell; `targets` are the triples of each package."""
    for name, formula in formulas.items():
        path = f"formula.{name}"
        if re.match(
            r"[\s-]?".join(re.escape(letter) for letter in name.replace("-", "")) + r"\b", formula.description, re.I
        ):
            yield f"{path}.description: starts with the formula's name"
        package = packages.get(formula.package)
        if package is None:
            continue
        yield from _package_problems(path, formula.package, package, targets[formula.package])
        programs = package.binaries or (formula.package,)
        commands = [(f"test[{number}]", test.run) for number, test in enumerate(formula.test)]
        commands += [("service", formula.service.run)] if formula.service else []
        for place, run in commands:
            if run[0] not in programs:
                yield f"{path}.{place}.run: {run[0]} is not one of the package's programs: {', '.join(programs)}"


def _package_problems(path: str, name: str, package: Package, targets: Sequence[str]) -> Iterator[str]:
    """A formula needs an archive for macOS or Linux, or a source distribution."""
    if package.build == "python":
        if package.python.binary or not package.python.sdist:
            yield f"{path}.package: {name} makes no sdist, which is what a formula of a Python package installs"
    elif package.build == "command" and not package.command.per_target:
        yield f"{path}.package: {name} has no archives, because its command.per_target is false"
    elif not any(triple.endswith(("-apple-darwin", "-linux-gnu", "-linux-musl")) for triple in targets):
        yield f"{path}.package: {name} is built neither for macOS nor for Linux"
