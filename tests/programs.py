"""Programs for tests that are about something else."""

import struct

X86_64 = 62
"""e_machine (ELF-64 Object File Format, figure 4, and its registry of machines)."""


def smallest(machine: int = X86_64) -> bytes:
    """The smallest static program: a header, and one segment that holds all of it."""
    start, size = 0x400078, 0x80
    header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 0x1000)
    return b"\x7fELF\x02\x01\x01" + bytes(9) + header + segment + bytes(8)
