"""service backup, service restore: what services keep, in archives and back."""

from functools import partial
from pathlib import Path

import anyio
import click

from shipways import wire
from shipways.model.event import Note
from shipways.run.backing import Backups
from shipways.run.pausing import Charge, Pauses
from shipways.run.restoring import Restorer
from shipways.verbs.machines import Asked, found, where

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("name")
@where
@click.option("--to", metavar="DIR", type=_PATH, help="The folder; by default one of shipways' own.")
def backup(name: str, asked: Asked, to: Path | None) -> None:
    """Back up the data of the service NAME, and print the digest and the path of the archive, as sha256sum does.

    The service stands still meanwhile, or its hook copies the data while it runs (service.NAME.backup.hook). Of its
    backups in the folder the newest stay (service.NAME.backup.keep).
    """
    charge, folder, pauses = _charge(asked, name)
    backups = Backups(pauses=pauses, vault=pauses.vault, process=wire.process(), clock=wire.clock())
    made = anyio.run(backups.take, charge, to or folder / name)
    console = wire.console("plain")
    for path in made.passed:
        console.emit(Note(text=f"{path}: is no file, folder or link, and not in the backup", level="warning"))
    if made.stood:
        console.emit(Note(text=f"{name} stood still for {made.stood:.1f} s"))
    for old in made.gone:
        console.emit(Note(text=f"removed {old}"))
    console.print(f"{made.digest}  {made.archive}")


@click.command()
@click.argument("name")
@click.argument("archive", type=_PATH)
@where
@click.option("--force", is_flag=True, help="Put aside the data that is there.")
def restore(name: str, archive: Path, asked: Asked, force: bool) -> None:
    """Restore the data of the service NAME from an archive.

    An archive that is torn, altered or of another service is refused. The data of before is kept beside its place;
    when the service does not start with what was restored, that is taken back.
    """
    charge, _, pauses = _charge(asked, name)
    restorer = Restorer(pauses=pauses, vault=pauses.vault, clock=wire.clock())
    done = anyio.run(partial(restorer.restore, charge, archive, force=force))
    console = wire.console("plain")
    for path in done.aside:
        console.emit(Note(text=f"the data of before is kept: {path}"))
    for left in done.left:
        console.emit(Note(text=f"{left}: is not in the backup, and as it was", level="warning"))
    console.print(f"{name}: restored {', '.join(done.head.folders)}")


def _charge(asked: Asked, name: str) -> tuple[Charge, Path, Pauses]:
    """The service, the folder of backups, and who makes it stand still."""
    from shipways.adapters.vault import DiskVault  # noqa: PLC0415 - it is for Unix alone

    here = found(asked, (name,))
    charge = Charge(project=here.project, service=here.services[0], daemon=here.daemons[0])
    return charge, here.state / "backups", Pauses(here.keeper, DiskVault(), here.state / "backups")
