"""init, check: before the first release, and after each change of the config."""

import anyio
import click

from shipways import wire
from shipways.detect import detect
from shipways.errors import ConfigError, Problem, ShipwaysError
from shipways.facts import python_project
from shipways.model.event import Note
from shipways.model.facts import PythonProject
from shipways.run.checking import lock_problems
from shipways.run.locking import wanted
from shipways.run.starting import start


@click.command()
@click.option("--force", is_flag=True, help="Write over a shipways.toml and a noxfile.py that are there.")
def init(force: bool) -> None:
    """Write shipways.toml and a thin noxfile.py for what this folder holds."""
    console, folder = wire.console("plain"), wire.here()
    tree = wire.survey(folder)
    project = detect(folder.name, tree)
    rust = anyio.run(wire.rust_version) if project.needs_rust else ""
    started = start(project, tree, rust=rust, force=force)
    for note in started.notes:
        console.emit(Note(text=note))
    for name, text in started.texts.items():
        wire.write(folder / name, text)
    console.print(f"wrote {', '.join(started.texts)}; next: look at them, commit, `shipways lock`, `shipways plan`")


@click.command()
def check() -> None:
    """Check the config, the lock and the rendered files."""
    console, said = wire.console("plain"), wire.settings()
    if said.lock is None:
        console.emit(Note(text="there is no shipways.lock yet; `shipways lock` writes it", level="warning"))
    if problems := _stale(said):
        raise ConfigError(*problems)
    console.print(f"{said.config.project.name}: nothing to mend")


def _stale(said: wire.Settings) -> list[Problem]:
    """What the lock does not hold for the config and the Python packages as they are now."""
    problems: list[Problem] = []
    pythons: list[PythonProject] = []
    for name, package in said.config.package.items():
        if package.build == "python" and not package.python.binary:
            try:
                text = wire.read(said.folder / package.path / "pyproject.toml")
                pythons.append(python_project(name, package, text))
            except ShipwaysError as error:
                problems += error.problems
    if said.lock is not None:
        problems += lock_problems(wanted(said.config, pythons), said.lock)
    return problems
