"""Backups of a service's data: what is in them, when they are taken, which stay.

The service manager is the test's own.
"""

import os
import socket
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backing import SHOP, Desk, Manager, names, seen
from shipways.adapters.trees import walk
from shipways.adapters.vault import DiskVault
from shipways.errors import ConfigError, PreflightError, ShipwaysError, Unfinished
from shipways.model.backup import Source
from shipways.ports import Completed
from shipways.testing.process import ScriptedProcess

HOOK = f'{SHOP}[service.shop.backup]\nhook = ["copy", "{{data.main}}", "{{snapshot.main}}/copy"]\n'
LONG = "x" * 200


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A service with a little of everything in its data directory."""
    made = Desk(tmp_path)
    main = made.data
    (main / "empty").mkdir(parents=True)
    (main / LONG / LONG).mkdir(parents=True)
    (main / LONG / LONG / "deep").write_text("deep")
    (main / "größe \n'\"\\ ☃").write_bytes(os.urandom(100_000))
    (Path(os.fsdecode(os.fsencode(main) + b"/\xff\xfe"))).write_text("no UTF-8")
    (main / "none").touch()
    with (main / "sparse").open("wb") as stream:
        stream.seek(50_000_000)
        stream.write(b"end")
    (main / "link").symlink_to("none")
    (main / "empty" / "up").symlink_to("../none")
    (main / "none").chmod(0o4711)
    (main / "empty").chmod(0o1500)
    os.utime(main / "none", ns=(1, -1_500_000_001))
    os.utime(main / "sparse", ns=(1, 1_234_567_890_123_456_789))
    os.utime(main / "empty", ns=(1, 5))
    return made


def test_everything_comes_back(desk: Desk) -> None:
    """S1-27: any name, mode, owner and time, empty folders, links and holes are after a restore as they were."""
    before = seen(desk.data)
    made = desk.back_up()
    assert 0o600 == stat.S_IMODE(made.archive.stat().st_mode)
    assert "shop-20270115T080001.000Z.tar.zst" == made.archive.name
    assert 1_000_000 > made.archive.stat().st_size
    desk.data.rename(desk.root / "lost")
    restored = desk.restore(made.archive, force=False)
    assert before == seen(desk.data)
    assert () == restored.aside
    assert 1_000_000 > (desk.data / "sparse").stat().st_blocks * 512
    assert {".shop.lock"} == names(desk.root / "state")
    assert {"main"} == names(desk.root / "var")


@settings(max_examples=25)
@given(
    files=st.dictionaries(
        st.binary(min_size=1, max_size=30).filter(lambda name: not {0, 47} & set(name) and name not in (b".", b"..")),
        st.binary(max_size=3000),
        max_size=5,
    )
)
def test_any_name_and_content(tmp_path_factory: pytest.TempPathFactory, files: dict[bytes, bytes]) -> None:
    """Names and contents are bytes, whatever they are."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.data.mkdir(parents=True)
    for name, content in files.items():
        Path(os.fsdecode(os.fsencode(desk.data) + b"/" + name)).write_bytes(content)
    before = seen(desk.data)
    archive = desk.back_up().archive
    desk.data.rename(desk.root / "lost")
    desk.restore(archive)
    assert before == seen(desk.data)


def test_service_stands_still_meanwhile(desk: Desk) -> None:
    """A service that runs is stopped before its data is read, and started after; one that does not run stays so."""
    desk.back_up()
    assert (["stop", "start"], True) == (desk.manager.told, desk.manager.runs)
    idle = desk.other(manager=Manager(runs=False))
    idle.back_up()
    assert ([], False) == (idle.manager.told, idle.manager.runs)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_it_runs_again_whatever_happens(desk: Desk, error: BaseException) -> None:
    """A backup that fails or is ended leaves nothing, and a service that runs."""

    class Full(DiskVault):
        async def pack(self, *_: object) -> None:  # type: ignore[override]
            raise error

    with pytest.raises(type(error)):
        desk.other(vault=Full()).back_up()
    assert (["stop", "start"], True) == (desk.manager.told, desk.manager.runs)
    assert not (desk.root / "backups").exists()


def test_killed_while_it_stood_still(desk: Desk) -> None:
    """What a killed backup has stopped is started by the next one, which says so by running."""
    (desk.root / "state").mkdir()
    (desk.root / "state" / ".shop.begun").write_text('{"begin": true, "swaps": []}')
    desk.manager.runs = False
    desk.back_up()
    assert ["start", "stop", "start"] == desk.manager.told


def copying(argv: tuple[str, ...]) -> Completed | None:
    """A hook that does what it should."""
    Path(argv[2]).write_text(f"of {argv[1]}")
    return None


def test_hook(desk: Desk) -> None:
    """A hook copies the data while the service runs: the copy is what comes back, and belongs to whom the data does."""
    desk.text, desk.process = HOOK, ScriptedProcess(copying)
    desk.data.chmod(0o710)
    archive = desk.back_up().archive
    assert [] == desk.manager.told
    assert {archive.name} == names(desk.root / "backups")
    desk.restore(archive)
    assert f"of {desk.data}" == (desk.data / "copy").read_text()
    assert 0o710 == stat.S_IMODE(desk.data.stat().st_mode)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Completed(code=3, stdout="", stderr="database is locked"), "status 3\n  why: database is locked"),
        (None, "has written nothing into {snapshot.main}"),
    ],
)
def test_hook_that_fails(desk: Desk, answer: Completed | None, said: str) -> None:
    """Without a copy there is no backup, and nothing of it is left."""
    desk.text, desk.process = HOOK, ScriptedProcess(lambda _: answer)
    with pytest.raises(Unfinished) as caught:
        desk.back_up()
    assert said in str(caught.value)
    assert not list((desk.root / "backups").iterdir())


def test_keep(desk: Desk) -> None:
    """The newest stay, and only once there is one more; other files, and other services' backups, stay anyway."""
    desk.text = f"{SHOP}[service.shop.backup]\nkeep = 2\n"
    first, second = (desk.back_up().archive for _ in range(2))
    others = ("shop-x-20270115T080001.000Z.tar.zst", "notes", "shop-2020.tar.zst")
    for name in others:
        (first.parent / name).touch()
    (desk.data / "out").symlink_to("/etc/passwd")
    with pytest.raises(PreflightError):
        desk.back_up()
    assert first.exists()
    (desk.data / "out").unlink()
    made = desk.back_up()
    assert (first,) == made.gone
    assert {second.name, made.archive.name, *others} == names(first.parent)


def test_keep_when_the_clock_goes_back(desk: Desk) -> None:
    """The one that has just been taken stays, though others have later names."""
    desk.text = f"{SHOP}[service.shop.backup]\nkeep = 1\n"
    later = desk.back_up().archive
    desk.clock.advance(-1000)
    assert (later,) == (made := desk.back_up()).gone
    assert made.archive.exists()


def refused(desk: Desk, kind: type[ShipwaysError], said: str, to: Path | None = None) -> None:
    """No backup is taken, and the service is not even stopped."""
    with pytest.raises(kind) as caught:
        desk.back_up(to)
    assert said in str(caught.value)
    assert [] == desk.manager.told


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc", "empty/../../x", "../mainly"])
def test_links_that_lead_out(desk: Desk, target: str) -> None:
    """A link to what is not in the data directory is told: what it leads to would be missing."""
    (desk.data / "out").symlink_to(target)
    refused(desk, PreflightError, f"leads out of it: main/out → {target}")


def test_sockets_are_passed_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only a running program has is not in a backup, and that is said."""
    monkeypatch.chdir(desk.data)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        os.mkfifo("pipe")
        made = desk.back_up()
    assert ("main/pipe", "main/socket") == made.passed


def test_what_cannot_be_backed_up(desk: Desk) -> None:
    """No data, a folder that is not there, and backups within what is backed up."""
    refused(desk.other(text='[service.shop]\nimage = "shop"\n'), ConfigError, "there is nothing to back up")
    refused(desk, PreflightError, "lies in", desk.data / "backups")
    desk.data.rename(desk.root / "lost")
    refused(desk, PreflightError, "No such file or directory")


def test_room(desk: Desk) -> None:
    """Where the disk may not hold it, nothing is begun."""

    class Full(DiskVault):
        def free(self, folder: Path) -> int:
            return 1000

    refused(desk.other(vault=Full()), PreflightError, "there are 0.0 MB free, and 0.")


def test_one_at_a_time(desk: Desk) -> None:
    """While one works on the data of a service, no other does."""
    with desk.vault.locked(desk.root / "state" / ".shop.lock") as held:
        assert held
        refused(desk, PreflightError, "is being backed up or restored already")


def test_another_file_than_was_looked_at(desk: Desk) -> None:
    """What somebody puts in the place of a file between the look and the reading is not read, nor a link followed."""
    things = {thing.path: thing for thing in walk(Source(name="main", path=desk.data)) if thing.path == "main/none"}
    descriptor = os.open(desk.data, os.O_RDONLY)
    thing = replace(things["main/none"], parent=descriptor)
    try:
        (desk.data / "other").write_text("other")
        (desk.data / "other").replace(desk.data / "none")
        with pytest.raises(Unfinished, match="changed while it was read"):
            thing.open()
        (desk.data / "none").unlink()
        (desk.data / "none").symlink_to("/etc/passwd")
        with pytest.raises(OSError, match="symbolic links"):
            thing.open()
    finally:
        os.close(descriptor)


def test_placeholders_of_the_hook() -> None:
    """A hook names data directories that there are."""
    bad = HOOK.replace("{snapshot.main}", "{snapshot.other}")
    with pytest.raises(ConfigError, match=r"service\.shop\.backup\.hook: \{snapshot\.other\} stands for nothing"):
        _ = Desk(Path("/"), bad).charge
    with pytest.raises(ConfigError, match=r"backup\.hook is set, but there is no data"):
        _ = Desk(Path("/"), '[service.shop]\nimage = "shop"\nbackup = { hook = ["x"] }\n').charge
