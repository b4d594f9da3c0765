"""deployments, logs, hold: what runs, what it says, and that it stays as it is."""

from collections.abc import Iterable

import anyio
import click

from shipways import wire
from shipways.errors import ConfigError, Drift, Problem
from shipways.model.event import Table
from shipways.model.job import Hold
from shipways.ports import Console
from shipways.run.holding import Holds
from shipways.run.phases import telling
from shipways.run.watching import Stand, looked
from shipways.settings import settings
from shipways.verbs.deploying import Named, begun, crewed, named
from shipways.verbs.options import LOG


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@LOG
def deployments(names: tuple[str, ...], log: str) -> None:
    """Show what runs of each [deploy.NAME], and of what was begun and not ended; exit 7 when one is not healthy."""
    anyio.run(_deployments, named(names or tuple(settings(wire.here()).config.deploy)), log)


@click.command()
@click.argument("name")
@click.option("--service", default="", metavar="SERVICE", help="Only of this one.")
def logs(name: str, service: str) -> None:
    """Show the last lines that each service of [deploy.NAME] printed, on each host."""
    anyio.run(_logs, named((name,)), service)


@click.command()
@click.argument("name")
@click.option("--reason", default="", metavar="TEXT", help="Why; whoever is refused reads it.")
@click.option("--release", is_flag=True, help="Take it back.")
def hold(name: str, reason: str, release: bool) -> None:
    """Let nothing be deployed to [deploy.NAME], nor rolled back (exit 3), until the hold is taken back.

    On hosts it lies beside the services, and everybody sees it; for other kinds it lies in dist/, for this work tree.
    """
    if release == bool(reason):
        raise click.UsageError("say either --reason TEXT or --release")
    anyio.run(_hold, named((name,)), reason)


async def _deployments(found: Named, log: str) -> None:
    console = wire.console(log)
    stands: list[Stand] = []
    holds: list[Hold] = []
    async with crewed(found.dist, console) as crew:
        for deployer in found.deployers:
            begun(crew, deployer, found.dist)
            stands += await looked(deployer, crew)
            holds += await Holds(deployer=deployer, site=crew.site, folder=found.dist).found()
    _shown(console, stands, holds)
    problems = [Problem(path=each.item, what=each.why) for each in stands if each.why]
    if problems:
        raise Drift(*problems)


def _shown(console: Console, stands: Iterable[Stand], holds: Iterable[Hold]) -> None:
    rows = tuple(
        (each.item, each.why or "healthy", each.running.digest, each.running.previous, each.running.url)
        for each in stands
    )
    healthy = sum(not each.why for each in stands)
    remarks = tuple(f"{each.service}: is held by {each.by}: {each.reason}" for each in holds)
    columns = ("item", "health", "runs", "before", "place")
    title = f"{healthy} of {len(rows)} healthy"
    console.emit(Table(about="Deployments", title=title, columns=columns, rows=rows, remarks=remarks))


async def _logs(found: Named, service: str) -> None:
    (deployer,), console = found.deployers, wire.console("plain")
    async with crewed(found.dist, console) as crew:
        items = [item for item in telling(deployer.items()) if service in {"", *item.id.split("/")}]
        if not items:
            raise ConfigError(Problem(path=deployer.name, what=f"has no service {service}"))
        for item in items:
            text = await deployer.logs(crew.site, item)
            console.print(f"==> {item.id} <==\n{text.rstrip() or '(nothing)'}")


async def _hold(found: Named, reason: str) -> None:
    (deployer,), console, clock = found.deployers, wire.console("plain"), wire.clock()
    async with crewed(found.dist, console) as crew:
        holds = Holds(deployer=deployer, site=crew.site, folder=found.dist)
        if reason:
            by = crew.site.env.get("USER", "somebody")
            await holds.put(reason=reason, by=by, since=clock.now())
            console.print(f"{deployer.name}: is held; nothing is deployed until `--release`")
        else:
            was = await holds.found()
            await holds.release()
            console.print(f"{deployer.name}: is {'not held any more' if was else 'not held'}")
