"""init, check, lock: before the first release, and after each change of the config."""

from collections.abc import Iterator
from dataclasses import replace

import anyio
import click

from shipways import wire
from shipways.config.dockerfile import bases
from shipways.config.engines import EngineChoice
from shipways.config.lockfile import FILE_NAME, render_lock
from shipways.config.recipes import is_rendered, recipes
from shipways.deploy.flyrules import refused
from shipways.detect import detect
from shipways.errors import ConfigError, Drift, PreflightError, Problem, ShipwaysError
from shipways.facts import PEP_517, python_project
from shipways.gitfacts import ignores
from shipways.model.event import Note
from shipways.model.facts import PythonProject
from shipways.model.lock import Lock
from shipways.pipeline.renderers import RENDERERS
from shipways.ports import Console
from shipways.run import rendering
from shipways.run.checking import lock_problems
from shipways.run.locking import Wanted, changes, kept, lacking, merged, resolve, wanted
from shipways.run.starting import compiler, start
from shipways.settings import Settings, read, settings, write
from shipways.verbs.options import ENGINE


@click.command()
@click.option("--force", is_flag=True, help="Write over a shipways.toml and a noxfile.py that are there.")
def init(force: bool) -> None:
    """Write shipways.toml and a thin noxfile.py for what this folder holds."""
    console, folder = wire.console("plain"), wire.here()
    tree = wire.survey(folder)
    project = detect(folder.name, tree)
    own, compilers = anyio.run(wire.rust_here) if project.needs_rust else ("", ())
    pinned = any(name in tree.files for name in ("rust-toolchain", "rust-toolchain.toml"))
    started = start(project, tree, rust=compiler(own, compilers, pinned=pinned), force=force)
    for note in started.notes:
        console.emit(Note(text=note))
    for name, text in started.texts.items():
        write(folder / name, text)
    console.print(f"wrote {', '.join(started.texts)}; next: look at them, commit, `shipways lock`, `shipways plan`")


@click.command()
def check() -> None:
    """Check the config, the lock and the rendered files.

    A fly.toml is held to the rules that flyctl has for it.
    """
    console, said = wire.console("plain"), settings(wire.here())
    if said.lock is None:
        console.emit(Note(text="there is no shipways.lock yet; `shipways lock` writes it", level="warning"))
    stale = [*_stale(said), *_refused(said)]
    try:
        drifted = anyio.run(_drifted, console)
    except ConfigError as error:  # of the files that git has, which need not be those of the disk
        raise ConfigError(*dict.fromkeys((*stale, *error.problems))) from None
    if stale:
        raise ConfigError(*stale, *drifted)
    if drifted:
        raise Drift(*drifted)
    console.print(f"{said.config.project.name}: nothing to mend")


async def _bare(console: Console, shop: wire.Workshop) -> None:
    """`.env.example` says that secrets are filled in in `.env`, which then must not get into git."""
    config = shop.config
    rendered = config.service and config.deployment.config.folder
    if rendered and not await ignores(wire.process(), shop.repository, wire.here() / ".env"):
        told = ".env: git would take it, and with it the secrets that are filled in there; add it to .gitignore"
        console.emit(Note(text=told, level="warning"))


async def _drifted(console: Console) -> list[Problem]:
    """The rendered files that differ. Before the first commit there are none, and nothing to render them from."""
    try:
        async with wire.workshop() as shop:
            files = rendering.rendered_files(shop.config, shop.facts, RENDERERS)
            await _bare(console, shop)
            differing = rendering.differing(shop.files, shop.repository.root, files)
            return [rendering.drift(file) for file, _ in differing]
    except PreflightError as error:
        told = "; ".join(problem.what for problem in error.problems)
        console.emit(Note(text=f"rendered files are not compared: {told}", level="warning"))
        return []


@click.command()
@click.option("--upgrade", is_flag=True, help="Ask for everything again, not only for what is missing or has changed.")
@ENGINE
def lock(upgrade: bool, engine: EngineChoice | None) -> None:
    """Write shipways.lock: digests of toolchains, build backends, base images, and the images that containers need.

    The last are those that builds run in and that Dockerfiles name. They are not asked for with the engine host, and
    with auto they may be missing.
    """
    said = settings(wire.here(), relock=True)
    engine = engine or said.config.engine.use
    names, problems = _wanted(said, engine)
    if problems:
        raise ConfigError(*problems)
    anyio.run(_lock, said, names, upgrade, engine)


async def _lock(said: Settings, names: Wanted, upgrade: bool, engine: EngineChoice) -> None:
    """Write what was found even where something was not: the next run asks only for the rest."""
    console, old = wire.console("plain"), said.lock or Lock()
    still = kept(names, old)
    asked = names if upgrade else lacking(names, still)
    if engine == "host":
        asked = replace(asked, optional=())
    found = await resolve(asked, wire.index(), wire.images(wire.mirror(said.config)))
    new = merged(old if found.errors else still, found.lock)
    for line in changes(old, new):
        console.emit(Note(text=line))
    text = render_lock(new)
    fresh = said.lock is not None and text == render_lock(said.lock)
    if not fresh:
        write(said.folder / FILE_NAME, text)
    for name, why in found.without:
        console.emit(Note(text=f"could not lock {name}, which builds by Dagger need\n{why}", level="warning"))
    if found.errors:
        kind = ConfigError if any(isinstance(error, ConfigError) for error in found.errors) else PreflightError
        raise kind(*(problem for error in found.errors for problem in error.problems))
    console.print(f"{FILE_NAME} is up to date" if fresh else f"wrote {FILE_NAME}; commit it")


def _stale(said: Settings) -> list[Problem]:
    """What the lock does not hold for the config and the work tree as they are now."""
    names, problems = _wanted(said, said.config.engine.use)
    if said.lock is not None:
        problems += lock_problems(names, said.lock)
    return problems


def _refused(said: Settings) -> Iterator[Problem]:
    """What flyctl would not take of the files that are there, with all that is somebody's own in them."""
    file = said.config.deployment.fly.file
    for path in dict.fromkeys(file.format(service=name) for name in said.config.service) if file else ():
        if (said.folder / path).is_file():
            yield from refused(path, read(said.folder / path))


def _wanted(said: Settings, engine: EngineChoice) -> tuple[Wanted, list[Problem]]:
    """What the config and the work tree need a lock for, and what keeps files of it from being read."""
    problems: list[Problem] = []
    pythons: list[PythonProject] = []
    upon: set[str] = set()
    for name, package in said.config.package.items():
        if package.build in PEP_517 and not package.python.binary:
            try:
                text = read(said.folder / package.path / "pyproject.toml")
                pythons.append(python_project(name, package, text))
            except ShipwaysError as error:
                problems += error.problems
    for build in recipes(said.config):
        try:
            named = bases(read(said.folder / build.dockerfile), build.dockerfile, build.values)
            rendered = is_rendered(said.config, build.dockerfile)  # from the lock, so that its digests follow the lock
            upon.update(name.partition("@")[0] if rendered else name for name in named)
        except ConfigError as error:
            problems += (problem for problem in error.problems if problem not in problems)  # once for all platforms
    return wanted(said.config, pythons, upon, engine), problems
