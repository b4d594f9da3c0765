"""What should be on GitHub for a release."""

from dataclasses import replace

import pytest

from shipways.errors import ConfigError
from shipways.model.item import ItemKind, Phase
from shipways.model.manifest import ArtifactEntry, PackageEntry
from shipways.publish.github import GithubChannel
from support import sealed

CHANNEL = GithubChannel(repository="o/r", notes=(("v1.2.0", "New."),), patterns=("v{version}",))


def entry(path: str, package: str = "") -> ArtifactEntry:
    """An artifact."""
    return ArtifactEntry(path=path, kind="archive", digest=f"sha256:{path}", size=1, package=package)


MANIFEST = sealed(
    PackageEntry(name="p", version="1.2.0", tag="v1.2.0"),
    artifacts=(entry("p-1.2.0+b.tar.gz"), entry("binaries/p")),
    commit="c" * 40,
)


def test_items() -> None:
    """A draft, then the assets that are uploaded and the manifest, then public, then the latest."""
    items = {item.id.removeprefix("github/"): item for item in CHANNEL.desired(MANIFEST)}
    names = ["v1.2.0/draft", "v1.2.0/p-1.2.0+b.tar.gz", "v1.2.0/manifest.json", "v1.2.0/published", "latest"]
    assert names == list(items)
    draft, asset, _, published, latest = items.values()
    assert (ItemKind.STAGED, Phase.STAGE, ("github/v1.2.0/draft",)) == (asset.kind, asset.phase, asset.needs)
    assert "sha256:p-1.2.0+b.tar.gz" == asset.want
    assert (ItemKind.FIXED, Phase.COMMIT, "published") == (published.kind, published.phase, published.want)
    assert (ItemKind.MOVING, "v1.2.0", "1.2.0") == (latest.kind, latest.want, latest.version)
    assert draft.want.startswith("c" * 40)


def test_draft_follows_its_text() -> None:
    """Other notes are another draft, other ends of lines are not."""

    def want(notes: str) -> str:
        return replace(CHANNEL, notes=(("v1.2.0", notes),)).desired(MANIFEST)[0].want

    assert want("New.\n\nMore.") == want("\nNew. \r\n\r\nMore.\r\n")
    assert want("New.") != want("Old.")


def test_several_tags() -> None:
    """Each tag has its own release, also a tag with a slash; the newest full version is the latest."""
    packages = (
        PackageEntry(name="a", version="1.10.0", tag="sdk/v1.10.0"),
        PackageEntry(name="b", version="2.0.0-rc.1", tag="b-v2.0.0-rc.1"),
        PackageEntry(name="c", version="1.9.0", tag="c-v1.9.0"),
    )
    made = replace(MANIFEST, packages=packages, artifacts=(entry("a.zip", "a"), entry("c.zip", "c"), entry("sums")))
    items = CHANNEL.desired(made)
    assert {"github/sdk/v1.10.0/a.zip", "github/sdk/v1.10.0/sums", "github/c-v1.9.0/c.zip"} < {i.id for i in items}
    assert ("sdk/v1.10.0", ("github/sdk/v1.10.0/published",)) == (items[-1].want, items[-1].needs)


def test_prerelease() -> None:
    """It is never the latest."""
    made = replace(MANIFEST, packages=(PackageEntry(name="p", version="1.2.0-rc.1", tag="v1.2.0-rc.1"),))
    assert "github/latest" not in {item.id for item in CHANNEL.desired(made)}


@pytest.mark.parametrize("name", ["a b.txt", "a~1.deb", ".hidden", "a..b", "draft", "published", "ä.txt", "a?name=b"])
def test_names(name: str) -> None:
    """A name that GitHub would change, or that is taken, is refused before anything is sent."""
    with pytest.raises(ConfigError, match="cannot be the name of an asset"):
        CHANNEL.desired(replace(MANIFEST, artifacts=(entry(name),)))


def test_formula() -> None:
    """A formula is an asset too, by its name alone; two files with one name are refused."""
    formula = replace(entry("formula/p.rb"), kind="formula")
    (item,) = (i for i in CHANNEL.desired(replace(MANIFEST, artifacts=(formula,))) if i.path == "formula/p.rb")
    assert "github/v1.2.0/p.rb" == item.id
    with pytest.raises(ConfigError, match=r"formula/p\.rb has it for itself"):
        CHANNEL.desired(replace(MANIFEST, artifacts=(formula, entry("p.rb"))))
