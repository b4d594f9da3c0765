"""What an image says of its tools."""

from pathlib import Path

import pytest

from shipways.adapters.dagger.kit import Kit, KitCache, KitTool, read
from shipways.model.facts import Rust
from shipways.rustfacts import described

TOLD = "rustc 1.90.0 (abc 2026-01-01)\nrelease: 1.90.0\nhost: x86_64-unknown-linux-gnu\n"
SAID = "".join(f"said\t{line}\n" for line in TOLD.splitlines())
RUST = f"rust\t/usr/local/rustup/x\t/usr/local/rustup/x/src\n{SAID}"


def rust(*targets: str, sources: str = "") -> Rust:
    return described(TOLD, targets, sources)


def test_tools() -> None:
    """A line for each program: its name, its folder, and the version in what it says."""
    text = (
        "tool\tgo\t/usr/local/go/bin\tgo version go1.27.3 linux/amd64\n"
        "tool\tcargo-zigbuild\t/usr/bin\tcargo-zigbuild 0.24.0\n"
    )
    assert (
        KitTool(name="go", version="1.27.3", folder="/usr/local/go/bin"),
        KitTool(name="cargo-zigbuild", version="0.24.0", folder="/usr/bin"),
    ) == read(text).tools


def test_rust() -> None:
    """A block for each sysroot: its compiler, the targets it has, and the digest of its sources' lock."""
    (found,) = read(f"{RUST}target\tb\ntarget\ta\ntarget\ta\nsources\t00ff  -\n").rust
    assert rust("a", "b", sources="sha256:00ff") == found.rust
    assert ("/usr/local/rustup/x", "/usr/local/rustup/x/src") == (found.sysroot, found.sources)


def test_rust_is_told_once() -> None:
    """The default compiler comes again among rustup's, with the same sysroot; another sysroot is another Rust."""
    other = RUST.replace("rustup/x", "rustup/y")
    assert ["/usr/local/rustup/x", "/usr/local/rustup/y"] == [each.sysroot for each in read(RUST + other + RUST).rust]


def test_rust_without_sources() -> None:
    """A Rust without the sources of its library has no digest of them."""
    assert rust("a") == read(f"{RUST}target\ta\n").rust[0].rust


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "/bin/sh: 1: awk: not found\n",
        "tool\tgo\n",
        "tool\tgo\t/bin\tgo version\tgo1.27.3\n",
        "target\ta\nsaid\trelease: 1.90.0\nsources\t00\n",
        "rust\n",
        "rust\t/usr\n",
    ],
)
def test_lines_that_are_no_answer(text: str) -> None:
    """What an image prints besides, or prints half, names no tool."""
    assert Kit() == read(text)


def test_half_a_block() -> None:
    """A Rust stays one without the digest that its image could not make, and with lines among its own."""
    assert rust() == read(f"{RUST}warning: x\nsources\t\nsources\ntarget\nsaid\n").rust[0].rust


def test_kit_is_remembered(tmp_path: Path) -> None:
    """What was saved for an image is there for that image alone; a file that is cut short counts as none."""
    cache, kit = KitCache(tmp_path), read(f"tool\tgo\t/go/bin\tgo1.27.3\n{RUST}")
    cache.save("base@sha256:00", kit)
    assert kit == cache.load("base@sha256:00")
    assert cache.load("base@sha256:01") is None
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:20])
    assert cache.load("base@sha256:00") is None
