"""deployments, logs, hold: what runs, what it says, and that it stays as it is."""

import itertools
from collections.abc import Iterable, Sequence

import anyio
import click
from pydantic import ValidationError

from shipways import wire
from shipways.deployer.models import HoldRequest
from shipways.errors import ConfigError, Drift, Problem, Unfinished
from shipways.model.event import Table
from shipways.model.job import Hold
from shipways.run.holding import Answers, Holds
from shipways.run.phases import telling
from shipways.run.watching import Stand, looked, printed, unasked
from shipways.settings import settings
from shipways.verbs.deploying import Named, begun, crewed, named
from shipways.verbs.options import LOG


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@LOG
def deployments(names: tuple[str, ...], log: str) -> None:
    """Show what runs of each [deploy.NAME], and of what was begun and not ended.

    Exit 7 when one is not healthy; 5 when a host does not answer, which its rows say, beside what is known of others.
    """
    known = tuple(settings(wire.here()).config.deploy)
    if not known:
        raise ConfigError(Problem(path="deploy", what="there is no such table", hint="`shipways explain deploy`"))
    anyio.run(_deployments, named(names or known), log)


@click.command()
@click.argument("name")
@click.option("--service", default="", metavar="SERVICE", help="Only of this one.")
def logs(name: str, service: str) -> None:
    """Show the last lines that each service of [deploy.NAME] printed, on each host; exit 5 when one does not answer."""
    anyio.run(_logs, named((name,)), service)


@click.command()
@click.argument("name")
@click.option("--reason", default="", metavar="TEXT", help="Why; whoever is refused reads it.")
@click.option("--release", is_flag=True, help="Take it back.")
def hold(name: str, reason: str, release: bool) -> None:
    """Let nothing be deployed to [deploy.NAME], nor rolled back (exit 3), until the hold is taken back.

    On hosts it lies beside the services, and everybody sees it; for other kinds it lies in dist/, for this work tree.
    Exit 5 when a host does not answer: it says which do, and a hold on one of them is enough.
    """
    if release == bool(reason):
        raise click.UsageError("say either --reason TEXT or --release")
    if reason:
        _bounded(reason)
    anyio.run(_hold, named((name,)), reason)


def _bounded(reason: str) -> None:
    """As the API has it. Raises UsageError."""
    try:
        HoldRequest(reason=reason)
    except ValidationError:
        raise click.UsageError("--reason: say why, in a line of no more than 500 characters") from None


async def _deployments(found: Named, log: str) -> None:
    console = wire.console(log)
    stands: list[Stand] = []
    answers: list[Answers] = []
    async with crewed(found.dist, console) as crew:
        for deployer in found.deployers:
            begun(crew, deployer, found.dist)
            stands += await looked(deployer, crew)
            answers.append(await Holds(deployer=deployer, site=crew.site, folder=found.dist).found())
    wire.console(log, result=True).emit(table(stands, [hold for each in answers for hold in each.holds]))
    sick = [Problem(path=each.item, what=each.why) for each in stands if each.why and not each.problems]
    # A host that was silent twice has one line, though it may have been so in another way.
    told = (*(each.problems for each in stands), *(each.problems for each in answers))
    silent = {(each.path, each.what): each for each in itertools.chain.from_iterable(told)}
    if silent:
        raise Unfinished(*silent.values(), *sick)
    if sick:
        raise Drift(*sick)


def table(stands: Sequence[Stand], holds: Iterable[Hold]) -> Table:
    """What `deployments` shows."""
    rows = tuple(
        (each.item, each.why or "healthy", each.running.digest, each.running.previous, each.running.url)
        for each in stands
    )
    healthy = sum(not each.why for each in stands)
    remarks = (
        *(f"{each.service}: is held by {each.by}: {each.reason}" for each in holds),
        *(f"{each.item}: requests waited {each.running.gap:g} s for it" for each in stands if each.running.gap),
    )
    columns = ("item", "health", "runs", "before", "place")
    return Table(
        about="Deployments", title=f"{healthy} of {len(rows)} healthy", columns=columns, rows=rows, remarks=remarks
    )


async def _logs(found: Named, service: str) -> None:
    (deployer,), console = found.deployers, wire.console("plain")
    async with crewed(found.dist, console) as crew:
        items = [item for item in telling(deployer.items()) if service in {"", *item.id.split("/")}]
        if not items:
            raise ConfigError(Problem(path=deployer.name, what=f"has no service {service}"))
        told = await printed(deployer, items, crew)
    for each in told:
        text = f"({unasked(each.problems)})" if each.problems else each.text.rstrip() or "(nothing)"
        console.print(f"==> {each.item} <==\n{text}")
    if silent := {problem: None for each in told for problem in each.problems}:
        raise Unfinished(*silent)


async def _hold(found: Named, reason: str) -> None:
    (deployer,), console, clock = found.deployers, wire.console("plain"), wire.clock()
    async with crewed(found.dist, console) as crew:
        holds = Holds(deployer=deployer, site=crew.site, folder=found.dist)
        if reason:
            answers = await holds.put(reason=reason, by=crew.site.env.get("USER", "somebody"), since=clock.now())
            said = "is held{where}; nothing is deployed until `--release`"
        else:
            answers = await holds.release()
            said = "is not held any more{where}" if answers.holds else "is not held{where}"
    if answers.hosts or not answers.errors:
        where = f" on {', '.join(answers.hosts)}" if answers.hosts else ""
        console.print(f"{deployer.name}: {said.format(where=where)}")
    if answers.errors:
        raise Unfinished(*answers.problems)
