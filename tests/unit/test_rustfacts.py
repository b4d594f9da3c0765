"""Which Rust is found on a machine, and what tells two of them apart."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import pytest

from shipways.ports import Completed
from shipways.rustfacts import Installed, installed

TOLD = """rustc {version} (ac68faa20 2026-05-25){built}
binary: rustc
commit-hash: ac68faa20c58cbccd01ee7208bf3b6e93a7d7f96
host: x86_64-unknown-linux-gnu
release: {version}
"""


class Machine:
    """The `Process` and `Shell` ports of a machine with some toolchains, and with rustup's proxy for one of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: dict[Path, str] = {}
        self.path: list[Path] = []
        self.proxied = ""
        self.asked: list[Mapping[str, str]] = []

    def toolchain(self, name: str, version: str, *, built: str = "", on_path: bool = True) -> Path:
        """A toolchain with the std of its host."""
        sysroot = self.folder / name
        (sysroot / "bin").mkdir(parents=True)
        program = sysroot / "bin" / "rustc"
        program.touch()
        self.told[program] = TOLD.format(version=version, built=built)
        library = sysroot / "lib/rustlib/x86_64-unknown-linux-gnu/lib"
        library.mkdir(parents=True)
        (library / "libstd-0123.rlib").touch()
        if on_path:
            self.path.append(program)
        return sysroot

    def proxy(self, sysroot: str) -> None:
        """A rustc on PATH that stands for another one."""
        program = self.folder / "cargo" / "bin" / "rustc"
        program.parent.mkdir(parents=True)
        program.touch()
        self.path.insert(0, program)
        self.proxied = sysroot

    def env(self) -> Mapping[str, str]:
        return {"RUSTUP_HOME": str(self.folder / "rustup")}

    def cwd(self) -> Path:
        return self.folder

    def find(self, program: str) -> tuple[Path, ...]:
        return tuple(self.path) if program == "rustc" else ()

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        keep: Sequence[int] = (),
    ) -> Completed:
        self.asked.append(env or {})
        if argv[1:] == ("--print", "sysroot"):
            return Completed(
                code=0 if self.proxied else 1, stdout=f"{self.proxied}\n" if self.proxied else "", stderr=""
            )
        return Completed(code=0, stdout=self.told[Path(argv[0])], stderr="")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def look(machine: Machine, version: str = "1.96.0") -> tuple[Installed, ...]:
    async def run() -> tuple[Installed, ...]:
        return await installed(machine, machine, version)

    return anyio.run(run)


def test_compiler_on_path(machine: Machine) -> None:
    """Its release, its host, and the targets whose std lies beside it."""
    sysroot = machine.toolchain("usr", "1.96.0")
    (sysroot / "lib/rustlib/aarch64-apple-darwin/lib").mkdir(parents=True)
    (sysroot / "lib/rustlib/etc").mkdir()
    (found,) = look(machine)
    assert sysroot == found.sysroot
    assert "1.96.0" == found.rust.version
    assert "x86_64-unknown-linux-gnu" == found.rust.host
    assert ("x86_64-unknown-linux-gnu",) == found.rust.targets
    assert "" == found.rust.sources


def test_sources_are_known_by_their_lock(machine: Machine) -> None:
    """Other sources of std are another fact."""
    library = machine.toolchain("usr", "1.96.0") / "lib/rustlib/src/rust/library"
    library.mkdir(parents=True)
    (library / "Cargo.lock").write_text("one")
    first = look(machine)[0].rust.sources
    (library / "Cargo.lock").write_text("two")
    assert first.startswith("sha256:")
    assert first != look(machine)[0].rust.sources


def test_two_builds_of_one_release(machine: Machine) -> None:
    """A distribution's build is not upstream's, though release and commit are the same."""
    machine.toolchain("usr", "1.96.0", built=" (built from a source tarball)")
    machine.toolchain("opt", "1.96.0")
    first, second = look(machine)
    assert first.rust.version == second.rust.version
    assert first.rust.identity != second.rust.identity


def test_proxy_is_asked_for_what_it_stands_for(machine: Machine) -> None:
    """What builds is the compiler itself, and the question installs nothing."""
    sysroot = machine.toolchain("rustup/toolchains/stable-x86_64-unknown-linux-gnu", "1.95.0", on_path=False)
    machine.proxy(str(sysroot))
    (found,) = look(machine)
    assert sysroot == found.sysroot
    assert {"0"} == {env["RUSTUP_AUTO_INSTALL"] for env in machine.asked}


def test_toolchain_beside_the_default(machine: Machine) -> None:
    """The wanted release is found where rustup keeps it, whatever the default is."""
    stable = machine.toolchain("rustup/toolchains/stable-x86_64-unknown-linux-gnu", "1.95.0", on_path=False)
    machine.toolchain("rustup/toolchains/1.96.0-x86_64-unknown-linux-gnu", "1.96.0", on_path=False)
    machine.proxy(str(stable))
    assert ["1.95.0", "1.96.0"] == [each.rust.version for each in look(machine)]


def test_proxy_without_a_toolchain(machine: Machine) -> None:
    """A rustup that has nothing installed is nothing."""
    machine.proxy("")
    assert () == look(machine)


def test_same_compiler_twice_on_path(machine: Machine) -> None:
    """/bin is a link to /usr/bin on many systems."""
    machine.toolchain("usr", "1.96.0")
    (machine.folder / "bin").symlink_to("usr/bin")
    machine.path.append(machine.folder / "bin" / "rustc")
    assert 1 == len(look(machine))
