"""SSH: keys of hosts as files of known hosts have them, what a command prints while it runs, and what is held."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
import asyncssh
import pytest

from shipways.adapters.ssh import SshHosts
from shipways.errors import PreflightError
from shipways.outside.hosts import Address, Host
from support import need

pytestmark = pytest.mark.integration


class Door(asyncssh.SSHServer):
    """Lets everybody in who has a key."""

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True


Answer = Callable[["asyncssh.SSHServerProcess[str]"], Awaitable[None]]


async def _echo(process: "asyncssh.SSHServerProcess[str]") -> None:
    process.stdout.write(str(process.command))
    process.exit(0)


class Ground:
    """A server with a key of each of two types, another key, and the file of known hosts that a user has."""

    def __init__(self, folder: Path) -> None:
        self.known = folder / "known_hosts"
        self.key = folder / "key"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(self.key))
        kinds = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-ed25519")
        self.keys = [asyncssh.generate_private_key(kind) for kind in kinds]
        self.signed: list[asyncssh.SSHCertificate] = []

    def line(self, number: int, mark: str = "") -> str:
        """As ssh-keyscan tells it, for a port that is not 22."""
        public = self.keys[number].export_public_key("openssh").decode().rsplit(" ", 0)[0].strip()
        return f"{mark}[127.0.0.1]:{self.port} {public}\n"

    @contextlib.asynccontextmanager
    async def served(self, answer: Answer | None = None) -> AsyncIterator[None]:
        """On a free port of the loopback."""
        keys = [(key, signed) for key, signed in zip(self.keys, self.signed, strict=False)] or self.keys[:2]
        server = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Door, server_host_keys=keys, process_factory=answer or _echo
        )
        self.port = server.get_port()
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()

    @contextlib.asynccontextmanager
    async def host(self, text: str) -> AsyncIterator[Host]:
        """It, with a file of known hosts of this text."""
        self.known.write_text(text)
        hosts = SshHosts()
        address = Address(user="root", host="127.0.0.1", port=self.port, key=str(self.key), known=str(self.known))
        async with contextlib.aclosing(hosts):
            yield await hosts.reach(address)

    async def reached(self, text: str) -> str:
        """What a command prints there, with a file of known hosts of this text."""
        async with self.host(text) as host:
            return (await host.run(("true",))).stdout


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path)


def within(ground: Ground, act: Callable[[], Awaitable[None]]) -> None:
    """While the server is there."""

    async def go() -> None:
        async with ground.served():
            await act()

    anyio.run(go)


@pytest.mark.parametrize("number", [0, 1])
def test_several_types(ground: Ground, number: int) -> None:
    """F17: a host has a key of each type, and any one that is known is enough."""

    async def act() -> None:
        assert "true" == await ground.reached(ground.line(number))

    within(ground, act)


def test_hashed(ground: Ground) -> None:
    """F17: a file in which names are hashed, as many systems write it."""
    need("ssh-keygen")

    async def act() -> None:
        ground.known.write_text(ground.line(0))
        await anyio.run_process(("ssh-keygen", "-q", "-H", "-f", str(ground.known)))
        text = ground.known.read_text()
        assert "127.0.0.1" not in text
        assert "true" == await ground.reached(text)

    within(ground, act)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (lambda _: "", "is not known"),
        (lambda ground: ground.line(2), "is not the known one"),
        (lambda ground: ground.line(0) + ground.line(0, "@revoked "), "is revoked"),
    ],
)
def test_refused(ground: Ground, lines: Callable[[Ground], str], words: str) -> None:
    """F17: a host with no known key, another one, or one that was revoked: refused, and the file stays as it is."""

    async def act() -> None:
        text = lines(ground)
        with pytest.raises(PreflightError, match=words):
            await ground.reached(text)
        assert text == ground.known.read_text()

    within(ground, act)


@pytest.mark.parametrize(("names", "words"), [(("127.0.0.1",), ""), (("elsewhere.example",), "is not known"), ((), "")])
def test_authority(ground: Ground, names: tuple[str, ...], words: str) -> None:
    """F17: an authority is known, and its certificate is for this host, for another one, or for any."""
    ground.signed = [ground.keys[2].generate_host_certificate(ground.keys[0], "a host", principals=names)]

    async def act() -> None:
        text = ground.line(2, "@cert-authority ")
        if words:
            with pytest.raises(PreflightError, match=words):
                await ground.reached(text)
        else:
            assert "true" == await ground.reached(text)

    within(ground, act)


def test_a_key_with_a_passphrase(ground: Ground) -> None:
    """F18: it is for ssh-agent, and that is said."""
    need("ssh-keygen")

    async def act() -> None:
        ground.key.chmod(0o600)
        words = ("ssh-keygen", "-q", "-p", "-N", "a passphrase", "-f", str(ground.key))
        await anyio.run_process(words)
        with pytest.raises(PreflightError, match="the key cannot be used"):
            await ground.reached(ground.line(0))

    within(ground, act)


def test_no_key(ground: Ground) -> None:
    """F18: its file is not there: it is said which, and asked for once."""

    async def act() -> None:
        ground.key.unlink()
        with pytest.raises(PreflightError, match=rf"{ground.key}: cannot be read[\s\S]*\[serve.ssh\]"):
            await ground.reached(ground.line(0))

    within(ground, act)


def test_heard_while_it_runs(ground: Ground) -> None:
    """Lines of both streams are heard before the command has ended: it goes on only when the first was."""
    heard, told = anyio.Event(), list[str]()

    async def answer(process: "asyncssh.SSHServerProcess[str]") -> None:
        process.stdout.write("one\nhalf ")
        await heard.wait()
        process.stdout.write("a line\n")
        process.stderr.write("two\n")
        process.exit(3)

    def tell(text: str) -> None:
        told.append(text)
        heard.set()

    async def act() -> None:
        with anyio.fail_after(60):
            async with ground.served(answer), ground.host(ground.line(0)) as host:
                done = await host.follow(("build",), tell)
        assert (3, "one\nhalf a line\ntwo\n") == (done.code, done.stdout)

    anyio.run(act)
    assert ("one", ["one", "half a line", "two"]) == (told[0], "\n".join(told).splitlines())


def test_what_is_held_ends(ground: Ground) -> None:
    """F16: tender lets go of its locks while the connection stays: they are not held any more, and can be again."""
    over = anyio.Event()

    async def answer(process: "asyncssh.SSHServerProcess[str]") -> None:
        process.stdout.write('{"token":7}\n')
        await over.wait()
        process.exit(1)

    async def act() -> None:
        nonlocal over
        with anyio.fail_after(60):
            async with ground.served(answer), ground.host(ground.line(0)) as host:
                for _ in range(2):
                    over = anyio.Event()
                    assert 0 == (await host.hold(("a", "b"), ("lock",))).code
                    assert '{"token":7}\n' == host.held("a") == host.held("b")
                    over.set()
                    while host.held("a") or host.held("b"):  # noqa: ASYNC110 - nobody else tells
                        await anyio.sleep(0.01)

    anyio.run(act)


def test_what_is_held_ends_where_links_hang(ground: Ground) -> None:
    """F16: commands that do not end when they are told to, and no time for it: nobody gives a sign of life any more."""

    async def answer(process: "asyncssh.SSHServerProcess[str]") -> None:
        process.stdout.write('{"token":7}\n')
        await anyio.sleep_forever()

    async def act() -> None:
        with anyio.fail_after(60):
            async with ground.served(answer):
                ground.known.write_text(ground.line(0))
                hosts, before = SshHosts(), asyncio.all_tasks()
                all_of_them = []
                for user in ("root", "ann", "bob"):
                    address = Address(
                        user=user, host="127.0.0.1", port=ground.port, key=str(ground.key), known=str(ground.known)
                    )
                    all_of_them.append(host := await hosts.reach(address))
                    assert 0 == (await host.hold(("a",), ("lock",))).code
                beats = {each for each in asyncio.all_tasks() - before if "_beat" in repr(each)}
                with anyio.move_on_after(0.2) as scope:
                    await hosts.aclose()
                await anyio.wait_all_tasks_blocked()
                assert (True, 3, set()) == (scope.cancelled_caught, len(beats), beats & asyncio.all_tasks())
                assert [True] * 3 == [host.gone for host in all_of_them]

    anyio.run(act)
