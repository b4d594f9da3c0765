"""Real cargo for tests: small workspaces, and commands against a registry on this machine."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from crating import CANARY, VARIABLE

WORKSPACE = {
    "Cargo.toml": '[workspace]\nmembers = ["app", "core"]\nresolver = "2"\n'
    '[workspace.dependencies]\npair-core = { path = "core", version = "1.0.0", registry = "standin" }\n',
    "core/Cargo.toml": '[package]\nname = "pair-core"\nversion = "1.0.0"\nedition = "2021"\n'
    'description = "Core"\nlicense = "MIT"\npublish = ["standin"]\n[features]\nstd = []\n',
    "core/src/lib.rs": 'pub fn word() -> &\'static str { "paired" }\n',
    "app/Cargo.toml": '[package]\nname = "pair-app"\nversion = "1.0.0"\nedition = "2021"\n'
    'description = "App"\nlicense = "MIT"\npublish = ["standin"]\n[dependencies]\npair-core = { workspace = true }\n',
    "app/src/main.rs": 'fn main() { println!("{}", pair_core::word()) }\n',
}
"""Two crates; the program needs the library."""

EVERYTHING = {
    "Cargo.toml": '[workspace]\nmembers = ["all"]\nresolver = "2"\n',
    "all/docs/READ.md": "# Read *me*: ünïcode\n",
    "all/LICENSE.txt": "L\n",
    "all/build.rs": "fn main() {}\n",
    "all/src/lib.rs": "",
    "all/Cargo.toml": """
[package]
name = "every-thing"
version = "1.2.3-rc.1+b5"
edition = "2021"
rust-version = "1.70"
authors = ["A <a@example.org>", "B"]
description = "Every key — ünïcode"
documentation = "https://docs.example.org"
homepage = "https://example.org"
repository = "https://example.org/x"
readme = "docs/READ.md"
keywords = ["a", "b"]
categories = ["command-line-utilities"]
license = "MIT OR Apache-2.0"
license-file = "LICENSE.txt"
links = "everything"
build = "build.rs"
[badges]
maintenance = { status = "experimental" }
[features]
default = ["opt"]
more = ["renamed/std", "opt2?/std", "dep:opt3"]
[dependencies]
pair-core = { version = "1", registry = "standin" }
renamed = { package = "pair-core", version = "1.0", registry = "standin", features = ["std"] }
opt = { package = "pair-core", version = ">= 1, <2.0.0-rc.1", optional = true, registry = "standin" }
bare = { package = "pair-core", version = "1", default-features = false, registry = "standin" }
opt2 = { package = "pair-core", version = "1.*", optional = true, registry = "standin" }
opt3 = { package = "pair-core", version = "1.x", optional = true, registry = "standin" }
public = { package = "pair-core", version = "1" }
[build-dependencies]
b-core = { package = "pair-core", version = "~1.0", registry = "standin" }
[dev-dependencies]
d-core = { package = "pair-core", version = "^ 1.0.0", registry = "standin" }
[target.'cfg(any(target_os="linux",not(windows ) ,))'.dependencies]
z-core = { package = "pair-core", version = "=1.0.0", registry = "standin" }
a-core = { package = "pair-core", version = "1.0.0+x", registry = "standin" }
[target.'cfg(any(target_os="linux",not(windows ) ,))'.build-dependencies]
zb-core = { package = "pair-core", version = ">1.0.0-rc.1, <=1", registry = "standin" }
[target.'cfg(any(target_os="linux",not(windows ) ,))'.dev-dependencies]
zd-core = { package = "pair-core", version = "*", registry = "standin" }
[target.x86_64-pc-windows-gnu.dependencies]
w-core = { package = "pair-core", version = "1", registry = "standin" }
""",
}
"""A crate that says everything a manifest can say, in ways that cargo rewrites."""


@dataclass(frozen=True)
class Cargo:
    """cargo in a folder, whose registry `standin` is the one at a URL; crates.io is replaced by it."""

    folder: Path
    url: str

    def write(self, files: dict[str, str]) -> "Cargo":
        """A workspace, and the config that names the registry."""
        index = f"sparse+{self.url}/index/"
        config = (
            f'[registries.standin]\nindex = "{index}"\n'
            f'[source.crates-io]\nreplace-with = "mirror"\n[source.mirror]\nregistry = "{index}"\n'
        )
        for name, text in {**files, ".cargo/config.toml": config}.items():
            place = self.folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return self

    def __call__(self, *words: str, token: str = CANARY) -> str:
        """What a command prints; it must succeed."""
        mine = {"CARGO_HOME": str(self.folder / "home"), VARIABLE: token, "CARGO_TERM_COLOR": "never"}
        argv = ("cargo", *words)
        done = subprocess.run(
            argv, cwd=self.folder, env=os.environ | mine, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr
