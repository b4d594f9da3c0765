"""Values that tests of Rust packages share: a workspace, compilers, and what is planned for them."""

from collections.abc import Sequence
from dataclasses import replace

from shipways.builders import rust
from shipways.builders.compile import Compile
from shipways.config.load import parse
from shipways.model.facts import Crate, Facts, Rust
from shipways.model.plan import Skip
from shipways.model.source import SourceFile, SourceTree
from support import facts

GNU, MUSL, MAC = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "aarch64-apple-darwin"
MSVC = "x86_64-pc-windows-msvc"
HOST = Rust(version="1.96.0", identity="sha256:c", host=GNU, targets=(GNU,), sources="sha256:s")
OLD = replace(HOST, version="1.95.0")
PLAIN = '[project]\nname = "p"\n[toolchain]\nrust = "1.96.0"\n[package.app]\nbuild = "rust"\npath = "crates/app"\n'
BUILD_STD = PLAIN + "rust.build_std = true\n"
LIBRARY = '[package.lib]\nbuild = "rust"\npath = "crates/lib"\ntargets = []\n'
APP = Crate(package="app", path="crates/app", name="app", private=False)
LIB = replace(APP, package="lib", path="crates/lib", name="lib")
OTHER = replace(APP, package="other", path="crates/other", name="other", private=True)
FILES = (
    "Cargo.toml",
    "Cargo.lock",
    "crates/app/Cargo.toml",
    "crates/app/src/main.rs",
    "crates/lib/src/lib.rs",
    "doc.md",
)


def known(*compilers: Rust, files: Sequence[str] = FILES, **more: bool) -> Facts:
    """Facts of a workspace on a machine with these compilers."""
    tree = SourceTree(files=tuple(SourceFile(path=path, mode="100644", oid=path) for path in sorted(files)))
    return replace(facts(app="1.2.3", lib="1.2.3"), source=tree, rust=compilers or (HOST,), crates=(APP,), **more)


def steps(text: str, facts: Facts) -> dict[str, Compile]:
    """The compilations by target."""
    made = [step for step in rust.plan(parse(text, "shipways.toml"), facts) if isinstance(step, Compile)]
    return {step.expected.target.triple: step for step in made}


def skips(text: str, facts: Facts) -> dict[str, Skip]:
    """The skips by target."""
    made = [step for step in rust.plan(parse(text, "shipways.toml"), facts) if isinstance(step, Skip)]
    return {step.id.rpartition("/")[2]: step for step in made}
