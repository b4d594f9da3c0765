"""The version that follows from what commits say (Semantic Versioning 2.0.0, Conventional Commits 1.0.0)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shipways.config.schema import Config
from shipways.manifestfacts import Place
from shipways.model.change import Bump, change_of
from shipways.model.commit import Commit
from shipways.model.facts import Facts
from shipways.model.version import NONE, is_prerelease, precedence
from shipways.news import History

_FIRST: Final = "0.1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What comes next for a package. `now` is what its manifest says; `number` is empty when nothing asks for one.

    `commits` are those that ask for it, since the tag `since` (empty before the first), with what each asks for.
    """

    package: str
    now: str
    number: str
    tag: str
    since: str
    commits: tuple[tuple[Bump, str], ...]


def grouped(config: Config, places: Mapping[str, Place | None]) -> tuple[tuple[str, ...], ...]:
    """The packages that have one version together: one tag releases them, or one line says it."""
    groups: list[tuple[set[object], list[str]]] = []
    for name, package in config.package.items():
        place = places[name]
        marks: set[object] = {package.tag, (place.path, place.keys) if place else package.tag}
        mine = [group for group in groups if group[0] & marks]
        groups = [group for group in groups if group not in mine]
        names = [*(other for _, others in mine for other in others), name]
        groups.append((marks.union(*(group[0] for group in mine)), names))
    return tuple(tuple(names) for _, names in groups)


def following(config: Config, facts: Facts, names: Sequence[str], history: History, pre: str) -> Iterator[Following]:
    """What comes next for the packages of a group; `pre` is the kind of pre-release (`rc`), empty for a full one."""
    number = next_number([facts.version(name).base for name in names], history, pre)
    for name in names:
        yield Following(
            package=name,
            now=facts.version(name).base,
            number=number,
            tag=config.package[name].tag.format(version=number) if number else "",
            since=history.since,
            commits=tuple(_asking(history.commits)),
        )


def next_number(said: Iterable[str], history: History, pre: str) -> str:
    """The version after the last full one that has a tag, or the newest that manifests say when that is newer.

    Empty when it would have no news. A manifest may be ahead of the tags: somebody has set it, and it stays.
    """
    last = next((number for number in history.numbers if not is_prerelease(number)), "")
    asked = bumped(last, _bump(history.commits)) if last else NONE
    core = max(asked, *map(_core, said), key=precedence)
    full = _FIRST if core == NONE else core
    if full == last:
        return ""
    if not pre:
        return full
    head = f"{full}-{pre}."
    made = (n[len(head) :] for n in history.numbers if n.startswith(head))
    done = max((int(n) for n in made if n.isdigit()), default=0)
    if done and history.numbers[0] == f"{head}{done}" and not _bump(history.later):
        return ""
    return f"{head}{done + 1}"


def bumped(number: str, bump: Bump) -> str:
    """The version after this one; before 1.0.0 the second number tells what breaks, as people expect of 0.y.z."""
    major, minor, patch = (int(part) for part in _core(number).split("."))
    if bump is Bump.MAJOR and major:
        return f"{major + 1}.0.0"
    if bump >= Bump.MINOR:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}" if bump else number


def following_text(found: Sequence[Following]) -> str:
    """A line for each package, and below it the commits that say why."""
    lines = []
    for each in found:
        after = f"since {each.since}" if each.since else "yet"
        if not each.number:
            lines.append(f"{each.package} {each.now}: nothing {after} that asks for a release")
            continue
        first = "" if each.since else " (the first release)"
        step = f"{each.now}: is set, and has no tag yet" if each.now == each.number else f"{each.now} -> {each.number}"
        lines.append(f"{each.package} {step}{first}")
        lines += [f"  {bump.name.lower():5}  {subject}" for bump, subject in each.commits]
    return "\n".join(lines)


def following_json(found: Sequence[Following]) -> str:
    """The same for programs; `next` and `tag` are null when nothing asks for a release."""
    return json.dumps(
        [
            {
                "package": each.package,
                "now": each.now,
                "next": each.number or None,
                "tag": each.tag or None,
                "since": each.since or None,
                "commits": [{"bump": bump.name.lower(), "subject": subject} for bump, subject in each.commits],
            }
            for each in found
        ],
        indent=2,
        ensure_ascii=False,
    )


def _asking(commits: Sequence[Commit]) -> Iterator[tuple[Bump, str]]:
    for commit in commits:
        if bump := change_of(commit).bump:
            yield bump, commit.subject


def _bump(commits: Sequence[Commit]) -> Bump:
    return max((change_of(commit).bump for commit in commits), default=Bump.NONE)


def _core(number: str) -> str:
    """MAJOR.MINOR.PATCH alone."""
    return number.partition("+")[0].partition("-")[0]
