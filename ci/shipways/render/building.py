"""How a formula's `install` gets the programs: out of an archive, with pip, or from the repository's branch."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from shipways.config.packages import Package
from shipways.render import ruby

_PYTHON: Final = "3.13"
"""The Python of Homebrew that Python packages run on."""
_WIDTH: Final = 80
"""Longer arguments would make a line that `brew style` finds too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """Lines of `install`, arguments of `depends_on`, and the branch of the repository where that is the source.

    `stamped`: the programs know the version that Homebrew knows; for a branch, only a linker can tell them.
    """

    install: tuple[str, ...]
    depends: tuple[str, ...] = ()
    branch: str = ""
    stamped: bool = True
    virtualenv: bool = False


def unpacked(programs: Sequence[str], extras: Sequence[str]) -> Building:
    """From an archive: Homebrew has unpacked it and stands in its one folder."""
    return Building(install=(*(f"bin.install {ruby.string(program)}" for program in programs), *_extras(extras)))


def virtualenv(programs: Sequence[str], folder: str = ".") -> Building:
    """From a Python project, by the pip of Homebrew's Python.

    Homebrew's own helper installs no dependencies but those of `resource` blocks, which would name the files of one
    index; here pip finds what the project's metadata asks for, in the index of the user.
    """
    source = "buildpath" if folder == "." else f"buildpath/{ruby.string(folder)}"
    lines = [
        "# pip, because Homebrew's helper would leave out what the project depends on.",
        f'virtualenv_create(libexec, "python{_PYTHON}", system_site_packages: false)',
        f'system "python{_PYTHON}", "-m", "pip", "--python=#{{libexec}}/bin/python", "install", {source}',
    ]
    lines += [f"bin.install_symlink libexec/{ruby.string(f'bin/{program}')}" for program in programs]
    return Building(install=tuple(lines), depends=(f'"python@{_PYTHON}"',), virtualenv=True)


def from_source(package: Package, programs: Sequence[str], extras: Sequence[str], branch: str) -> Building | None:
    """From a branch, by the compilers of Homebrew; None for what only a release has."""
    if package.build == "python":
        return replace(virtualenv(programs, package.path), branch=branch, stamped=False)
    commands = {"go": _go, "rust": _rust, "zig": _zig}
    if package.build not in commands:
        return None
    command = commands[package.build](package, programs)
    # cargo is told the folder; the others are called in it
    if package.path != "." and package.build != "rust":
        command = (f"cd {ruby.string(package.path)} do", *(f"  {line}" for line in command), "end")
    depends = (f'"{package.build}" => :build',)
    return Building(install=(*command, *_extras(extras)), depends=depends, branch=branch, stamped=package.build == "go")


def _go(package: Package, programs: Sequence[str]) -> tuple[str, ...]:
    flags = [ruby.text(flag) for flag in package.go.ldflags]
    if package.go.version_variable:
        flags.append(f"-X {package.go.version_variable}=#{{version}}")
    words = [f"output: bin/{ruby.string(programs[0])}"]
    words += [f'ldflags: "{" ".join(flags)}"'] if flags else []
    words += [f"tags: [{ruby.strings(package.go.tags)}]"] if package.go.tags else []
    arguments = f"std_go_args({', '.join(words)})"
    main = "" if package.go.main == "." else f", {ruby.string('./' + package.go.main)}"
    if len(arguments + main) > _WIDTH:
        return (f"args = {arguments}", f'system "go", "build", *args{main}')
    return (f'system "go", "build", *{arguments}{main}',)


def _rust(package: Package, programs: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG001 - cargo installs them all
    path = "" if package.path == "." else f"path: {ruby.string(package.path)}"
    features = f"features: [{ruby.strings(package.rust.features)}]" if package.rust.features else ""
    words = ", ".join(word for word in (path, features) if word)
    plain = "" if package.rust.default_features else ', "--no-default-features"'
    return (f'system "cargo", "install", *std_cargo_args{f"({words})" if words else ""}{plain}',)


def _zig(package: Package, programs: Sequence[str]) -> tuple[str, ...]:  # noqa: ARG001 - build.zig installs them all
    mode = package.zig.optimize.removeprefix("Release").lower()
    options = "".join(f", {ruby.string(option)}" for option in package.zig.options)
    return (f'system "zig", "build", *std_zig_args(release_mode: :{mode}){options}',)


def _extras(paths: Sequence[str]) -> Iterator[str]:
    """Man pages and shell completions, known by their names."""
    for path in paths:
        name, source = PurePosixPath(path).name, ruby.string(path)
        if section := re.search(r"\.([1-8])(\.gz)?$", name):
            yield f"man{section[1]}.install {source}"
        elif name.endswith(".fish"):
            yield f"fish_completion.install {source}"
        elif name.endswith(".zsh"):
            yield f"zsh_completion.install {source} => {ruby.string('_' + name.removesuffix('.zsh').lstrip('_'))}"
        elif name.startswith("_"):
            yield f"zsh_completion.install {source}"
        elif name.endswith(".bash"):
            yield f"bash_completion.install {source} => {ruby.string(name.removesuffix('.bash'))}"
        elif "." not in name:
            yield f"bash_completion.install {source}"
