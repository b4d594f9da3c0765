"""The files of a project with other versions: all of them, or every reason why not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Final, TypeAlias

from shipways.errors import ConfigError, Problem, ShipwaysError
from shipways.manifestfacts import JSON_VERSION, MANIFESTS, ZON_VERSION, Place, Read, json_of, string_in
from shipways.model.rendered import Rendered
from shipways.versioning.below import below
from shipways.versioning.crates import Crate, crates_of, with_requirements
from shipways.versioning.locks import Step, cargo_lock, normal, uv_lock
from shipways.versioning.tomledit import Keys, with_values

_IN_PYPROJECT: Final = ("tool", "shipways")
Change: TypeAlias = tuple[str, Callable[[str], str]]
"""The path of a file, and what its text becomes. Raises a ShipwaysError when it cannot be changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The name of the file that its config is in, the paths of all its files, and how one is read."""

    config_file: str
    paths: Sequence[str]
    read: Read

    def named(self, name: str) -> tuple[str, ...]:
        """The paths of the files with this name."""
        return tuple(path for path in self.paths if PurePosixPath(path).name == name)


def edited(
    project: Project, places: Mapping[str, Place | None], numbers: Mapping[str, str], sections: Sequence[Change]
) -> tuple[Rendered, ...]:
    """Every file that is to be changed, whole, so that these packages have these versions.

    `places` are where they are written now, `sections` what becomes of changelogs. Raises ConfigError with all that
    stands against it.
    """
    steps = {
        place: Step(old=place.said, new=numbers[name])
        for name, place in places.items()
        if name in numbers and place and place.said != numbers[name]
    }
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for path, change in (*_manifests(project, steps), *_crates(project, steps), *_locked(project, steps), *sections):
        before = texts.get(path) or project.read(path) or ""
        try:
            texts |= {path: after} if (after := change(before)) != before else {}
        except ShipwaysError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*dict.fromkeys(problems))
    return tuple(Rendered(path=path, text=texts[path]) for path in sorted(texts))


def _manifests(project: Project, steps: Mapping[Place, Step]) -> Iterator[Change]:
    """The versions themselves."""
    for place, step in steps.items():
        path = place.path or project.config_file
        top: Keys = _IN_PYPROJECT if not place.path and project.config_file == MANIFESTS["python"] else ()
        if not place.keys:
            yield path, partial(_json if PurePosixPath(path).name == MANIFESTS["bun"] else _zon, number=step.new)
        elif place.keys == ("project", "version"):
            yield path, partial(_pyproject, path, number=step.new)
        else:
            yield path, partial(with_values, path, values=[((*top, *place.keys), step.new)])


def _crates(project: Project, steps: Mapping[Place, Step]) -> Iterator[Change]:
    """What other crates ask of those, and their entries in lock files."""
    if not any(PurePosixPath(place.path).name == MANIFESTS["rust"] for place in steps):
        return
    manifests = project.named(MANIFESTS["rust"])
    every = crates_of(manifests, project.read)
    changed = [crate for crate in every if crate.place in steps]
    folders = {below(crate.path, "."): steps[crate.place].new for crate in changed if crate.place}
    for path in manifests:
        yield path, partial(with_requirements, path, folders)
    for path in project.named("Cargo.lock"):
        own = {crate.name: steps[crate.place] for crate in changed if crate.place and _is_in(path, crate, every)}
        yield path, partial(cargo_lock, crates=own)


def _is_in(lock: str, crate: Crate, every: Sequence[Crate]) -> bool:
    """Whether a crate of that name in a lock file is this one: the only one, or one that lies below the file."""
    above = PurePosixPath(lock).parent in PurePosixPath(crate.path).parents
    return above or [crate] == [other for other in every if other.name == crate.name]


def _locked(project: Project, steps: Mapping[Place, Step]) -> Iterator[Change]:
    """The entries of Python projects in lock files."""
    own = {below(place.path, "."): step for place, step in steps.items() if place.keys == ("project", "version")}
    for path in project.named("uv.lock") if own else ():
        yield path, partial(uv_lock, path=path, projects=own)


def _pyproject(path: str, text: str, number: str) -> str:
    if not normal(number):
        why, hint = "versions of Python packages follow PEP 440", "pre-releases are alpha, beta, rc or dev: 1.2.0-rc.1"
        raise ConfigError(Problem(path=path, what=f"{number} is no version there", why=why, hint=hint))
    return with_values(path, text, [(("project", "version"), number)])


def _zon(text: str, number: str) -> str:
    return ZON_VERSION.sub(lambda match: f'{match["key"]}"{number}"', text, count=1)


def _json(text: str, number: str) -> str:
    """The member of the outermost object: others may be called so too."""
    for match in JSON_VERSION.finditer(text):
        changed = f'{text[: match.start()]}{match["key"]}"{number}"{text[match.end() :]}'
        if string_in(json_of("package.json", changed), "version") == number:
            return changed
    return text
