"""What is new in a release, by tag: asked of git and of files when there is a channel that says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shipways.config.schema import Config
from shipways.errors import PreflightError, Problem
from shipways.gitfacts import Repository, commits_since, reached_tags, tag_before
from shipways.model.commit import Commit
from shipways.model.facts import Facts
from shipways.model.source import SourceTree
from shipways.model.version import Version, is_prerelease, is_semver, number_in, precedence
from shipways.ports import Process, Sources
from shipways.render.notes import from_changelog, from_commits

_CHANGELOG = "CHANGELOG.md"


async def release_notes(
    config: Config, facts: Facts, process: Process, repository: Repository, sources: Sources
) -> tuple[tuple[str, str], ...]:
    """The text for each tag of this commit. Raises PreflightError when a file does not have it, or git cannot know."""
    if config.publish.github is None:
        return ()
    wanted, found = config.publish.github.notes, []
    for tag, names in _tags(facts).items():
        folders, version = [config.package[name].path for name in names], facts.version(names[0])
        if wanted == "commits":
            before = await _before(config, facts, process, repository, tag)
            text = from_commits(await commits_since(process, repository, before, folders))
        elif wanted == "changelog":
            text = _section(facts, sources, folders, version)
        else:
            text = _read(facts, sources, wanted)
        found.append((tag, text))
    return tuple(found)


async def tags_before(config: Config, facts: Facts, process: Process, repository: Repository) -> tuple[str, ...]:
    """The tag before each tag of this commit that has one. Raises PreflightError when git cannot know."""
    found = [await _before(config, facts, process, repository, tag) for tag in _tags(facts)]
    return tuple(dict.fromkeys(tag for tag in found if tag))


async def _before(config: Config, facts: Facts, process: Process, repository: Repository, tag: str) -> str | None:
    name = _tags(facts)[tag][0]
    glob = config.package[name].tag.replace("{version}", "*")
    full = not is_prerelease(facts.version(name).number)
    return await tag_before(process, repository, tag, glob, full=full)


async def last_release(config: Config, process: Process, repository: Repository) -> str:
    """The newest tag of a package, of HEAD and of all before it; empty without one.

    Raises PreflightError in a shallow clone, which cannot know.
    """
    patterns = {package.tag for package in config.package.values()}
    for tag in await reached_tags(process, repository, "*"):
        numbers = (number_in(tag, pattern) for pattern in patterns)
        if any(number and is_semver(number) for number in numbers):
            return tag
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What git has of packages that are released together.

    `numbers` are the versions that have a tag, the newest first; `since` is the tag of the last full one, empty before
    the first, and `commits` came after it; `later` after the newest, which may be a pre-release.
    """

    numbers: tuple[str, ...]
    since: str
    commits: tuple[Commit, ...]
    later: tuple[Commit, ...]


async def history(process: Process, repository: Repository, patterns: Sequence[str], folders: Sequence[str]) -> History:
    """The versions of tags that fit these patterns, and what has changed in these folders since.

    Raises PreflightError in a shallow clone that has no such tag.
    """
    tags: dict[str, str] = {}
    for pattern in patterns:
        reached = await reached_tags(process, repository, pattern.replace("{version}", "[0-9]*"))
        found = ((number_in(tag, pattern), tag) for tag in reached)
        tags |= {number: tag for number, tag in found if number and is_semver(number)}
    numbers = tuple(sorted(tags, key=precedence, reverse=True))
    full = next((tags[number] for number in numbers if not is_prerelease(number)), "")
    newest = next((tags[number] for number in numbers), "")
    commits = await commits_since(process, repository, full, folders)
    later = commits if newest == full else await commits_since(process, repository, newest, folders)
    return History(numbers=numbers, since=full, commits=commits, later=later)


def _tags(facts: Facts) -> Mapping[str, Sequence[str]]:
    """The packages that each tag of the commit releases."""
    tags: dict[str, list[str]] = {}
    for name, version in facts.versions:
        if version.tag in facts.git.tags:
            tags.setdefault(version.tag, []).append(name)
    return tags


def _section(facts: Facts, sources: Sources, folders: Sequence[str], version: Version) -> str:
    path = changelog_path(facts.source, folders)
    text = from_changelog(_read(facts, sources, path), version.number)
    if text is None:
        hint = f'add a heading `## [{version.number}]`, or let publish.github.notes be "commits"'
        raise PreflightError(Problem(path=path, what=f"has no section for {version.number}", hint=hint))
    return text


def changelog_path(source: SourceTree, folders: Sequence[str]) -> str:
    """The changelog of the first of these folders that has one, else that of the repository."""
    own = [path for folder in folders if source.has(path := f"{folder}/{_CHANGELOG}".removeprefix("./"))]
    return (*own, _CHANGELOG)[0]


def _read(facts: Facts, sources: Sources, path: str) -> str:
    file = next((file for file in facts.source.files if file.path == path), None)
    if file is None:
        hint = "publish.github.notes names it"
        raise PreflightError(Problem(path=path, what="is not in the repository", hint=hint))
    return sources.read(file).decode(errors="replace")
