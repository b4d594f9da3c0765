"""Which installations follow from a manifest, as values."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from packaging.tags import Tag

from shipways.config.load import parse
from shipways.model.digest import digest_bytes
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry
from shipways.run.trials import FOLDER, Host, Trial, tells, trials
from support import sealed

CONFIG = """
[project]
name = "demo"

[package.demo]
build = "rust"

[image.demo]
package = "demo"
repositories = ["ghcr.io/example/demo", "quay.io/example/demo"]

[publish.crates]
registry = "mine"

[publish.pypi]
repository = "https://index.example/legacy/"
simple = "https://index.example/simple/"

[publish.registry]
"""
HOST = Host(python="/usr/bin/python3", tags=frozenset({Tag("py3", "none", "linux_x86_64")}), goarch="amd64")
LINUX = "x86_64-unknown-linux-gnu"
DIGEST = digest_bytes(b"")


def entry(path: str, kind: str, **more: str) -> ArtifactEntry:
    """An artifact of the package."""
    return ArtifactEntry(path=path, kind=kind, digest=DIGEST, size=0, package="demo", **more)


def manifest(*entries: ArtifactEntry) -> Manifest:
    """A release of it."""
    return sealed(PackageEntry(name="demo", version="1.0.0-rc.1", tag="v1.0.0-rc.1"), artifacts=entries, project="demo")


def named(*entries: ArtifactEntry, config: str = CONFIG) -> dict[str, Trial]:
    """The trials by their names."""
    return {trial.name: trial for trial in trials(parse(config, "shipways.toml"), manifest(*entries), HOST)}


PROGRAM = entry("bin/demo-x/demo", "binary", target=LINUX)
WHEEL = entry("demo-1.0.0rc1-py3-none-linux_x86_64.whl", "wheel")
OTHER = entry("demo-1.0.0rc1-py3-none-win_amd64.whl", "wheel")
SDIST = entry("demo-1.0.0rc1.tar.gz", "sdist")


def test_wheel() -> None:
    """A new environment gets exactly this version from the index of the config, with our hashes, as a wheel."""
    trial = named(PROGRAM, WHEEL, OTHER)["pypi/demo 1.0.0rc1"]
    assert (("requirements.txt", f"demo==1.0.0rc1 --hash={DIGEST} --hash={DIGEST}\n"),) == trial.files
    assert ("/usr/bin/python3", "-m", "venv", f"{FOLDER}/venv") == trial.steps[0]
    words = " ".join(trial.steps[1])
    assert "--no-deps --require-hashes --index-url https://index.example/simple/ --only-binary :all:" in words
    assert ("", ("1.0.0rc1",), (f"{FOLDER}/venv/bin/demo",)) == (trial.why, trial.versions, trial.programs)


def test_wheels_of_others_only() -> None:
    """Where no wheel is for this machine that is said; an sdist is for all."""
    assert "no wheel is for this machine" == named(OTHER)["pypi/demo 1.0.0rc1"].why
    trial = named(OTHER, SDIST)["pypi/demo 1.0.0rc1"]
    assert ("", False) == (trial.why, "--only-binary" in trial.steps[1])


@pytest.mark.parametrize(
    ("index", "words"), [("sparse+https://index.example/", ("--index", "sparse+https://index.example/")), ("", ())]
)
def test_crate(index: str, words: Sequence[str]) -> None:
    """cargo installs exactly this version from the index of the registry, into a folder of its own."""
    made = manifest(PROGRAM, entry("my-demo-1.0.0-rc.1.crate", "crate"))
    (trial,) = (
        t for t in trials(parse(CONFIG, "shipways.toml"), made, replace(HOST, crates=index)) if t.tool == "cargo"
    )
    folders = ("--root", f"{FOLDER}/root", "--target-dir", f"{FOLDER}/target")
    wanted = ("cargo", "install", "--quiet", "my-demo", "--version", "=1.0.0-rc.1")
    assert ((*wanted, *folders, *words),) == trial.steps
    assert (f"{FOLDER}/root/bin/demo", f"{FOLDER}/root/bin/my-demo") == trial.programs


def test_image() -> None:
    """It runs by its digest, from each repository, without a network; not where it has no platform for this machine."""
    index = entry(f"images/demo/blobs/{DIGEST.replace(':', '/')}", "image")
    media = "application/vnd.oci.image.manifest.v1+json"
    child = entry("images/demo/blobs/sha256/1", "blob", media_type=media, target=LINUX)
    found = [trial for trial in named(index, child).values() if trial.tool == "docker"]
    assert [
        ("docker", "run", "--rm", "--network=none", "--quiet", f"{host}/example/demo@{DIGEST}", "--version")
        for host in ("ghcr.io", "quay.io")
    ] == [trial.prints[0] for trial in found]
    assert [""] == list({trial.why for trial in found})
    other = entry("images/demo/blobs/sha256/1", "blob", media_type=media, target="aarch64-unknown-linux-gnu")
    assert {"it has no platform of this machine (amd64)"} == {
        trial.why for trial in named(index, other).values() if trial.tool == "docker"
    }


def test_formula() -> None:
    """It is installed into a Homebrew of its own, from the file that was made."""
    trial = named(entry("formula/demo.rb", "formula"))["formula/demo 1.0.0-rc.1"]
    brew = f"{FOLDER}/brew/bin/brew"
    assert ("formula/demo.rb",) == trial.copies
    assert [(brew, "install", "shipways/verify/demo"), (brew, "test", "shipways/verify/demo")] == list(trial.steps[-2:])


def test_only_where_it_goes() -> None:
    """Nothing is installed from a place that the config does not name."""
    config = CONFIG[: CONFIG.index("[publish.crates]")]
    assert {} == named(WHEEL, SDIST, entry("demo-1.0.0-rc.1.crate", "crate"), config=config)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("demo 1.0.0", True),
        ("v1.0.0\n", True),
        ("demo 1.0.0, built today.", True),
        ("demo 1.0.0.", True),
        ("demo 11.0.0", False),
        ("demo 1.0.0.1", False),
        ("demo 1.0.0-rc.1", False),
        ("demo 1.0.0+x", False),
        ("", False),
    ],
)
def test_tells(text: str, told: bool) -> None:
    """A version counts as a word of its own."""
    assert told == tells(text, ("1.0.0",))
