"""What is new in a release, by tag: asked of git and of files when there is a channel that says it."""

from collections.abc import Mapping, Sequence

from shipways.config.schema import Config
from shipways.errors import PreflightError, Problem
from shipways.gitfacts import Repository, commits_since
from shipways.model.facts import Facts
from shipways.model.version import Version, is_prerelease
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
            glob = config.package[names[0]].tag.replace("{version}", "*")
            full = not is_prerelease(version.number)
            text = from_commits(await commits_since(process, repository, tag, glob, folders, full=full))
        elif wanted == "changelog":
            text = _section(facts, sources, folders, version)
        else:
            text = _read(facts, sources, wanted)
        found.append((tag, text))
    return tuple(found)


def _tags(facts: Facts) -> Mapping[str, Sequence[str]]:
    """The packages that each tag of the commit releases."""
    tags: dict[str, list[str]] = {}
    for name, version in facts.versions:
        if version.tag in facts.git.tags:
            tags.setdefault(version.tag, []).append(name)
    return tags


def _section(facts: Facts, sources: Sources, folders: Sequence[str], version: Version) -> str:
    own = [path for folder in folders if facts.source.has(path := f"{folder}/{_CHANGELOG}".removeprefix("./"))]
    path = (*own, _CHANGELOG)[0]
    text = from_changelog(_read(facts, sources, path), version.number)
    if text is None:
        hint = f'add a heading `## [{version.number}]`, or let publish.github.notes be "commits"'
        raise PreflightError(Problem(path=path, what=f"has no section for {version.number}", hint=hint))
    return text


def _read(facts: Facts, sources: Sources, path: str) -> str:
    file = next((file for file in facts.source.files if file.path == path), None)
    if file is None:
        hint = "publish.github.notes names it"
        raise PreflightError(Problem(path=path, what="is not in the repository", hint=hint))
    return sources.read(file).decode(errors="replace")
