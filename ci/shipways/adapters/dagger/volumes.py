"""Cache volumes that a release may trust: what comes out of one is used only after its lock file has verified it.

They hold downloads. What a compiler keeps cannot be verified: a build with outputs has it in a folder of its own; only
tests, of which no artifact comes, keep it in a volume.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shipways.adapters.dagger.jobs import Volume
from shipways.model.build import Build
from shipways.model.digest import digest_of
from shipways.model.source import SourceFile

_LOCKS: Final = {
    "GOMODCACHE": ("go.sum", "go.work.sum"),
    "CARGO_HOME": ("Cargo.lock",),
    "PIP_CACHE_DIR": (),
    "ZIG_GLOBAL_CACHE_DIR": ("build.zig.zon",),
}
"""Whose content verifies what a volume holds, by the variable of the cache."""
_DOWNLOADS: Final = ("GOMODCACHE", "CARGO_HOME")
"""Caches that hold downloads alone. zig has its packages beside what it has compiled, which only tests keep."""
_COPY: Final = """\
keep() { # keep FOLDER FILE: a file of the current folder, whole or not at all; other builds read there at the same time
    [ -e "$1/$2" ] && return
    mkdir -p "$1/${2%/*}" && part="$1/$(cat /proc/sys/kernel/random/uuid).part" && cp "$2" "$part" && mv "$part" "$1/$2"
}"""
_GO_BEFORE: Final = """\
if [ -f go.sum ] && [ ! -d vendor ]; then
    # A proxy is never believed: go compares every module with go.sum.
    if ! GOPROXY="file://{volume},$(go env GOPROXY)" go mod download >/dev/null 2>&1; then
        chmod -R u+w "$GOMODCACHE" && rm -rf "$GOMODCACHE" {volume}/*
        echo 'shipways: the module cache was not what go.sum says, and has been emptied' >&2
    fi
fi"""
_GO_AFTER: Final = """\
if [ -d "$GOMODCACHE/cache/download" ]; then
    cd "$GOMODCACHE/cache/download"
    find . -type f ! -name '*.lock' | while read -r file; do keep {volume} "$file"; done
fi"""
_CARGO_BEFORE: Final = """\
for lock in $(find {root}/src -name Cargo.lock) {sources}; do
    awk -F'"' '/^name = /{{n=$2}} /^version = /{{v=$2}} /^checksum = /{{print $2, n "-" v ".crate"}}' "$lock"
done | sort -u | while read -r sum crate; do
    for place in {volume}/registry/cache/*/"$crate"; do
        [ -f "$place" ] || continue
        own="$CARGO_HOME${{place#{volume}}}"
        mkdir -p "${{own%/*}}" && cp "$place" "$own"
        [ "$(sha256sum < "$own")" = "$sum  -" ] && continue
        rm -f "$own" "$place"
        echo "shipways: the cached $crate was not what Cargo.lock says" >&2
    done
done"""
_CARGO_AFTER: Final = """\
cd "$CARGO_HOME" && for crate in registry/cache/*/*.crate; do [ -f "$crate" ] && keep {volume} "$crate"; done; true"""
_ZIG_BEFORE: Final = """\
for entry in {volume}/p/*; do
    [ -e "$entry" ] || continue
    # zig names a package by its content, and takes in what it is given under the name that it finds.
    part=$(mktemp -d)
    case $entry in *.tar.gz) tar -xzf "$entry" -C "$part" ;; *) cp -R "$entry" "$part" ;; esac
    for folder in "$part"/*/ "$part"/*/*/; do
        [ -f "${{folder}}build.zig.zon" ] && zig fetch "$folder" >/dev/null 2>&1
    done
    [ -e "$ZIG_GLOBAL_CACHE_DIR/p/${{entry##*/}}" ] && continue
    rm -rf "$entry"
    echo "shipways: the cached ${{entry##*/}} was not what its name says" >&2
done"""
_ZIG_AFTER: Final = """\
if [ -d "$ZIG_GLOBAL_CACHE_DIR/p" ]; then
    cd "$ZIG_GLOBAL_CACHE_DIR/p" && find . -type f | while read -r file; do keep {volume}/p "$file"; done
fi"""
_LINES: Final = {
    "GOMODCACHE": (_GO_BEFORE, _GO_AFTER),
    "CARGO_HOME": (_CARGO_BEFORE, _CARGO_AFTER),
    "ZIG_GLOBAL_CACHE_DIR": (_ZIG_BEFORE, _ZIG_AFTER),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caches:
    """The caches of a build: volumes, where its variables lead, and the shell lines around its commands."""

    volumes: tuple[Volume, ...] = ()
    folders: tuple[tuple[str, str], ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def caches(build: Build, root: str, *, sources: str, volumes: bool) -> Caches:
    """Those of a build in the folder `root`.

    `sources` is the folder of the standard library's; without `volumes` every cache is a folder of the build alone.
    """
    asked = dict(build.caches) | ({"PIP_CACHE_DIR": "pip"} if build.requirements else {})
    folders = {variable: f"{root}/cache/{variable}" for variable in asked}
    if not volumes:
        return Caches(folders=tuple(folders.items()))
    found: list[Volume] = []
    before, after = [_COPY], ["cd /"]
    for variable, name in asked.items():
        if variable == "PIP_CACHE_DIR" or (variable not in _DOWNLOADS and not build.outputs):
            found.append(Volume(name=_name(build, variable, name), place=folders[variable]))
        elif variable in _DOWNLOADS or (variable in _LINES and any(_locks(build, variable))):
            volume = Volume(name=_name(build, variable, name), place=f"/var/cache/shipways/{variable}")
            found.append(volume)
            values = {
                "volume": volume.place,
                "root": root,
                "sources": f"{sources}/library/Cargo.lock" if sources else "",
            }
            before.append(_fill(_LINES[variable][0], values))
            after.append(_fill(_LINES[variable][1], values))
    return Caches(volumes=tuple(found), folders=tuple(folders.items()), before=tuple(before), after=tuple(after))


def _fill(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text.replace("{{", "{").replace("}}", "}")


def _name(build: Build, variable: str, name: str) -> str:
    """A volume of its own for each state of the lock files; one that tests write to is never a release's."""
    locks = [[file.path, file.oid] for file in _locks(build, variable)]
    purpose = "shipways" if build.outputs else "shipways-test"
    return f"{purpose}-{name}-{digest_of([locks, build.requirements]).removeprefix('sha256:')[:16]}"


def _locks(build: Build, variable: str) -> Iterator[SourceFile]:
    names = _LOCKS.get(variable, ())
    yield from (file for file in build.source.files if file.path.rpartition("/")[2] in names)
