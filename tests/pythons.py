"""An image with a Python for tests, in the place of the official one, which is in a registry that they do not ask."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from composing import SLIM, docker_build, docker_import
from engines import debian
from registries import DockerEngine

_LIBRARIES: Final = (
    *("ca-certificates", "libbz2-1.0", "libffi8", "libgcc-s1", "liblzma5", "libncursesw6", "libreadline8"),
    *("libsqlite3-0", "libssl3", "libuuid1", "netbase", "tzdata", "zlib1g"),
)
"""What the official image of Python has from Debian."""
_SLIM: Final = (*SLIM, '--aptopt=APT::Install-Recommends "false"')
"""Without the packages that go well with those, as apt installs none in the official image."""
_AUTHORITIES: Final = "/etc/ssl/certs/ca-certificates.crt"


def python_image(engine: DockerEngine, name: str, kept: Path, folder: Path) -> None:
    """Give an engine the image: Debian's slim root, its libraries, and the Python that runs this test.

    pip trusts whom the image trusts, which is whom this machine trusts.
    """
    docker_import(engine, debian(kept, _LIBRARIES, *_SLIM).layers[0], "slim-python", folder)
    top = folder / "python-base"
    top.mkdir()
    _root(top)
    (top / "Dockerfile").write_text(
        f"FROM slim-python\nCOPY root /usr/local\nENV PIP_CERT={_AUTHORITIES}\nRUN ldconfig\n"
    )
    docker_build(engine, top, name)


def _root(top: Path) -> None:
    """This Python in /usr/local, as the official image has one: stripped, and pip is all that is installed."""
    name, base = f"python{sys.version_info.major}.{sys.version_info.minor}", Path(sys.base_prefix)
    bin_, lib = top / "root" / "bin", top / "root" / "lib"
    left_out = ("test", "tests", "__pycache__", "config-*", "idlelib", "tkinter", "ensurepip", "lib2to3")
    shutil.copytree(base / "lib" / name, lib / name, ignore=shutil.ignore_patterns("site-packages", *left_out))
    pip = next((base / "lib" / name / "site-packages").glob("pip-*"))
    for package in ("pip", pip.name):
        kept = lib / name / "site-packages" / package
        shutil.copytree(pip.with_name(package), kept, ignore=shutil.ignore_patterns("__pycache__"))
    bin_.mkdir()
    shutil.copy((base / "bin" / name).resolve(), bin_ / name)
    for library in (base / "lib").glob(f"lib{name}*.so*"):
        shutil.copy(library.resolve(), lib / library.name)
    for link in ("python", "python3"):
        (bin_ / link).symlink_to(name)
    (bin_ / "pip").write_text('#!/bin/sh\nexec python -m pip "$@"\n')
    (bin_ / "pip").chmod(0o755)
    subprocess.run(("strip", "--strip-unneeded", bin_ / name, *lib.rglob("*.so*")), check=True)
