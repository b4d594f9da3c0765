"""Which program on PATH is the pinned tool."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import pytest

from shipways.adapters.toolchains import Toolchains
from shipways.errors import Unavailable
from shipways.model.build import RUNTIME, Tool
from shipways.model.lock import Lock, LockedTool, LockedWheel
from shipways.ports import Completed


class OnePath:
    """A PATH with one program of each name, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def env(self) -> Mapping[str, str]:
        return {}

    def cwd(self) -> Path:
        return self._folder

    def find(self, program: str) -> tuple[Path, ...]:
        return (self._folder / program,)


class Says:
    """A process that prints one text, whatever the command."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.asked: tuple[str, ...] = ()

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        keep: Sequence[int] = (),
    ) -> Completed:
        self.asked = tuple(argv)
        return Completed(code=0, stdout=self._text, stderr="")


def folder(path: Path, text: str, tool: Tool) -> Path:
    """Where the tool is found when the program on PATH prints this."""
    tools = Toolchains(process=Says(text), shell=OnePath(path), root=path / "tools", lock=Lock(), host="linux-x86_64")
    return anyio.run(tools.folder, tool)


@pytest.mark.parametrize(
    ("name", "version", "text"),
    [
        ("go", "1.27.3", "go version go1.27.3 linux/amd64\n"),
        ("zig", "0.17.0", "0.17.0\n"),
        ("zig", "0.17.0-dev.12+ab12cd", "0.17.0-dev.12+ab12cd\n"),
        ("cargo-zigbuild", "0.24.0", "cargo-zigbuild 0.24.0\n"),
        ("bun", "1.4.4", "1.4.4\n"),
    ],
)
def test_exactly_this_version(tmp_path: Path, name: str, version: str, text: str) -> None:
    """A program on PATH that says the pinned version is used."""
    assert tmp_path == folder(tmp_path, text, Tool(name=name, version=version))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("zig", "0.17.0-dev.12+ab12cd\n"),
        ("zig", "0.17.0.1\n"),
        ("go", "go version go10.17.0 linux/amd64\n"),
        ("go", "go version go0.17.0-vendor linux/amd64\n"),
    ],
)
def test_nearly_this_version(tmp_path: Path, name: str, text: str) -> None:
    """A build before or beside the release has other code: it is not taken for the release."""
    with pytest.raises(Unavailable, match="not on PATH"):
        folder(tmp_path, text, Tool(name=name, version="0.17.0"))


def test_program_by_another_name(tmp_path: Path) -> None:
    """A launcher that many names lead to is not followed: in its own folder there is no program of this name."""
    (tmp_path / "launcher").mkdir()
    (tmp_path / "launcher" / "any").touch()
    (tmp_path / "zig").symlink_to(tmp_path / "launcher" / "any")
    assert tmp_path == folder(tmp_path, "0.17.0\n", Tool(name="zig", version="0.17.0"))


def test_what_goes_into_programs_is_locked(tmp_path: Path) -> None:
    """The bun of PATH may be any build of its version, so it is not taken for the runtime of programs."""
    with pytest.raises(Unavailable, match=r"toolchain\.bun: bun 1\.4\.4 is not on PATH and not in shipways\.lock"):
        folder(tmp_path, "1.4.4\n", Tool(name=RUNTIME, version="1.4.4", identity="sha256:0"))


@pytest.mark.parametrize(
    ("host", "platform"),
    [("darwin-aarch64", "macosx_11_0_arm64"), ("windows-x86_64", "win_amd64"), ("linux-x86_64", "")],
)
def test_wheel_of_another_kind_of_machine(tmp_path: Path, host: str, platform: str) -> None:
    """pip is told for which kind of machine it is, or it would refuse the wheel; for this one it knows by itself."""
    hosts = ("linux-x86_64", "windows-x86_64", "darwin-aarch64")
    wheels = tuple(LockedWheel(host=each, digest=f"sha256:{each}") for each in hosts)
    lock = Lock(tools=(LockedTool(name="bun", distribution="b", version="1.4.4", wheels=wheels),))
    says, root = Says(""), tmp_path / "tools"
    tools = Toolchains(process=says, shell=OnePath(tmp_path), root=root, lock=lock, host="linux-x86_64")
    with pytest.raises(Unavailable, match="cannot be downloaded"):
        anyio.run(tools.folder, Tool(name=RUNTIME, version="1.4.4", identity=f"sha256:{host}"))
    found = [word.removeprefix("--platform=") for word in says.asked if word.startswith("--platform=")]
    assert bool(platform) == bool(found)
    assert not platform or platform in found
