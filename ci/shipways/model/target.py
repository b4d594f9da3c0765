"""A target triple and its name in every dialect that a release speaks."""

from dataclasses import dataclass
from typing import Final, Literal

System = Literal["linux", "darwin", "windows"]
Arch = Literal["x86_64", "aarch64"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One platform a binary is built for. `libc` is empty where the system has only one."""

    triple: str
    system: System
    arch: Arch
    libc: Literal["gnu", "musl", "msvc", "gnullvm", ""] = ""

    @property
    def goos(self) -> str:
        """GOOS, as in `go tool dist list`."""
        return self.system

    @property
    def goarch(self) -> str:
        """GOARCH; also the architecture in an OCI platform."""
        return {"x86_64": "amd64", "aarch64": "arm64"}[self.arch]

    @property
    def zig(self) -> str:
        """The triple in zig's spelling, with the oldest system it should run on."""
        return (
            f"{self.arch}-"
            + {
                "linux": "linux-musl" if self.libc == "musl" else "linux-gnu",
                "darwin": "macos.11.0",
                "windows": "windows-gnu" if self.libc == "gnullvm" else "windows-msvc",
            }[self.system]
        )

    @property
    def oci(self) -> str:
        """The OCI platform (image-spec, image-index.md): os/architecture."""
        return f"{self.system}/{self.goarch}"

    @property
    def wheel_tag(self) -> str:
        """The platform tag of a wheel around a binary for this target (PEP 425, PEP 600, PEP 656)."""
        return {
            ("linux", "gnu"): f"manylinux_2_28_{self.arch}",
            ("linux", "musl"): f"musllinux_1_1_{self.arch}",
            ("darwin", ""): f"macosx_11_0_{'arm64' if self.arch == 'aarch64' else 'x86_64'}",
        }.get((self.system, self.libc), "win_amd64")

    @property
    def exe(self) -> str:
        """The suffix of a program's file name."""
        return ".exe" if self.system == "windows" else ""


ALL: Final = (
    Target(triple="x86_64-unknown-linux-gnu", system="linux", arch="x86_64", libc="gnu"),
    Target(triple="x86_64-unknown-linux-musl", system="linux", arch="x86_64", libc="musl"),
    Target(triple="aarch64-unknown-linux-gnu", system="linux", arch="aarch64", libc="gnu"),
    Target(triple="x86_64-apple-darwin", system="darwin", arch="x86_64"),
    Target(triple="aarch64-apple-darwin", system="darwin", arch="aarch64"),
    Target(triple="x86_64-pc-windows-msvc", system="windows", arch="x86_64", libc="msvc"),
)
# What a config may declare in place of windows-msvc; never called msvc in a file name or the manifest.
GNULLVM: Final = Target(triple="x86_64-pc-windows-gnullvm", system="windows", arch="x86_64", libc="gnullvm")
BY_TRIPLE: Final = {target.triple: target for target in (*ALL, GNULLVM)}
