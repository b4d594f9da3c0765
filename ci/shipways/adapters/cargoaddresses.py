"""Where registries of crates are, as the user's cargo knows it: no address of one is in this program."""

import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio
from anyio.abc import SocketAttribute, SocketStream

from shipways.errors import Problem, Unfinished, first
from shipways.outside.crates import CRATES_IO
from shipways.ports import Completed, Process, Shell

_KEY: Final = "publish.crates.registry"
_HINT: Final = 'write the URL of its sparse index: registry = "sparse+https://INDEX/"'
_MANIFEST: Final = """
[package]
name = "question"
version = "0.0.0"
edition = "2021"
[lib]
path = "lib.rs"
[workspace]
[dependencies]
answer = {{ version = "1"{registry} }}
"""


class CargoAddresses:
    """Asks cargo, in the user's folder, so that every config that counts for cargo counts here."""

    def __init__(self, process: Process, shell: Shell) -> None:
        self._process = process
        self._shell = shell

    async def index(self, registry: str) -> str:
        """The address of a registry's sparse index, with `sparse+`. Raises Unfinished when cargo cannot tell it."""
        if registry.startswith("sparse+"):
            return registry
        found = await (self._crates_io() if registry in CRATES_IO else self._named(registry))
        if not found.startswith("sparse+"):
            why = f"cargo says {found or 'nothing'}"
            raise Unfinished(Problem(path=_KEY, what="the index is not known, or no sparse one", why=why, hint=_HINT))
        return found if found.endswith("/") else f"{found}/"

    async def crates_io(self, index: str) -> str:
        """What cargo calls crates.io, for the registry with this index; empty when that is crates.io itself."""
        if await self._crates_io() == index:
            return ""
        source = await self._metadata("", "source")
        return source.removeprefix("registry+")

    async def _named(self, registry: str) -> str:
        return await self._metadata(f', registry = "{registry}"', "registry")

    async def _metadata(self, registry: str, key: str) -> str:
        """What `cargo metadata` says of a dependency; it needs no network for that (Cargo Book, "cargo metadata")."""
        with tempfile.TemporaryDirectory(prefix="shipways-") as folder:
            manifest = Path(folder, "Cargo.toml")
            manifest.write_text(_MANIFEST.format(registry=registry))
            Path(folder, "lib.rs").touch()
            words = ("metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path", str(manifest))
            answer = await self._cargo(words, {})
        if answer.code != 0:
            why = " ".join(answer.stderr.split())
            raise Unfinished(Problem(path=_KEY, what="cargo does not know this registry", why=why, hint=_HINT))
        return str(json.loads(answer.stdout)["packages"][0]["dependencies"][0][key] or "")

    async def _crates_io(self) -> str:
        """cargo prints its sparse index of crates.io nowhere, so a proxy of ours hears where it goes.

        The first line of a request names the host (RFC 9110, 9.3.6, CONNECT), and nothing goes out. The index is the
        whole host.
        """
        asked: list[str] = []

        async def hear(stream: SocketStream) -> None:
            async with stream:
                with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                    asked.append((await stream.receive(1024)).decode(errors="replace"))

        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as proxy:
            port = proxy.extra(SocketAttribute.local_port)  # noqa: S610 - no database is near
            settings = (f'http.proxy="http://127.0.0.1:{port}"', "net.offline=false", "net.retry=0")
            config = (word for each in settings for word in ("--config", each))
            env = {"NO_PROXY": "", "no_proxy": "", "CARGO_REGISTRIES_CRATES_IO_PROTOCOL": "sparse"}
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(proxy.serve, hear)
                    await self._cargo(("search", "answer", "--registry", "crates-io", *config), env)
                    group.cancel_scope.cancel()
            except BaseExceptionGroup as failures:
                raise first(failures) from None
        method, _, rest = (asked or [""])[0].partition(" ")
        host, _, port_asked = rest.partition(" ")[0].rpartition(":")
        return f"sparse+https://{host}/" if (method, port_asked) == ("CONNECT", "443") else ""

    async def _cargo(self, words: tuple[str, ...], more: Mapping[str, str]) -> Completed:
        """Tokens stay out of it: cargo has no use for them here."""
        env = {name: value for name, value in self._shell.env().items() if not name.endswith("_TOKEN")}
        try:
            return await self._process.run(
                ("cargo", *words), cwd=self._shell.cwd(), env={**env, "RUSTUP_AUTO_INSTALL": "0", **more}
            )
        except FileNotFoundError:
            why = "only cargo knows where a registry is that is not given by its URL, and what it calls crates.io"
            raise Unfinished(Problem(path=_KEY, what="cargo is not on PATH", why=why, hint=_HINT)) from None
