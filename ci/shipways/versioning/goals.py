"""What `version set` is asked for: which packages get which version, and what their changelogs then say."""

from collections.abc import Mapping, Sequence
from functools import partial

from shipways.config.near import nearest
from shipways.config.schema import Config
from shipways.errors import ConfigError, Problem
from shipways.model.facts import Facts
from shipways.model.source import SourceTree
from shipways.model.version import is_prerelease, is_semver
from shipways.news import History, changelog_path
from shipways.render.notes import from_changelog
from shipways.versioning.changelog import Section, with_section
from shipways.versioning.edits import Change
from shipways.versioning.following import next_number

Groups = Sequence[tuple[str, ...]]


def selected(config: Config, packages: Sequence[str]) -> tuple[str, ...]:
    """The packages of these names, all without any. Raises ConfigError for each name that there is not."""
    if wrong := [name for name in packages if name not in config.package]:
        known = tuple(config.package)
        raise ConfigError(
            *(Problem(path="--package", what=f"there is no {name}", hint=nearest(name, known)) for name in wrong)
        )
    return tuple(name for name in config.package if not packages or name in packages)


def numbers(
    facts: Facts, names: Sequence[str], histories: Mapping[tuple[str, ...], History], wanted: str, pre: str
) -> dict[str, str]:
    """The version that each package gets, without those that need none; `wanted` is one, or `next`.

    Raises ConfigError for what is no version, for one that has a tag already, and for packages whose version is that
    of others which are not to get it.
    """
    problems: list[Problem] = []
    found: dict[str, str] = {}
    if wanted != "next" and not is_semver(wanted):
        why = "versions are MAJOR.MINOR.PATCH by Semantic Versioning"
        problems.append(Problem(path=wanted, what="is not a version", why=why, hint="`next` is the next one"))
    for group, history in histories.items():
        said = [facts.version(name).base for name in group]
        number = next_number(said, history, pre) if wanted == "next" else wanted
        mine = [name for name in group if name in names]
        if others := ", ".join(name for name in group if name not in mine):
            why = "one tag releases them together, or one line says the version of both"
            hint = "name them all, or none"
            problems.append(Problem(path="--package", what=f"{others} goes with {', '.join(mine)}", why=why, hint=hint))
        if number in history.numbers:
            what, hint = "has a tag already", "`shipways version next` says what comes next"
            problems.append(Problem(path=number, what=what, hint=hint))
        found |= dict.fromkeys(mine, number) if number else {}
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
    return found


def sections(
    config: Config,
    source: SourceTree,
    numbers: Mapping[str, str],
    histories: Mapping[tuple[str, ...], History],
    date: str,
) -> tuple[Change, ...]:
    """What becomes of the changelogs that there are."""
    found: dict[str, dict[str, Section]] = {}
    for group, history in histories.items():
        for name in group:
            path = changelog_path(source, [config.package[name].path])
            if name in numbers and source.has(path):
                number = numbers[name]
                found.setdefault(path, {})[number] = Section(
                    version=number,
                    tag=config.package[name].tag.format(version=number),
                    date=date,
                    commits=history.later if is_prerelease(number) else history.commits,
                )
    return tuple((path, partial(_with_one, path, tuple(told.values()))) for path, told in found.items())


def _with_one(path: str, told: Sequence[Section], text: str) -> str:
    """What people wrote for the next version is that of one."""
    new = [section for section in told if from_changelog(text, section.version) is None]
    if len(new) > 1:
        what = f"is the changelog of packages that get {' and '.join(section.version for section in new)}"
        hint = "`--package NAME`, one after the other, or a CHANGELOG.md in each package's folder"
        raise ConfigError(Problem(path=path, what=what, hint=hint))
    return with_section(text, new[0]) if new else text
