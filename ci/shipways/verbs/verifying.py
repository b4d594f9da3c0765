"""`verify`: is what people get what was made?"""

from collections.abc import Iterator, Sequence

import anyio
import click

from shipways import wire
from shipways.config.manifestfile import FILE_NAME, parse_manifest
from shipways.errors import Conflict, Drift, PreflightError, Problem, Unfinished
from shipways.model.artifact import Kind
from shipways.model.event import Table
from shipways.model.manifest import Manifest
from shipways.model.outcome import Outcome
from shipways.run.audit import Disk, Findings, audit, compare
from shipways.run.report import publish_table
from shipways.run.supply import bring, sources, trust
from shipways.run.trials import trials
from shipways.run.trying import Bench, Tried, attempt
from shipways.verbs import publishing
from shipways.verbs.options import LOG
from shipways.verbs.resuming import Resumed, look, published, resumed


@click.command()
@click.option("--tag", default="", metavar="TAG", help="Verify by the manifest of this tag's release: needs no dist/.")
@click.option("--install", is_flag=True, help="Install it too, as users do, each time in an empty environment.")
@LOG
def verify(tag: str, install: bool, log: str) -> None:
    """Download everything from every channel and compare it with the manifest; exit 7 where it differs.

    With --install the version that each program prints is compared too; that runs the programs of the release.
    """
    anyio.run(_verify, tag, install, log)


async def _verify(tag: str, install: bool, log: str) -> None:
    with wire.store().scratch() as scratch:
        run = resumed(tag, scratch, wire.console(log))
        manifest = await published(run, "`shipways verify` compares with dist/") if tag else _own(run)
        outcome = await look(run, manifest)
        run.console.emit(publish_table(outcome))
        found = await _findings(run, manifest, outcome)
        tried = await _install(run, manifest, outcome) if install and not found.wrong else ()
        run.console.emit(_table(run, found, tried, install=install))
    wrong = (*found.wrong, *(each.problem for each in tried if each.problem))
    if wrong:
        raise Drift(*wrong, *found.unasked)
    if found.unasked:
        raise Unfinished(*found.unasked)


def _own(run: Resumed) -> Manifest:
    files = wire.files()
    if not files.exists(run.dist / FILE_NAME):
        hint = "`shipways release` makes it; `shipways verify --tag` takes the published one"
        raise PreflightError(Problem(path=f"dist/{FILE_NAME}", what="is not there", hint=hint))
    return parse_manifest(files.read(run.dist / FILE_NAME))


async def _findings(run: Resumed, manifest: Manifest, outcome: Outcome) -> Findings:
    """What differs. A manifest that nobody vouches for is not followed any further."""
    told = compare(outcome)
    try:
        trust(outcome)
    except Conflict as error:
        raise Drift(*dict.fromkeys((*told.wrong, *error.problems))) from None
    async with publishing.opened(run.scratch, run.console) as around:
        seen = await audit(run.channels, manifest, outcome, around, Disk(files=wire.files(), folder=run.scratch))
    return Findings(wrong=(*told.wrong, *seen.wrong), unasked=(*told.unasked, *seen.unasked), right=seen.right)


async def _install(run: Resumed, manifest: Manifest, outcome: Outcome) -> tuple[Tried, ...]:
    files, formulas = wire.files(), [entry for entry in manifest.artifacts if entry.kind == Kind.FORMULA]
    async with publishing.opened(run.scratch, run.console) as around:
        await bring(formulas, sources(run.channels, outcome), run.scratch, files, around)
    bench = Bench(
        process=wire.process(),
        files=files,
        console=run.console,
        clock=wire.clock(),
        env=wire.environment(),
        scratch=run.scratch,
        artifacts=run.scratch,
    )
    registry = run.config.publish.crates.registry if run.config.publish.crates else ""
    return await attempt(trials(run.config, manifest, await wire.trial_host(registry)), bench)


def _table(run: Resumed, found: Findings, tried: Sequence[Tried], *, install: bool) -> Table:
    """A row for what was downloaded from each channel, and for each installation."""
    rows = (*found.right, *((each.name, each.state) for each in tried))
    problems = len(found.wrong) + sum(each.problem is not None for each in tried)
    title = f"{problems} problems" if problems else "nothing differs" if not found.unasked else "not everything answers"
    return Table(
        title=title, columns=("what", "found"), rows=rows, remarks=tuple(_remarks(run, found, install=install))
    )


def _remarks(run: Resumed, found: Findings, *, install: bool) -> Iterator[str]:
    told = {channel for channel, _ in found.right}
    if lookers := [channel.name for channel in run.channels if channel.name not in told]:
        yield f"looked at: {', '.join(lookers)}"
    if not install:
        yield "nothing was installed: --install does that"
    elif found.wrong:
        yield "nothing was installed, since what is there is not what was made"
