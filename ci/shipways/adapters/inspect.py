"""What executables say of themselves, read by lief."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import lief

from shipways.adapters.buildinfo import build_information
from shipways.model.artifact import Linkage
from shipways.model.version import numbers

_GLIBC: Final = re.compile(r"GLIBC_(\d+(?:\.\d+)+)$")
_WHOLE: Final = 256_000_000
"""Bytes up to which a program is read whole; lief holds all that it reads."""
_FRONT: Final = 4_000_000
"""Bytes that are read of a bigger one: what the loader needs lies at the front."""
_GO_SECTIONS: Final = frozenset({".go.buildinfo", "__go_buildinfo", ".data"})
"""Where Go's linker has its build information: in ELF, in Mach-O, and in PE among other data."""
_ARCHES: Final = {
    "X86_64": "x86_64",
    "AARCH64": "aarch64",
    "ARM64": "aarch64",
    "AMD64": "x86_64",
}


class LiefInspector:
    """The `Inspector` port."""

    def linkage(self, path: Path) -> Linkage | None:
        """What a binary says of itself; None when it is no ELF, Mach-O or PE file."""
        lief.logging.disable()
        if path.stat().st_size <= _WHOLE:
            return _linkage(str(path))
        with tempfile.NamedTemporaryFile() as front, path.open("rb") as stream:
            front.write(stream.read(_FRONT))
            front.flush()
            return _linkage(front.name)

    def build_information(self, path: Path) -> str:
        """What Go's linker has written into a binary; empty when there is nothing."""
        lief.logging.disable()
        binary = lief.parse(str(path))
        sections = binary.sections if binary else ()
        told = (build_information(bytes(s.content)) for s in sections if str(s.name) in _GO_SECTIONS)
        return next(filter(None, told), "")

    def section(self, path: Path, offset: int) -> str:
        """The section of a binary that has the byte at this offset; empty outside of all, and in any other file."""
        lief.logging.disable()
        if path.stat().st_size > _WHOLE:
            return ""
        for name, begin, size in _sections(str(path)):
            if begin <= offset < begin + size:
                return name
        return ""


def _sections(path: str) -> Iterator[tuple[str, int, int]]:
    """Name, offset in the file, and size of each section; of a fat Mach-O, of all its programs."""
    if lief.is_elf(path) and (elf := lief.ELF.parse(path)):
        held = (each for each in elf.sections if each.type != lief.ELF.Section.TYPE.NOBITS)
        yield from ((str(each.name), each.file_offset, each.size) for each in held)
    elif lief.is_macho(path) and (fat := lief.MachO.parse(path)):
        for binary in fat:
            for each in (each for each in binary.sections if each.offset):  # what is all zeros has none
                yield f"{each.segment_name},{each.name!s}", binary.fat_offset + each.offset, each.size
    elif lief.is_pe(path) and (pe := lief.PE.parse(path)):
        yield from ((str(each.name), each.offset, each.sizeof_raw_data) for each in pe.sections)


def _linkage(path: str) -> Linkage | None:
    if lief.is_elf(path):
        return _elf(lief.ELF.parse(path))
    if lief.is_macho(path):
        return _macho(lief.MachO.parse(path))
    if lief.is_pe(path):
        return _pe(lief.PE.parse(path))
    return None


def _elf(binary: "lief.ELF.Binary | None") -> Linkage | None:
    if binary is None:
        return None
    versions = (aux.name for needed in binary.symbols_version_requirement for aux in needed.get_auxiliary_symbols())
    glibc = [match.group(1) for name in versions if (match := _GLIBC.match(str(name)))]
    return Linkage(
        format="elf",
        arch=_arch(str(binary.header.machine_type.name)),
        static=not binary.has_interpreter,
        libraries=tuple(sorted(str(name) for name in binary.libraries)),
        glibc=max(glibc, key=numbers, default=""),
        debug=binary.has_section(".debug_info"),
    )


def _macho(fat: "lief.MachO.FatBinary | None") -> Linkage | None:
    binary = fat.at(0) if fat is not None and fat.size else None
    if binary is None:
        return None
    minimum = (
        (binary.build_version and binary.build_version.minos)
        or (binary.version_min and binary.version_min.version)
        or ()
    )
    return Linkage(
        format="macho",
        arch=_arch(str(binary.header.cpu_type.name)),
        static=False,
        libraries=tuple(sorted(str(library.name) for library in binary.libraries)),
        system=".".join(str(part) for part in minimum[:2]),
    )


def _pe(binary: "lief.PE.Binary | None") -> Linkage | None:
    if binary is None:
        return None
    header = binary.optional_header
    return Linkage(
        format="pe",
        arch=_arch(str(binary.header.machine.name)),
        static=False,
        libraries=tuple(sorted(str(entry.name) for entry in binary.imports)),
        system=f"{header.major_subsystem_version}.{header.minor_subsystem_version}",
        # PE has room for eight letters; `/4` is a place in the table of longer names, which only DWARF's sections have
        debug=any(str(section.name).startswith("/") for section in binary.sections),
    )


def _arch(name: str) -> str:
    return _ARCHES.get(name, name.lower())
