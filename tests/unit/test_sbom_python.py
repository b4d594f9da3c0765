"""What Python distributions are made of: metadata, and lock files as uv writes them."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from email import message_from_string
from pathlib import Path

import pytest

from shipways.bundle.components.contents import Contents, Download, Part
from shipways.bundle.components.pinned import pinned
from shipways.bundle.components.pypi import contents
from shipways.bundle.components.python import metadata
from shipways.errors import BuildError
from shipways.model.artifact import Artifact, Blob, Kind

METADATA = """\
Metadata-Version: 2.4
Name: Small.Thing
Version: 1.0.0
Requires-Dist: anyio>=4.8
Requires-Dist: Colorama>=0.4; sys_platform == "win32"
Requires-Dist: markdown-it-py; extra == "fancy"

About requirements.
Requires-Dist: not-a-header
"""
FILES = "https://files.example"
HASH = "59bb03251907983d1603d27c3087ddb1e93299ea2163adcdba37899a4fb12ffb"


def uv_package(name: str, version: str, rest: str = "") -> str:
    sdist = f'sdist = {{ url = "{FILES}/{name}-{version}.tar.gz", hash = "sha256:{HASH}", size = 1 }}\n'
    source = 'source = { registry = "https://index.example/simple" }\n'
    return f'[[package]]\nname = "{name}"\nversion = "{version}"\n{source}{sdist}{rest}\n'


UV_LOCK = "\n".join(
    [
        'version = 1\nrevision = 5\nrequires-python = ">=3.11"\n',
        uv_package("anyio", "4.16.0", 'dependencies = [{ name = "idna" }]\n'),
        uv_package("colorama", "0.4.6"),
        uv_package("idna", "3.20"),
        uv_package("iniconfig", "2.3.1"),
        uv_package("markdown-it-py", "4.3.0", 'dependencies = [{ name = "mdurl", extra = ["fast"] }]\n'),
        uv_package("mdurl", "0.1.2", '[package.optional-dependencies]\nfast = [{ name = "idna" }]\n'),
        """
[[package]]
name = "small-thing"
version = "1.0.0"
source = { editable = "." }
dependencies = [{ name = "anyio" }, { name = "colorama", marker = "sys_platform == 'win32'" }]

[package.optional-dependencies]
fancy = [{ name = "markdown-it-py" }]

[package.dev-dependencies]
dev = [{ name = "iniconfig" }]
""",
    ]
)
PYLOCK = f"""
lock-version = "1.0"
created-by = "uv"

[[packages]]
name = "anyio"
version = "4.16.0"
wheels = [{{ url = "{FILES}/anyio-4.16.0-py3-none-any.whl", hashes = {{ sha256 = "{HASH}" }} }}]

[[packages]]
name = "colorama"
version = "0.4.6"
marker = "sys_platform == 'win32' or 'dev' in dependency_groups"
sdist = {{ url = "{FILES}/colorama-0.4.6.tar.gz", hashes = {{ sha256 = "{HASH}" }} }}

[[packages]]
name = "iniconfig"
version = "2.3.1"
marker = "'dev' in dependency_groups or 'test' in dependency_groups"
sdist = {{ url = "{FILES}/iniconfig-2.3.1.tar.gz", hashes = {{ sha256 = "{HASH}" }} }}
"""
REQUIREMENTS = f"""\
# by uv export
--index-url https://index.example/simple
anyio==4.16.0 \\
    --hash=sha256:{HASH} \\
    --hash=sha256:{HASH[::-1]}
    # via small
colorama==0.4.6 ; sys_platform == 'win32' --hash=sha256:{HASH}
"""


def told(*locks: tuple[str, str], text: str = METADATA) -> Contents:
    return contents(message_from_string(text), locks)


def names(parts: Sequence[Part]) -> list[str]:
    return [f"{part.purl.name} {part.purl.version}".rstrip() for part in parts]


def part(found: Contents, name: str) -> Part:
    return next(part for part in found.parts if part.purl.name == name)


def test_declared_without_versions() -> None:
    """No lock, no version: names are listed with the requirement as it stands; those of extras are optional."""
    found = told()
    assert ["anyio", "colorama", "markdown-it-py"] == names(found.parts)
    assert (("shipways:python:requirement", "anyio>=4.8"),) == part(found, "anyio").properties
    assert [False, False, True] == [part.optional for part in found.parts]
    assert "small-thing 1.0.0" == names([found.main])[0]
    assert "no lock file" in found.told


def test_dynamic_requirements_are_said() -> None:
    """An sdist whose requirements only the build knows does not look as if it had none."""
    text = "Metadata-Version: 2.4\nName: a\nVersion: 1\nDynamic: Requires-Dist\n\n"
    assert (("shipways:python:dynamic", "Requires-Dist"),) == told(text=text).main.properties


def test_bad_requirement() -> None:
    """What is no requirement is an error that names the package."""
    with pytest.raises(BuildError, match=r"metadata of a: cannot be read"):
        told(text="Name: a\nVersion: 1\nRequires-Dist: >=1\n\n")


def test_uv_lock() -> None:
    """Versions and files of what the project needs; extras are optional; the development group is absent."""
    found = told(("uv.lock", UV_LOCK))
    assert ["anyio 4.16.0", "colorama 0.4.6", "idna 3.20", "markdown-it-py 4.3.0", "mdurl 0.1.2"] == names(found.parts)
    assert ["markdown-it-py", "mdurl"] == [part.purl.name for part in found.parts if part.optional]
    download = Download(url=f"{FILES}/anyio-4.16.0.tar.gz", digests=(f"sha256:{HASH}",))
    assert (download,) == part(found, "anyio").downloads
    assert ("shipways:python:requirement", "anyio>=4.8") in found.main.properties


def test_uv_graph() -> None:
    """Who needs whom, through the extras that are asked for."""
    found = told(("uv.lock", UV_LOCK))
    assert ["anyio", "colorama", "markdown-it-py"] == [need.name for need in found.main.needs]
    assert (part(found, "idna").purl,) == part(found, "anyio").needs
    assert (part(found, "idna").purl,) == part(found, "mdurl").needs


def test_uv_lock_of_another_project() -> None:
    """A lock that does not have the project is refused."""
    with pytest.raises(BuildError, match="does not list small-thing"):
        told(("uv.lock", UV_LOCK.replace("small-thing", "other")))


def test_uv_git_source() -> None:
    """A commit is part of the package URL."""
    git = 'source = { git = "https://git.example/idna?rev=main#abcdef" }'
    lock = UV_LOCK.replace(
        'name = "idna"\nversion = "3.20"\nsource = { registry = "https://index.example/simple" }',
        f'name = "idna"\nversion = "3.20"\n{git}',
    )
    assert (("vcs_url", "git+https://git.example/idna@abcdef"),) == part(
        told(("uv.lock", lock)), "idna"
    ).purl.qualifiers


def test_pylock() -> None:
    """Packages of a group alone are absent; one that a platform needs as well stays, with its marker."""
    found = told(("pylock.toml", PYLOCK))
    assert ["anyio 4.16.0", "colorama 0.4.6"] == names(found.parts)
    assert "dependency_groups" in dict(part(found, "colorama").properties)["shipways:python:marker"]
    (wheel,) = part(found, "anyio").downloads
    assert (f"sha256:{HASH}",) == wheel.digests


def test_pylock_default_group() -> None:
    """A group that is installed by default belongs to the project."""
    found = told(("pylock.toml", PYLOCK.replace('created-by = "uv"', 'created-by = "uv"\ndefault-groups = ["test"]')))
    assert "iniconfig 2.3.1" in names(found.parts)


@pytest.mark.parametrize(("name", "text"), [("uv.lock", "package = 1"), ("uv.lock", "["), ("pylock.toml", "a = 1")])
def test_unreadable_lock(name: str, text: str) -> None:
    """A lock that is none is an error with its name."""
    with pytest.raises(BuildError, match=f"sub/{name}: cannot be read"):
        told((f"sub/{name}", text))


def test_hashed_requirements() -> None:
    """Each line gives a version and the digests of its files."""
    found = told(("requirements.txt", REQUIREMENTS))
    assert ["anyio 4.16.0", "colorama 0.4.6"] == names(found.parts)
    (files,) = part(found, "anyio").downloads
    assert ("pkg:pypi/anyio@4.16.0", 2) == (files.url, len(files.digests))
    assert (("shipways:python:marker", 'sys_platform == "win32"'),) == part(found, "colorama").properties


@pytest.mark.parametrize(
    "line",
    ["anyio==4.16.0", f"anyio>=4 --hash=sha256:{HASH}", f"anyio==4.* --hash=sha256:{HASH}", "-r other.txt", "./local"],
)
def test_requirements_that_are_no_lock(line: str) -> None:
    """One open line, and the file pins nothing: what the metadata declares is listed instead."""
    assert pinned(REQUIREMENTS + line) is None
    assert ["anyio", "colorama", "markdown-it-py"] == names(told(("requirements.txt", line)).parts)


def test_first_lock_counts() -> None:
    """Where there are several, the one that tells most is taken."""
    assert told(("uv.lock", UV_LOCK), ("requirements.txt", REQUIREMENTS)).told.startswith("uv.lock")


def wheel(path: Path) -> Kind:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("small_thing/vendored-1.dist-info/METADATA", "Name: wrong\n\n")
        archive.writestr("small_thing-1.0.0.dist-info/METADATA", METADATA)
    return Kind.WHEEL


def sdist(path: Path) -> Kind:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in (
            ("small_thing-1.0.0/tests/PKG-INFO", "Name: wrong\n\n"),
            ("small_thing-1.0.0/PKG-INFO", METADATA),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return Kind.SDIST


@pytest.mark.parametrize("pack", [wheel, sdist])
def test_metadata_is_that_of_the_artifact(tmp_path: Path, pack: Callable[[Path], Kind]) -> None:
    """It is the distribution's own, not one that lies in it."""
    path = tmp_path / "distribution"
    blob = Blob(name="distribution", kind=pack(path), digest="", size=0)
    artifact = Artifact(name="distribution", blob=blob, step="", package="small-thing")
    assert "Small.Thing" == metadata(path, artifact)["Name"]


def test_distribution_without_metadata(tmp_path: Path) -> None:
    """It is an error that names the file."""
    path = tmp_path / "a.whl"
    zipfile.ZipFile(path, "w").close()
    blob = Blob(name="a.whl", kind=Kind.WHEEL, digest="", size=0)
    with pytest.raises(BuildError, match=r"a\.whl: cannot be read"):
        metadata(path, Artifact(name="a.whl", blob=blob, step="", package="a"))
