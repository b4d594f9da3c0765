"""What an image has: asked once of a container, and remembered by the image's digest, for that never changes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from shipways.adapters.files import DiskFiles
from shipways.adapters.toolchains import RECIPES, version_in
from shipways.model.digest import digest_bytes
from shipways.model.facts import Rust
from shipways.rustfacts import SOURCES, described

QUESTION: Final = rf"""
export GOTOOLCHAIN=local RUSTUP_AUTO_INSTALL=0
for tool in {" ".join(recipe.program for recipe in RECIPES.values())}; do
    place=$(command -v $tool) || continue
    case $tool in go|zig) said=$($tool version);; *) said=$($tool --version);; esac
    printf 'tool\t%s\t%s\t%s\n' "$tool" "${{place%/*}}" "$said"
done
for sysroot in "$(rustc --print sysroot)" "${{RUSTUP_HOME:-$HOME/.rustup}}"/toolchains/*; do
    [ -x "$sysroot/bin/rustc" ] || continue
    printf 'rust\t%s\t%s\n' "$sysroot" "$(readlink -f "$sysroot/{SOURCES}")"
    "$sysroot/bin/rustc" -vV | sed 's/^/said\t/'
    for std in "$sysroot"/lib/rustlib/*/lib/libstd-*; do
        [ -e "$std" ] && std=${{std%/lib/*}} && printf 'target\t%s\n' "${{std##*/}}"
    done
    lock="$sysroot/{SOURCES}/library/Cargo.lock"
    [ -e "$lock" ] && printf 'sources\t%s\n' "$(sha256sum < "$lock")"
done 2>/dev/null
true
"""
"""For `sh`; answers lines of cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KitTool:
    """A program of the image: its version, and the folder it lies in."""

    name: str
    version: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KitRust:
    """A Rust of the image: its sysroot, and the folder of its sources without symbolic links."""

    rust: Rust
    sysroot: str
    sources: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """The tools of an image."""

    tools: tuple[KitTool, ...] = ()
    rust: tuple[KitRust, ...] = ()


def read(text: str) -> Kit:
    """The kit in an answer; what an image could tell only half is not in it."""
    tools: list[KitTool] = []
    rust: dict[str, KitRust] = {}
    for block in re.split(r"^(?=rust\t)", text, flags=re.MULTILINE):
        match [line.split("\t") for line in block.splitlines()]:
            case [["rust", sysroot, sources], *lines]:
                rust.setdefault(sysroot, KitRust(rust=_described(lines), sysroot=sysroot, sources=sources))
            case lines:
                tools += [
                    KitTool(name=cells[1], version=version_in(cells[3]), folder=cells[2])
                    for cells in lines
                    if cells[0] == "tool" and len(cells) == 4
                ]
    return Kit(tools=tuple(tools), rust=tuple(rust.values()))


def _described(lines: Sequence[Sequence[str]]) -> Rust:
    names = ("said", "target", "sources")
    said, targets, sums = ([c[1] for c in lines if c[0] == name and len(c) == 2] for name in names)
    told = "".join(f"{line}\n" for line in said)
    digest = "".join(sums[:1]).partition(" ")[0]
    return described(told, dict.fromkeys(sorted(targets)), f"sha256:{digest}" if digest else "")


class KitCache:
    """Kits on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, ground: str) -> Kit | None:
        """The kit of what `ground` names, when it was asked before."""
        try:
            return TypeAdapter(Kit).validate_json(self._path(ground).read_bytes())
        except (OSError, ValidationError):
            return None

    def save(self, ground: str, kit: Kit) -> None:
        """Remember it."""
        with DiskFiles().create(self._path(ground)) as stream:
            stream.write(TypeAdapter(Kit).dump_json(kit))

    def _path(self, ground: str) -> Path:
        asked = digest_bytes((QUESTION + ground).encode()).removeprefix("sha256:")
        return self._folder / f"{asked}.json"
