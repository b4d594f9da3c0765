"""What should be in a tap for a release, and what a config may say of it."""

from dataclasses import replace

import pytest

from shipways.bundle import formula as formulas
from shipways.config.load import parse
from shipways.config.released import parse_released
from shipways.config.schema import Config
from shipways.errors import ConfigError
from shipways.model.item import ItemKind, Phase
from shipways.model.manifest import ArtifactEntry, Manifest, PackageEntry, StepEntry
from shipways.model.names import archive_step, site_of
from shipways.model.tap import TapPlace, formula_names
from shipways.publish.homebrew import HomebrewChannel, plan
from shipways.render.formula import downloads_in, formula_text
from support import facts, sealed

CHANNEL = HomebrewChannel(place=TapPlace(tap="o/homebrew-tap", branch="main"), project="demo", patterns=("v{version}",))
TRIPLE = "aarch64-apple-darwin"
TEXT = """
[project]
name = "demo"
repository = "o/demo"

[package.demo]
build = "go"
version = "1.2.0"

[formula.demo]
package = "demo"
description = "Service"
test = [{ run = ["demo"] }]

[publish.github]
api = "https://forge.example/api/v3"

[publish.homebrew]
tap = "o/homebrew-tap"
"""


def config(text: str = TEXT) -> Config:
    """The config."""
    return parse(text, "shipways.toml")


def formula(name: str, package: str = "demo") -> ArtifactEntry:
    """A formula."""
    return ArtifactEntry(path=f"formula/{name}.rb", kind="formula", digest=f"sha256:{name}", size=1, package=package)


def manifest(version: str = "1.2.0", *names: str) -> Manifest:
    """A release of one package, with an archive and formulas."""
    package = PackageEntry(name="demo", version=version, tag=f"v{version}")
    archive = ArtifactEntry(
        path="demo.tar.gz", kind="archive", digest="sha256:a", size=1, package="demo", target=TRIPLE
    )
    made = sealed(package, artifacts=(archive, *map(formula, names)), project="demo")
    step = StepEntry(id=archive_step("demo", TRIPLE), key="", artifacts=(archive.path,))
    return replace(made, steps=(step,))


def test_direct() -> None:
    """One item for all formulas of a release, once its files are public."""
    (item,) = CHANNEL.desired(manifest("1.2.0", "demo", "demo@1.2"))
    assert ("homebrew/v1.2.0/formulas", ("github/v1.2.0/published",)) == (item.id, item.needs)
    assert (ItemKind.MOVING, Phase.COMMIT, "1.2.0") == (item.kind, item.phase, item.version)
    assert ("demo sha256:demo demo@1.2 sha256:demo@1.2", ("demo", "demo@1.2")) == (item.want, formula_names(item.want))


def test_pull_request() -> None:
    """A branch is staged, which nobody needs any more once it was merged; the request comes after the files."""
    branch, pull = replace(CHANNEL, pull_request=True).desired(manifest("1.2.0", "demo"))
    assert ("homebrew/v1.2.0/branch", ItemKind.STAGED, Phase.STAGE, True) == (
        branch.id,
        branch.kind,
        branch.phase,
        branch.passing,
    )
    assert ("homebrew/v1.2.0/pull-request", ItemKind.MOVING, Phase.COMMIT) == (pull.id, pull.kind, pull.phase)
    assert (("github/v1.2.0/published", branch.id), branch.want) == (pull.needs, pull.want)


def test_nothing_to_do() -> None:
    """A pre-release has nothing for a tap, nor has a release without formulas, or those of another package."""
    assert () == CHANNEL.desired(manifest("1.2.0-rc.1", "demo"))
    assert () == CHANNEL.desired(manifest("1.2.0"))
    assert () == CHANNEL.desired(replace(manifest("1.2.0"), artifacts=(formula("other", "other"),)))


def test_plan() -> None:
    """The tap of the config, at the forge of the releases where the table names no other."""
    (channel,) = plan(config(), None)
    assert ("https://forge.example/api/v3", "o/homebrew-tap") == (channel.place.api, channel.place.side)
    (other,) = plan(config(TEXT + 'api = "https://api.github.com"\npull_request = true\nfork = "me"\n'), None)
    assert ("https://api.github.com", "me/homebrew-tap") == (other.place.api, other.place.side)
    assert [] == list(plan(config(TEXT[: TEXT.index("[publish.homebrew]")]), None))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT.replace("o/homebrew-tap", "homebrew-tap"), "publish.homebrew.tap"),
        (TEXT + 'fork = "me"\n', "publish.homebrew.fork: is for pull requests"),
        (TEXT + 'pull_request = true\nfork = "me/tap"\n', "publish.homebrew.fork"),
        (TEXT.replace("[publish.github]", "").replace("api =", "#"), "publish.homebrew: needs [publish.github]"),
        (
            TEXT[: TEXT.index("[formula")] + TEXT[TEXT.index("[publish") :],
            "publish.homebrew: there is no [formula.NAME]",
        ),
    ],
)
def test_config(text: str, said: str) -> None:
    """What cannot work is told with the rest of the config."""
    with pytest.raises(ConfigError) as raised:
        config(text)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("api", "site"),
    [
        ("", "https://github.com"),
        ("https://api.github.com", "https://github.com"),
        ("https://forge.example/api/v3", "https://forge.example"),
        ("https://forge.example/api/v3/", "https://forge.example"),
        ("https://api.octo.ghe.com", "https://octo.ghe.com"),
        ("http://127.0.0.1:8000/api/v3", "http://127.0.0.1:8000"),
    ],
)
def test_site(api: str, site: str) -> None:
    """Where people find what an API tells of."""
    assert site == site_of(api)


def test_record_and_text() -> None:
    """The record of a release names its files; its formula downloads exactly those, from the config's forge."""
    (record,) = formulas.released(config(), facts(demo="1.2.0"), manifest())
    (made,) = parse_released(record.text, record.path).formulas
    assert ("formula/released.json", "1.2.0", "v1.2.0") == (record.path, made.version, made.tag)
    digest = f"sha256:{'a' * 64}"
    text = formula_text(replace(made, downloads=(replace(made.downloads[0], digest=digest),)))
    assert (("https://forge.example/o/demo/releases/download/v1.2.0/demo.tar.gz", digest),) == downloads_in(text)


def test_record_stays() -> None:
    """It changes neither for a pre-release, nor for an older version, nor for the same once more."""
    (record,) = formulas.released(config(), facts(demo="1.2.0"), manifest())
    published = parse_released(record.text, record.path).formulas
    later = replace(facts(demo="1.3.0"), released=published)
    assert [] == list(formulas.released(config(), replace(later, versions=facts(demo="1.2.0").versions), manifest()))
    assert [] == list(
        formulas.released(config(), replace(later, versions=facts(demo="1.1.0").versions), manifest("1.1.0"))
    )
    assert [] == list(formulas.released(config(), facts(demo="1.3.0-rc.1"), manifest("1.3.0-rc.1")))
    (newer,) = formulas.released(config(), later, manifest("1.3.0"))
    assert "1.3.0" == parse_released(newer.text, newer.path).formulas[0].version
    assert [] == list(formulas.released(config(), facts(demo="1.2.0"), replace(manifest(), steps=())))
