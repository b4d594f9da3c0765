"""service backup, service restore: what services keep, in archives and back."""

from functools import partial
from pathlib import Path

import anyio
import click

from shipways import wire
from shipways.model.event import Note
from shipways.run.backing import Backups
from shipways.run.containing import Contained
from shipways.run.pausing import Charge, Kept, Pauses
from shipways.run.restoring import Restorer
from shipways.verbs.machines import Asked, contained, found, state_of, where

_PATH = click.Path(path_type=Path)
_COMPOSE = click.option("--compose", is_flag=True, help="Of its container by Docker Compose, on the engine's machine.")


@click.command()
@click.argument("name")
@where
@_COMPOSE
@click.option("--to", metavar="DIR", type=_PATH, help="The folder; by default one of shipways' own.")
def backup(name: str, asked: Asked, compose: bool, to: Path | None) -> None:
    """Back up the data of the service NAME, and print the digest and the path of the archive, as sha256sum does.

    The service stands still meanwhile, or its hook copies the data while it runs (service.NAME.backup.hook). Of its
    backups in the folder the newest stay (service.NAME.backup.keep).
    """
    charge, folder, pauses = _charge(asked, name, compose=compose)
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
@_COMPOSE
@click.option("--force", is_flag=True, help="Put aside the data that is there.")
def restore(name: str, archive: Path, asked: Asked, compose: bool, force: bool) -> None:
    """Restore the data of the service NAME from an archive.

    An archive that is torn, altered or of another service is refused. The data of before is kept beside its place;
    when the service does not start with what was restored, that is taken back.
    """
    charge, _, pauses = _charge(asked, name, compose=compose)
    restorer = Restorer(pauses=pauses, vault=pauses.vault, clock=wire.clock())
    done = anyio.run(partial(restorer.restore, charge, archive, force=force))
    console = wire.console("plain")
    for path in done.aside:
        console.emit(Note(text=f"the data of before is kept: {path}"))
    for left in done.left:
        console.emit(Note(text=f"{left}: is not in the backup, and as it was", level="warning"))
    console.print(f"{name}: restored {', '.join(done.head.folders)}")


def _charge(asked: Asked, name: str, *, compose: bool) -> tuple[Charge, Path, Pauses]:
    """The service, the folder of backups, and who makes it stand still."""
    from shipways.adapters.vault import DiskVault  # noqa: PLC0415 - it is for Unix alone

    vault = DiskVault()
    if compose:
        service, said = contained(asked, name)
        held = Contained(
            process=wire.process(), file=said.folder / said.config.deployment.compose.file, service=service
        )
        behind = held.behind if service.hook else ()
        folders, project, state = anyio.run(held.folders, vault), said.config.project.name, state_of(asked)
        charge = Charge(project=project, service=service, folders=folders, behind=behind)
        return charge, state / "backups", Pauses(held, vault, state / "backups")
    here = found(asked, (name,))
    service = here.services[0]
    folders = {each.name: Path(each.path) for each in service.data}
    charge = Charge(project=here.project, service=service, folders=folders)
    holder = Kept(keeper=here.keeper, daemon=here.daemons[0])
    return charge, here.state / "backups", Pauses(holder, vault, here.state / "backups")
