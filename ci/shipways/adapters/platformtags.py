"""How wheels name kinds of machine: whoever asks pip for a wheel of another one has to say it so."""

from typing import Final

_GLIBC: Final = {"x86_64": range(5, 40), "aarch64": range(17, 40)}
"""Minor versions of glibc 2 that manylinux tags name (PEP 600), each architecture from its first."""
_OLD: Final = {"x86_64": ("manylinux1", "manylinux2010", "manylinux2014"), "aarch64": ("manylinux2014",)}
_MACOS: Final = range(11, 27)


def platforms(host: str) -> tuple[str, ...]:
    """Platform tags of a kind of host (PEP 425, PEP 600): oldest systems first, as pip takes the first that fits."""
    system, arch = host.split("-")
    if system == "darwin":
        return tuple(f"macosx_{major}_0_{'arm64' if arch == 'aarch64' else arch}" for major in _MACOS)
    if system == "windows":
        return ("win_amd64",)
    return tuple(f"{old}_{arch}" for old in _OLD[arch]) + tuple(f"manylinux_2_{minor}_{arch}" for minor in _GLIBC[arch])
