"""Five small repositories, laid out as people have theirs. All of it is made for these tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

from sandbox import Repository

Layout: TypeAlias = Mapping[str, str]

_LICENSE: Final = "Do with it what you like.\n"
_TOP: Final = {"README.md": "# A layout\n", "LICENSE": _LICENSE, ".gitignore": "/target/\n/dist/\n"}

_CORE: Final = """
[package]
name = "lantern-core"
description = "What lanterns have in common"
version.workspace = true
edition.workspace = true
license.workspace = true
readme = "../../README.md"
"""
_CLI: Final = """
[package]
name = "lantern"
description = "Lights a lantern"
version.workspace = true
edition.workspace = true
license.workspace = true

[dependencies]
lantern-core.workspace = true
"""
_SERVER: Final = """
[package]
name = "lantern-server"
description = "Lights lanterns for others"
version.workspace = true
edition.workspace = true
license.workspace = true
publish = false

[[bin]]
name = "lanternd"
path = "src/daemon.rs"

[dependencies]
lantern-core = { path = "../core" }
"""
_LIB: Final = """
pub fn says(who: &str) -> String {
    format!("{who} {}", env!("CARGO_PKG_VERSION"))
}
"""
WORKSPACE: Final[Layout] = _TOP | {
    "Cargo.toml": """
[workspace]
resolver = "2"
members = ["crates/*", "xtask"]
exclude = ["fuzz"]

[workspace.package]
version = "0.4.0"
edition = "2021"
license = "MIT"

[workspace.dependencies]
lantern-core = { version = "0.4.0", path = "crates/core" }
""",
    "Cargo.lock": """version = 4

[[package]]
name = "lantern"
version = "0.4.0"
dependencies = [
 "lantern-core",
]

[[package]]
name = "lantern-core"
version = "0.4.0"

[[package]]
name = "lantern-server"
version = "0.4.0"
dependencies = [
 "lantern-core",
]

[[package]]
name = "xtask"
version = "0.0.0"
""",
    "crates/core/Cargo.toml": _CORE,
    "crates/core/src/lib.rs": _LIB,
    "crates/cli/Cargo.toml": _CLI,
    "crates/cli/src/main.rs": 'fn main() {\n    println!("{}", lantern_core::says("lantern"));\n}\n',
    "crates/server/Cargo.toml": _SERVER,
    "crates/server/src/daemon.rs": 'fn main() {\n    println!("{}", lantern_core::says("lanternd"));\n}\n',
    "xtask/Cargo.toml": '[package]\nname = "xtask"\nversion = "0.0.0"\nedition = "2021"\npublish = false\n',
    "xtask/src/main.rs": "fn main() {}\n",
    "fuzz/Cargo.toml": '[package]\nname = "fuzz"\nversion = "0.0.0"\n[[bin]]\nname = "one"\npath = "one.rs"\n',
    "fuzz/one.rs": "fn main() {}\n",
}
"""Three crates and two programs, one version for all; a chore, and a crate outside of the workspace."""

_GO_MAIN: Final = """package main

import (
	"fmt"

	"example.org/ferry/internal/name"
)

var version = "dev"

func main() { fmt.Println(name.Of("NAME"), version) }
"""
MODULE: Final[Layout] = _TOP | {
    "go.mod": "module example.org/ferry\n\ngo 1.24\n",
    "internal/name/name.go": "package name\n\n// Of is it.\nfunc Of(s string) string { return s }\n",
    "cmd/ferry/main.go": _GO_MAIN.replace("NAME", "ferry"),
    "cmd/ferryctl/ferryctl.go": _GO_MAIN.replace("NAME", "ferryctl"),
    "cmd/ferryctl/ferryctl_test.go": 'package main\n\nimport "testing"\n\nfunc TestNothing(t *testing.T) {}\n',
}
"""Two mains in cmd/, one of them in a file of another name, and a package for both."""

_FOLDER: Final = Path(__file__).parent / "layouts" / "extension"
EXTENSION: Final[Layout] = {
    path.relative_to(_FOLDER).as_posix(): path.read_text() for path in sorted(_FOLDER.rglob("*")) if path.is_file()
}
"""A Python package in python/, whose extension is a crate at the top; Cargo.toml says the version."""

PURE: Final[Layout] = _TOP | {
    "pyproject.toml": """
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "Wind-Rose"
version = "2.1.0"
description = "Names of winds"
readme = "README.md"
license = "MIT"
license-files = ["LICENSE"]
requires-python = ">=3.11"

[project.scripts]
wind-rose = "wind_rose:main"

[tool.hatch.build.targets.wheel]
packages = ["src/wind_rose"]
""",
    "src/wind_rose/__init__.py": 'def main() -> None:\n    print("north")\n',
    "src/wind_rose/py.typed": "",
    "tests/test_main.py": "def test_nothing() -> None: ...\n",
}
"""A package below src/."""

VERSIONED_BY_GIT: Final[Layout] = PURE | {
    "pyproject.toml": PURE["pyproject.toml"]
    .replace('version = "2.1.0"', 'dynamic = ["version"]')
    .replace('"hatchling>=1.26"', '"hatchling>=1.26", "hatch-vcs"')
    + '\n[tool.hatch.version]\nsource = "vcs"\n',
}
"""The same, by whose tags alone a version is known."""

MONOREPO: Final[Layout] = _TOP | {
    "go.work": "go 1.24\n\nuse (\n\t./libs/words\n\t./services/gate\n)\n",
    "libs/words/go.mod": "module example.org/town/libs/words\n\ngo 1.24\n",
    "libs/words/words.go": 'package words\n\n// Greeting is said at the gate.\nconst Greeting = "who goes there"\n',
    "services/gate/go.mod": "module example.org/town/services/gate\n\ngo 1.24\n",
    "services/gate/main.go": """
package main

import (
	"fmt"

	"example.org/town/libs/words"
)

var version = "dev"

func main() { fmt.Println("gate", version, words.Greeting) }
""",
    "python/spool/pyproject.toml": """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "spool"
version = "1.4.0"
description = "Winds thread"
license = "MIT"
requires-python = ">=3.11"

[tool.setuptools.packages.find]
where = ["src"]
""",
    "python/spool/src/spool/__init__.py": "LENGTH = 100\n",
    "rust/knot/Cargo.toml": """
[package]
name = "knot"
version = "0.2.1"
edition = "2021"
license = "MIT"
description = "Ties knots"
repository = "https://example.org/town"
""",
    "rust/knot/Cargo.lock": 'version = 4\n\n[[package]]\nname = "knot"\nversion = "0.2.1"\n',
    "rust/knot/src/main.rs": 'fn main() {\n    println!("knot {}", env!("CARGO_PKG_VERSION"));\n}\n',
    "web/package.json": '{"name": "web", "private": true}\n',
}
"""Go, Python and Rust in folders of their own, each with a version; README and licence at the top alone."""


def laid(
    repository: Repository, layout: Layout, *, name: str, origin: str = "git@github.com:example/{}.git"
) -> Repository:
    """Write a layout, commit it, and give it an origin; `init` is not called yet."""
    for path, text in layout.items():
        repository.file(path, text.lstrip())
    repository.git("remote", "add", "origin", origin.format(name))
    return repository.commit()
