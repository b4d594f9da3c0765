"""The registry channel: which items follow from a manifest, and which configs have none."""

import pytest

from shipways.config.load import parse
from shipways.errors import ConfigError
from shipways.model.item import Item, ItemKind, Phase
from shipways.model.manifest import ArtifactEntry, PackageEntry
from shipways.model.oci import INDEX, MANIFEST
from shipways.publish.registry import plan
from support import facts, sealed

CONFIG = """
[project]
name = "pulse"

[package.pulse]
build = "go"

[image.pulse]
package = "pulse"
repositories = ["ghcr.io/example/pulse", "pulse", "ghcr.io/example/mirror"]

[publish.registry]
"""
DIGEST, PLATFORM = "sha256:" + "a" * 64, "sha256:" + "b" * 64
AMD64 = "x86_64-unknown-linux-musl"


def entry(path: str, kind: str, digest: str = "sha256:" + "c" * 64, **more: str) -> ArtifactEntry:
    """An artifact of the package."""
    return ArtifactEntry(path=path, kind=kind, digest=digest, size=7, package="pulse", **more)


IMAGE = (
    entry(f"images/pulse/blobs/sha256/{PLATFORM[7:]}", "blob", PLATFORM, media_type=MANIFEST, target=AMD64),
    entry(f"images/pulse/blobs/sha256/{DIGEST[7:]}", "image", DIGEST, media_type=INDEX),
)


def desired(
    *more: ArtifactEntry, version: str = "1.2.3", package: str = "pulse", text: str = CONFIG, image: bool = True
) -> dict[str, Item]:
    """The items by their names."""
    released = PackageEntry(name=package, version=version, tag=f"v{version}")
    manifest = sealed(released, artifacts=(*(IMAGE if image else ()), *more), project="pulse")
    (channel,) = plan(parse(text, "shipways.toml"), None)
    return {item.id.removeprefix("registry/"): item for item in channel.desired(manifest)}


def test_items_of_a_repository() -> None:
    """The image by digest in stage; then its version, then what moves."""
    items = desired()
    own = [name for name in items if name.startswith("ghcr.io/example/pulse")]
    expected = [f"ghcr.io/example/pulse{end}" for end in (f"@{DIGEST}", ":1.2.3", ":latest", ":1", ":1.2")]
    assert expected == own
    image, version, latest = (items[name] for name in own[:3])
    assert (ItemKind.STAGED, Phase.STAGE, DIGEST) == (image.kind, image.phase, image.want)
    assert (ItemKind.FIXED, Phase.COMMIT, (image.id,)) == (version.kind, version.phase, version.needs)
    assert (ItemKind.MOVING, "1.2.3", (version.id,)) == (latest.kind, latest.version, latest.needs)


def test_repositories_of_one_registry_come_after_each_other() -> None:
    """The second one takes the blobs of the first; another registry waits for none."""
    items = desired()
    first = items[f"ghcr.io/example/pulse@{DIGEST}"]
    assert () == items[f"docker.io/library/pulse@{DIGEST}"].needs
    assert (first.id,) == items[f"ghcr.io/example/mirror@{DIGEST}"].needs


def test_a_prerelease_moves_nothing() -> None:
    """It has its own tag only; what cannot be in a tag is replaced."""
    tags = [name.rpartition(":")[2] for name in desired(version="1.2.3-rc.1+b7") if "@" not in name]
    assert ["1.2.3-rc.1_b7"] * 3 == tags


def test_a_moving_tag_is_not_the_version() -> None:
    """A tag that comes to the same as the version is that one."""
    text = CONFIG + 'moving = ["{major}.{minor}.3", "stable", "stable"]\n'
    tags = [name.rpartition(":")[2] for name in desired(text=text) if name.startswith("ghcr.io/example/pulse:")]
    assert ["1.2.3", "stable"] == tags


def test_bills_of_materials() -> None:
    """One about a platform is attached to that, one about the package to the whole; others to nothing."""
    items = desired(
        entry("pulse-linux.cdx.json", "sbom", target=AMD64),
        entry("pulse.cdx.json", "sbom"),
        entry("pulse-windows.cdx.json", "sbom", target="x86_64-pc-windows-msvc"),
    )
    names = [name for name in items if name.startswith("ghcr.io/example/pulse@") and "cdx" in name]
    assert [f"{PLATFORM}/pulse-linux.cdx.json", f"{DIGEST}/pulse.cdx.json"] == [n.partition("@")[2] for n in names]
    assert 2 == len({items[name].want for name in names})
    assert {(Phase.STAGE, (f"registry/ghcr.io/example/pulse@{DIGEST}",))} == {
        (items[name].phase, items[name].needs) for name in names
    }


@pytest.mark.parametrize("how", [{"image": False}, {"package": "other"}])
def test_nothing_to_push(how: dict[str, object]) -> None:
    """An image that was not made, or whose package is not released, is nowhere."""
    assert {} == desired(**how)


def test_no_table_no_channel() -> None:
    """Without `[publish.registry]` nothing is pushed."""
    assert [] == list(plan(parse(CONFIG.replace("[publish.registry]", ""), "shipways.toml"), None))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CONFIG.replace("repositories", "labels = {}\n#"), "no image has repositories"),
        (
            CONFIG + '\n[image.two]\npackage = "pulse"\nrepositories = ["docker.io/library/pulse"]\n',
            "docker.io/library/pulse is the repository of image.pulse too",
        ),
        (CONFIG + 'moving = ["{patch}"]\n', "publish.registry.moving"),
        (CONFIG + 'moving = ["-x"]\n', "publish.registry.moving"),
    ],
)
def test_bad_config(text: str, message: str) -> None:
    """What cannot work is said before anything is made."""
    with pytest.raises(ConfigError, match=message):
        parse(text, "shipways.toml")


@pytest.mark.parametrize(
    ("tags", "asked"), [((), {"pulse", "other"}), (("v1",), {"pulse"}), (("x",), {"pulse", "other"})]
)
def test_images_that_a_tag_releases(tags: tuple[str, ...], asked: set[str]) -> None:
    """What a tag does not release is not asked for before; without a tag everything is."""
    other = (
        '[package.other]\nbuild = "go"\n[image.other]\npackage = "other"\nrepositories = ["ghcr.io/example/other"]\n'
    )
    config = parse(CONFIG.replace("[publish.registry]", f"{other}[publish.registry]"), "shipways.toml")
    (channel,) = plan(config, facts(tags=tags, pulse="1", other="2"))
    assert asked == {image.name for image in channel.images}
