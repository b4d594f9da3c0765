"""migrate: what others' programs read becomes what aisopod reads."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from shipways import wire
from shipways.adapters.console import table_text
from shipways.migrate import finding, including, output, outside, report
from shipways.migrate.mapping import Around, Migration, Row
from shipways.migrate.mapping import migrate as migrate_values
from shipways.migrate.variables import settings
from shipways.ports import Files

_UNUSED: Final = "aisopod checks gateway, auth, logging and data_dir; it accepts agents, channels and models for later"


@click.group()
def migrate() -> None:
    """Turn a configuration of OpenClaw into one of aisopod."""


@migrate.command()
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="This file; by default it is found.")
@click.option("--profile", default="", metavar="NAME", help="Look for this profile's (OPENCLAW_PROFILE).")
@click.option("--write", type=click.Path(path_type=Path), metavar="FILE", help="Write aisopod's; else only tell.")
@click.option("--force", is_flag=True, help="With --write: replace files that say something else.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def openclaw(config: Path | None, profile: str, write: Path | None, force: bool, as_json: bool) -> int:
    """Tell for each key of OpenClaw's configuration what becomes of it, and with --write make aisopod's.

    It is looked for wherever OpenClaw, clawdbot, moldbot and moltbot have had it, with what it includes. Secrets go to
    FILE's .env and .secrets beside it, and are never printed. Nothing of OpenClaw is changed or stopped.

    Exit codes: 0 clean, 1 lossy (some of it is dropped or needs a human), 2 invalid.
    """
    job = _Job(home=finding.home(wire.environment(), wire.home(), profile), config=config, place=write)
    there, read, migration = job.run()
    rows = (*migration.rows, *job.around(there))
    found = output.texts(migration, job.target)
    if write:
        inputs = frozenset(map(job.files.real, (there[0].parent / ".env", *read)))
        output.write(found, job.files, inputs, force=force)
    done = "wrote" if write else "nothing is written; --write FILE makes"
    remarks = (_UNUSED, f"{done} {', '.join(map(str, found))}")
    told = report.as_json(there[0], rows) if as_json else table_text(report.table(there[0], rows, remarks)).lstrip()
    wire.console("plain").print(told)
    return report.exit_code(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One migration: whose, of which file (None: it is found), and where to."""

    home: finding.Home
    config: Path | None
    place: Path | None
    files: Files = field(default_factory=wire.files)

    @property
    def target(self) -> Path:
        """The whole path of aisopod's configuration."""
        return self.files.real(self.place or wire.here() / "aisopod.json")

    def run(self) -> tuple[tuple[Path, ...], frozenset[Path], Migration]:
        """The configurations that there are, the files that the first was read from, and what becomes of it."""
        there = (self.files.real(self.config),) if self.config else finding.found(self.home, self.files)
        root, read = including.load(there[0], self.files, finding.roots(self.home, os.pathsep))
        beside = there[0].parent / ".env"
        lines = settings(including.text(self.files, beside)) if self.files.exists(beside) else ()
        around = Around(
            settings={str(beside): lines},
            env=self.home.env,
            folder=str(output.secrets_folder(self.target)),
            data_dir=str(self.home.folder / finding.named(".aisopod", self.home)),
            port=finding.port(self.home),
        )
        return there, read, migrate_values(root, around)

    def around(self, there: tuple[Path, ...]) -> Iterator[Row]:
        """What is beside the configuration."""
        yield from outside.beside(there, self.home, self.files)
        yield from outside.services(self.home, self.files)
        yield from outside.probes(wire.here(), self.files)
