"""A Homebrew formula → Ruby, in the order that `brew audit` wants."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from shipways.model.formula import BrewTest, Download, Formula
from shipways.render import ruby
from shipways.render.building import Building, unpacked, virtualenv
from shipways.render.text import render

_PLATFORMS: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "macos": {"on_arm": ("aarch64-apple-darwin",), "on_intel": ("x86_64-apple-darwin",)},
    "linux": {
        "on_arm": ("aarch64-unknown-linux-gnu",),
        "on_intel": ("x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"),  # a static program runs anywhere
    },
}
_NUMBER: Final = r"\d+\.\d+"
_DOWNLOAD: Final = re.compile(r'^\s*url "([^"]+)"\s+sha256 "([0-9a-f]{64})"$', re.MULTILINE)


def downloads_in(text: str) -> tuple[tuple[str, str], ...]:
    """The files that a formula downloads: URL and digest, as `formula_text` writes them."""
    return tuple((url, f"sha256:{digest}") for url, digest in _DOWNLOAD.findall(text))


def formula_text(formula: Formula, building: Building | None = None) -> str:
    """The file. `building` is for a formula without downloads, which builds a branch."""
    sdist = next((file for file in formula.downloads if not file.target), None)
    systems = _systems(formula)
    how = building or (virtualenv(formula.programs) if sdist else unpacked(formula.programs, formula.extras))
    if len(systems) == 1:
        how = replace(how, depends=(*how.depends, *(f":{system}" for system in systems)))
    return render(
        "formula/formula.rb",
        class_name=ruby.class_name(formula.name),
        desc=ruby.string(formula.description),
        homepage=ruby.string(formula.homepage),
        license=formula.license and ruby.license_argument(formula.license),
        version="" if _told_by_url(formula) else ruby.string(formula.version),
        sdist=sdist and _file(formula, sdist),
        head=how.branch and f"{ruby.string(formula.git_url)}, branch: {ruby.string(how.branch)}",
        building=how,
        systems=systems,
        service=_service(formula),
        test=[_test(test, stamped=how.stamped) for test in formula.test],
    )


def _told_by_url(formula: Formula) -> bool:
    """Whether Homebrew reads this version off the URL, so that its audit calls a `version` redundant.

    Library/Homebrew/version.rb, `VERSION_PARSERS`, "GitHub releases". A branch has no version either.
    """
    told = re.fullmatch(r"(?:[rvV]_?)?(\d+(?:\.\d+)+)", formula.tag)
    return not formula.downloads or (told is not None and told[1] == formula.version)


def _systems(formula: Formula) -> dict[str, dict[str, dict[str, str]]]:
    """What `on_macos` and `on_linux` hold for `on_arm` and `on_intel`; only what there is a file for."""
    files = {file.target: file for file in formula.downloads}
    systems = {}
    for system, chips in _PLATFORMS.items():
        best = {
            chip: next((files[triple] for triple in triples if triple in files), None)
            for chip, triples in chips.items()
        }
        if found := {chip: _file(formula, file) for chip, file in best.items() if file}:
            systems[system] = found
    return systems


def _file(formula: Formula, file: Download) -> dict[str, str]:
    return {"url": ruby.string(formula.url(file)), "sha256": ruby.string(file.digest.removeprefix("sha256:"))}


def _service(formula: Formula) -> tuple[str, ...]:
    if formula.service is None:
        return ()
    program, *arguments = formula.service.run
    command = f"opt_bin/{ruby.string(program)}"
    run = f"run [{command}, {ruby.strings(arguments)}]" if arguments else f"run {command}"
    return (run, "keep_alive true") if formula.service.keep_alive else (run,)


def _test(test: BrewTest, *, stamped: bool) -> str:
    """What only has to succeed is run as it is; a command with output or another status needs `shell_output`."""
    program, *arguments = test.run
    if not test.output and not test.status:
        return f"system bin/{ruby.string(program)}" + "".join(f", {ruby.string(word)}" for word in arguments)
    words = [shlex.quote(word) for word in arguments] + (["2>&1"] if test.output and test.status else [])
    command = "#{bin}/" + ruby.text(" ".join((program, *words)))
    output = f'shell_output("{command}"{f", {test.status}" if test.status else ""})'
    if not test.output:
        return output
    if "{version}" in test.output and not stamped:
        return f"assert_match({ruby.pattern(test.output.split('{version}'), _NUMBER)}, {output})"
    if test.output == "{version}":
        return f"assert_match version.to_s, {output}"
    wanted = "#{version}".join(ruby.text(part) for part in test.output.split("{version}"))
    return f'assert_match "{wanted}", {output}'
