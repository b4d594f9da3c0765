"""deploy, rollback: what runs becomes what was released, or what ran before."""

import contextlib
import difflib
import functools
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import click

from shipways import wire
from shipways.config.manifestfile import FILE_NAME, parse_manifest
from shipways.doors import site
from shipways.errors import ConfigError, PreflightError, Problem
from shipways.model.event import Note
from shipways.model.item import Item
from shipways.model.manifest import Manifest
from shipways.model.outcome import Outcome
from shipways.outside.platforms import Deployer
from shipways.pipeline.deployers import DEPLOYERS
from shipways.ports import Console
from shipways.run import deploying
from shipways.run.deploying import Crew, failure
from shipways.run.holding import Holds
from shipways.run.keptmoves import FileMoves
from shipways.run.patience import persist
from shipways.run.record import append_publication
from shipways.run.report import deploy_table
from shipways.run.returning import rollbacks
from shipways.run.supply import trust
from shipways.settings import settings
from shipways.verbs.options import LOG
from shipways.verbs.resuming import lay_programs, look, published, resumed
from shipways.verbs.standing import machine_services

_Wanted = list[tuple[Deployer, tuple[Item, ...]]]
"""The items of each deployment, with what should run."""
_DRY = click.option("--dry-run", is_flag=True, help="Only look, and print what would be done.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Deployments that somebody asked for by name, and the folder of what was made."""

    deployers: tuple[Deployer, ...]
    dist: Path


@click.command()
@click.argument("name")
@click.option("--tag", default="", metavar="TAG", help="What was released under this tag; by default what is in dist/.")
@_DRY
@LOG
def deploy(name: str, tag: str, dry_run: bool, log: str) -> None:
    """Bring the services of [deploy.NAME] to what was released, by digest.

    All become healthy in time, or all return to what ran before (exit 8), also what a run has moved that was killed.
    What runs already is left alone.
    """
    anyio.run(_deploy, name, tag, log, not dry_run)


@click.command()
@click.argument("name")
@_DRY
@LOG
def rollback(name: str, dry_run: bool, log: str) -> None:
    """Return the services of [deploy.NAME] to what ran before; once more returns to what runs now.

    After a deployment that was killed: what it has begun is taken back.
    """
    anyio.run(_rollback, name, log, not dry_run)


async def _deploy(name: str, tag: str, log: str, apply: bool) -> None:
    await deploy_all(named((name,)), tag, wire.console(log), apply=apply)


async def deploy_all(named: Named, tag: str, console: Console, *, apply: bool) -> None:
    """One deployment after the other, of what was released under a tag, else of what is in dist/.

    Raises ConfigError, PreflightError, Unfinished, DeployFailed: those that come after one that fails do not begin.
    """
    with wire.store().scratch() as scratch:
        wanted = await _released(named, tag, scratch, console) if tag else _wanted(named, _made(named.dist))
        async with crewed(named.dist, console, scratch if tag else None, holds=apply) as crew:
            for deployer in named.deployers:
                await _preflight(deployer, crew, named.dist)
            for deployer, items in wanted:
                await _carried(deploying.deploy(deployer, items, begun(crew, deployer, named.dist), apply=apply), crew)


async def _rollback(name: str, log: str, apply: bool) -> None:
    console, found = wire.console(log), named((name,))
    (deployer,) = found.deployers
    items = deployer.items()
    async with crewed(found.dist, console, holds=apply) as plain:
        crew = begun(plain, deployer, found.dist)
        await _preflight(deployer, crew, found.dist)
        running = await persist(name, lambda: deployer.observe(crew.site, items), console, crew.clock)
        if moved := crew.moves.moved():
            back = tuple(replace(item, want=moved[item.id].before.digest) for item in items if item.id in moved)
            act = deploying.undo(deployer, back, crew) if apply else deploying.deploy(deployer, back, crew, apply=False)
        else:
            act = deploying.deploy(deployer, rollbacks(items, running), crew, apply=apply)
        await _carried(act, crew)


def named(names: Sequence[str]) -> Named:
    """The deployments of these names. Raises ConfigError."""
    said, machine = settings(wire.here()), wire.machine()
    found = {
        each.name.removeprefix("deploy."): each for place in DEPLOYERS for each in place.plan(said.config, machine)
    }
    problems = [_unknown(name, found) for name in names if name not in found]
    if problems:
        raise ConfigError(*problems)
    return Named(deployers=tuple(found[name] for name in names), dist=said.folder / "dist")


def _unknown(name: str, found: dict[str, Deployer]) -> Problem:
    near = difflib.get_close_matches(name, found, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(found) or 'none'}"
    return Problem(path=f"deploy.{name}", what="there is no such deployment", hint=hint)


@contextlib.asynccontextmanager
async def crewed(
    dist: Path, console: Console, programs: Path | None = None, *, holds: bool = True
) -> AsyncIterator[Crew]:
    """Hosts stay reached, and their locks held, while the block runs; only looking holds nobody up.

    `programs` is where those of a manifest lie, if that is not `dist`.
    """
    clock, files = wire.clock(), wire.files()
    there = site(dist.parent, programs or dist, wire.shell(), clock, functools.cache(machine_services))
    crew = Crew(
        site=replace(there, holds=holds),
        console=console,
        clock=clock,
        record=lambda row: append_publication(files, dist, row, clock),
    )
    async with contextlib.aclosing(crew.site.hosts):
        yield crew


def begun(crew: Crew, deployer: Deployer, dist: Path) -> Crew:
    """The same for one deployment, with what a run of it has moved that was killed."""
    moves = FileMoves(wire.files(), dist / f"{deployer.name}.begun.json")
    if moved := moves.moved():
        text = f"{deployer.name}: a run before this one was interrupted; what it moved counts: {', '.join(moved)}"
        crew.console.emit(Note(text=text, level="warning"))
    return replace(crew, moves=moves)


async def _preflight(deployer: Deployer, crew: Crew, dist: Path) -> None:
    problems = await persist(deployer.name, lambda: deployer.preflight(crew.site), crew.console, crew.clock)
    if problems:
        raise PreflightError(*problems)
    holds = Holds(deployer=deployer, site=crew.site, folder=dist)
    await persist(deployer.name, holds.refuse, crew.console, crew.clock)


async def _carried(run: Awaitable[Outcome], crew: Crew) -> None:
    """Do it, and show the table that says how far it came."""
    outcome = await run
    crew.console.emit(deploy_table(outcome))
    if (error := failure(outcome)) is not None:
        raise error


def _made(dist: Path) -> Manifest:
    files = wire.files()
    if not files.exists(dist / FILE_NAME):
        hint = "name a release with --tag, or make one: `nox -s release`"
        raise PreflightError(Problem(path=f"dist/{FILE_NAME}", what="there is none", hint=hint))
    return parse_manifest(files.read(dist / FILE_NAME))


def _wanted(named: Named, manifest: Manifest) -> _Wanted:
    return [(deployer, deployer.desired(manifest)) for deployer in named.deployers]


async def _released(named: Named, tag: str, scratch: Path, console: Console) -> _Wanted:
    """What should run by the manifest of a release, whose proofs have been verified; its programs are in `scratch`.

    Raises as `release --tag` does, and PreflightError for a program that no place has.
    """
    run = resumed(tag, scratch, console)
    manifest = await published(run, "only what is in dist/ can be deployed")
    outcome = await look(run, manifest)
    trust(outcome)
    wanted = _wanted(named, manifest)
    paths = [item.path for _, items in wanted for item in items if item.path]
    await lay_programs(run, manifest, outcome, paths)
    console.emit(Note(text=f"{tag}: deploys what its manifest names"))
    return wanted
