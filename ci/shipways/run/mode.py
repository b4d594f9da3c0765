"""Decides whether a run is a release or a snapshot, and of which packages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shipways.config.packages import Package
from shipways.config.schema import Config
from shipways.errors import PreflightError, Problem
from shipways.model.facts import Facts
from shipways.model.plan import Mode
from shipways.model.version import NONE, Version, is_semver, number_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The mode, the sentence that says why, and the names of the packages it is about."""

    mode: Mode
    reason: str
    packages: tuple[str, ...]


def as_tagged(facts: Facts, *, new: bool = False) -> Facts:
    """The facts as if the work tree were committed, and at the tag of each package's version.

    `new`: as if the release made these tags itself.
    """
    versions = tuple((name, replace(version, number=version.base)) for name, version in facts.versions)
    tags = tuple(dict.fromkeys(version.tag for _, version in versions))
    git = replace(facts.git, tags=tags, new=tags if new else (), dirty=False)
    return replace(facts, git=git, versions=versions)


def choose(config: Config, facts: Facts, *, publish: bool, snapshot: bool) -> Choice:
    """A release needs a clean tree at a tag of a package, and a CI tag event or `--publish`.

    Raises PreflightError when a release was asked for but a tag is no version, or not the manifests' version.
    """
    every = tuple(config.package)
    git = facts.git
    fitting = _fitting(config, git.tags)
    matching = tuple(tag for tag, number in fitting if is_semver(number))
    asked = publish or bool(facts.ci and facts.ci.tag)
    if snapshot:
        return Choice(mode=Mode.SNAPSHOT, reason="--snapshot was given", packages=every)
    if asked and fitting and not matching:
        raise PreflightError(
            *(
                Problem(path=f"tag {tag}", what=f"{number!r} is not a version", hint="tag MAJOR.MINOR.PATCH")
                for tag, number in fitting
            )
        )
    if not matching:
        patterns = ", ".join(dict.fromkeys(package.tag for package in config.package.values()))
        reason = f"no tag at commit {git.commit[:8]} matches {patterns or 'a package'}"
    elif git.dirty:
        reason = f"the tree differs from commit {git.commit[:8]}"
    elif not asked:
        reason = f"tag {', '.join(matching)} is here, but there is neither --publish nor a CI tag event"
    else:
        released = _released(config, facts, matching)
        at = f"to be tagged {', '.join(git.new)}" if git.new else f"at {', '.join(matching)}"
        return Choice(mode=Mode.RELEASE, reason=f"clean tree {at}", packages=released)
    if publish:
        raise PreflightError(
            Problem(path="--publish", what="this is not a release", why=reason, hint="commit, then tag")
        )
    return Choice(mode=Mode.SNAPSHOT, reason=reason, packages=every)


def to_be_tagged(config: Config, facts: Facts, there: Mapping[str, str]) -> Facts:
    """The facts as they are once the commit has the tag of each package whose version has none yet.

    `there` are the tags of the remote with their commits; one of this commit counts as new, since a run that was ended
    may have left it. Raises PreflightError, for each package, when no version is new.
    """
    git = facts.git
    found = {name: _taken(facts, name, there) for name in config.package}
    new = {facts.version(name).tag: facts.version(name).base for name, problem in found.items() if problem is None}
    if not new:
        raise PreflightError(*(problem for problem in found.values() if problem))
    versions = tuple(
        (name, Version(number=old.base, base=old.base, tag=old.tag) if old.tag in new else old)
        for name, old in facts.versions
    )
    tags = tuple(dict.fromkeys((*git.tags, *new)))
    return replace(facts, git=replace(git, tags=tags, new=tuple(new)), versions=versions)


def _taken(facts: Facts, name: str, there: Mapping[str, str]) -> Problem | None:
    """Why this commit cannot get the tag of a package's version."""
    version, git = facts.version(name), facts.git
    path = f"package.{name}"
    if version.base == NONE:
        why = f"{NONE} stands for none: no manifest says one, and there is no tag yet"
        return Problem(path=path, what="has no version", why=why, hint="set package.NAME.version")
    if version.tag in git.tags or there.get(version.tag, git.commit) == git.commit:
        return None
    what = f"{version.tag} is a tag already, of commit {there[version.tag][:12]}"
    return Problem(path=path, what=what, hint="`shipways version set next`, commit, and release that")


def _fitting(config: Config, tags: tuple[str, ...]) -> list[tuple[str, str]]:
    """The tags that fit the pattern of a package, each with what stands for the version."""
    found = {(tag, number) for tag in tags for p in config.package.values() if (number := _number(p, tag)) is not None}
    return sorted(found)


def _released(config: Config, facts: Facts, tags: tuple[str, ...]) -> tuple[str, ...]:
    """The packages whose tag is here. Every tag must be a version, and the manifests' one."""
    problems: list[Problem] = []
    released: list[str] = []
    for name, package in config.package.items():
        for tag in tags:
            number = _number(package, tag)
            if number is None or not is_semver(number):
                continue
            base = facts.version(name).base
            released.append(name)
            if number != base:
                what = f"the manifest of {name} says {base}"
                problems.append(
                    Problem(path=f"tag {tag}", what=what, hint="mend the manifest, commit, and tag that commit")
                )
    if problems:
        raise PreflightError(*problems)
    return tuple(dict.fromkeys(released))


def _number(package: Package, tag: str) -> str | None:
    """What stands in the tag for `{version}`; None when the pattern does not fit."""
    number = number_in(tag, package.tag)
    # A pattern without any fixed part fits every tag; only versions are meant then.
    return number if number is not None and (package.tag != "{version}" or is_semver(number)) else None
