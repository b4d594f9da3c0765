"""Source trees on their way to a host: a real sshd, links that are cut, disks that are full."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest

from machines import Machine
from shipways.adapters.files import DiskFiles
from shipways.adapters.sourcetrees import DiskTrees
from shipways.adapters.ssh import SshHosts
from shipways.deploy.bringing import bring, present
from shipways.errors import ShipwaysError, Transient, Unfinished
from shipways.model.job import Method
from shipways.model.tree import Content, Recipe, Tree
from shipways.outside.hosts import Address
from shipways.testing.doors import CLOSED_SITE
from sshhosts import Fleet, fleet

pytestmark = [pytest.mark.integration, pytest.mark.long]

LARGE = 40 << 20
SITE = replace(CLOSED_SITE, files=DiskFiles(), trees=DiskTrees())
RECIPE = Recipe(method=Method.DOCKER)


@dataclass
class Ground:
    """A tree, the host that it is brought to, and what was heard of it."""

    fleet: Fleet
    source: Path
    heard: list[tuple[int, int]]
    root: str
    user: str = "root"
    cut: int = 0

    @property
    def machine(self) -> Machine:
        """The host from inside."""
        (found,) = self.fleet.hosts.values()
        return found

    @property
    def tree(self) -> Tree:
        """What is in the tree now."""
        return anyio.run(DiskTrees().walk, str(self.source), [str(self.source)])

    def folder(self, release: str) -> str:
        """Of a release."""
        return f"{self.root}/web/releases/{release}"

    def bring(self, release: str, tree: Tree | None = None) -> int:
        """The bytes that were sent, after which all of it is there."""
        content = Content(tree=tree or self.tree, recipe=RECIPE)
        self.heard.clear()

        async def go() -> None:
            hosts = SshHosts()
            async with contextlib.aclosing(hosts):
                host = await hosts.reach(self.address)
                await host.run(("mkdir", "-p", "--", self.folder(release)))
                await bring(SITE, host, (str(self.source), content), self.folder(release), self._hear)
                assert await present(host, content.digest, self.folder(release))

        anyio.run(go)
        return self.heard[-1][0] - self.heard[0][0] if self.heard else 0

    def run(self, release: str) -> None:
        """A release is that which runs."""
        self.machine.out("ln", "-sfT", f"releases/{release}", f"{self.root}/web/current")

    @property
    def address(self) -> Address:
        """Where it is."""
        (host,) = self.fleet.hosts
        return Address(user=self.user, host=host, port=22, key=str(self.fleet.key), known=str(self.fleet.known))

    def _hear(self, done: int, size: int) -> None:
        self.heard.append((done, size))
        if self.cut and done >= self.cut:
            self.cut = 0
            self.machine.out("pkill", "-KILL", "-f", "sshd: .*@notty")


@pytest.fixture(scope="module")
def ships(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Fleet]:
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else tmp_path_factory.mktemp("kept")
    with fleet(tmp_path_factory.mktemp("fleet"), kept, 1) as made:
        yield made


@pytest.fixture(params=["root", "deploy"])
def ground(ships: Fleet, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A tree with everything that one can have; brought as root, and by sudo."""
    source = tmp_path / "source"
    (source / "app" / "empty").mkdir(parents=True)
    (source / "Dockerfile").write_text("FROM scratch\n")
    (source / "app" / "main.py").write_text("print('one')\n" * 50)
    (source / "app" / "main.py").chmod(0o755)
    (source / "app" / "ünï  -- $(id) 'q'\nline 日本").write_bytes(b"\0\xff")
    (source / "app" / "__init__.py").touch()
    (source / "link").symlink_to("app/main.py")
    (source / "folder").symlink_to("app")
    (source / "-rf").write_text("-rf")
    for number in range(1000):
        (source / "app" / f"module_{number}.py").write_text(f"x = {number}\n" * 40)
    yield Ground(ships, source, [], f"/opt/{tmp_path.name}", str(request.param))


def test_everything_arrives(ground: Ground) -> None:
    """S2-11: names of any characters, symlinks, exec bits, empty files and folders, seen by other eyes than ours."""
    sent = ground.bring("1")
    assert sent > 1000 * 300
    assert sorted(ground.heard) == ground.heard
    assert {ground.heard[-1][0]} == {size for _, size in ground.heard}, "up to the last byte"
    place = f"{ground.folder('1')}/tree"
    listed = ground.machine.out("sh", "-c", f"cd {place} && tar --create --sort=name . | tar --list --verbose | wc -l")
    assert len(ground.tree.nodes) + 1 <= int(listed)
    assert "root root 755 app/main.py" == ground.machine.out(
        "sh", "-c", f"cd {place} && stat --format='%U %G %a %n' app/main.py"
    )
    assert "app/main.py" == ground.machine.out("readlink", f"{place}/link")
    assert b"\0\xff" == bytes.fromhex(ground.machine.out("sh", "-c", f"od -An -tx1 {place}/app/*ünï*"))
    assert "0" == ground.machine.out("sh", "-c", f"ls -A {place}/app/empty | wc -l")
    assert ["tree", "tree.json"] == ground.machine.out("ls", ground.folder("1")).split()


def test_one_line_sends_one_file(ground: Ground) -> None:
    """A line that is changed sends its file; a folder that is renamed sends nothing, nor does the same tree again."""
    ground.bring("1")
    ground.run("1")
    assert 0 == ground.bring("1")
    (ground.source / "app" / "module_7.py").write_text("x = 8\n")
    assert 10240 == ground.bring("2"), "the least that a tar has"
    ground.run("2")
    (ground.source / "app").rename(ground.source / "lib")
    shutil.rmtree(ground.source / "lib" / "empty")
    assert 0 == ground.bring("3", replace(ground.tree)), "symlinks are sent, if they change"
    assert "x = 8" == ground.machine.out("cat", f"{ground.folder('3')}/tree/lib/module_7.py")
    assert "x = 8" == ground.machine.out("cat", f"{ground.folder('2')}/tree/app/module_7.py")


def test_altered_on_the_host(ground: Ground) -> None:
    """A file that somebody edits, adds, removes or makes executable there is as it was, once it is brought again."""
    ground.bring("1")
    for act in ("echo >>app/main.py", "touch app/more", "rm app/module_1.py", "chmod +x Dockerfile", "mkfifo app/pipe"):
        ground.machine.out("sh", "-c", f"cd {ground.folder('1')}/tree && {act}")
        assert ground.bring("1") <= 10240, act


def test_the_link_is_cut(ground: Ground) -> None:
    """F7, F2: what has come is gone on with over the next connection; nobody takes what is not whole for a release."""
    (ground.source / "large").write_bytes(os.urandom(LARGE))
    ground.cut = LARGE // 2
    with pytest.raises(Transient):
        ground.bring("1")
    ground.machine.out("sh", "-c", f"cd {ground.folder('1')} && test ! -e tree && test ! -e tree.json")
    rest = ground.bring("1")
    assert 0 < rest <= LARGE // 2 + (8 << 20)
    assert rest + ground.heard[0][0] == ground.heard[0][1]


def test_other_bytes_of_an_attempt_before(ground: Ground) -> None:
    """What lies there of another attempt and is not ours does not get into the tree: all of it is sent once more."""
    (ground.source / "large").write_bytes(os.urandom(1 << 20))
    ground.cut = 1
    with pytest.raises(ShipwaysError):
        ground.bring("1")
    pack = ground.machine.out("sh", "-c", f"ls -d {ground.folder('1')}/incoming/*")
    ground.machine.out("sh", "-c", f"head -c 600000 /dev/urandom >{pack}")
    with pytest.raises(Transient, match="has not arrived as it was sent"):
        ground.bring("1")
    assert ground.bring("1") > 1 << 20


@pytest.mark.parametrize("options", ["size=3m", "nr_inodes=400", "ro"])
def test_the_disk_is_full(ground: Ground, options: str) -> None:
    """F8: no bytes left, no inodes, or nothing may be written: refused in words, and nothing stays behind."""
    (ground.source / "large").write_bytes(os.urandom(4 << 20))
    ground.machine.out("sh", "-c", f"mkdir -p {ground.root} && mount -t tmpfs -o size=80m tmpfs {ground.root}")
    ground.machine.out("mkdir", "-p", ground.folder("1"))
    ground.machine.out("mount", "-o", f"remount,{options}", ground.root)
    try:
        with pytest.raises(Unfinished, match=r"No space left|Read-only|disk there full") as caught:
            ground.bring("1")
        assert not isinstance(caught.value, Transient)
        assert "" == ground.machine.out("ls", ground.folder("1"))
        ground.machine.out("mount", "-o", "remount,rw,size=80m,nr_inodes=9000", ground.root)
        assert ground.bring("1") > 4 << 20
    finally:
        ground.machine.out("umount", ground.root)


def test_changed_while_it_is_sent(ground: Ground) -> None:
    """F11: a file that is written meanwhile stops it, and nothing stays behind."""
    tree = ground.tree
    (ground.source / "app" / "module_9.py").write_text("later\n")
    with pytest.raises(Unfinished, match="changed while it was sent"):
        ground.bring("1", tree)
    assert "" == ground.machine.out("ls", ground.folder("1"))


def test_cancelled(ground: Ground) -> None:
    """One that is cancelled in mid-transfer ends at once, and the next goes on."""
    (ground.source / "large").write_bytes(os.urandom(LARGE))
    content, folder = Content(tree=ground.tree, recipe=RECIPE), ground.folder("1")

    async def go() -> None:
        hosts, scope = SshHosts(), anyio.CancelScope()
        async with contextlib.aclosing(hosts):
            host = await hosts.reach(ground.address)
            await host.run(("mkdir", "-p", "--", folder))
            with scope:
                await bring(
                    SITE, host, (str(ground.source), content), folder, lambda done, _: scope.cancel() if done else None
                )
            assert scope.cancelled_caught

    anyio.run(go)
    assert 0 < ground.bring("1") < LARGE
