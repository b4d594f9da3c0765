"""What should be at a registry of crates."""

from dataclasses import replace
from pathlib import Path

import pytest

from crating import release
from shipways.config.load import parse
from shipways.errors import ConfigError
from shipways.model.facts import Crate
from shipways.model.item import ItemKind, Phase
from shipways.outside.crates import token_variable
from shipways.publish.crates import CratesChannel, plan
from support import facts

HEAD = '[project]\nname = "p"\n'


def test_desired(tmp_path: Path) -> None:
    """A fixed item for each crate, in the commit phase, after the crates of the same release that it needs."""
    manifest = release(tmp_path, "1.0.0", {"app": ("core", "not-released"), "core": ()})
    app, core = CratesChannel(registry="").desired(manifest)
    assert ("crates/app/1.0.0", ("crates/core/1.0.0",)) == (app.id, app.needs)
    assert ("crates/core/1.0.0", (), "core-1.0.0.crate") == (core.id, core.needs, core.path)
    assert manifest.artifacts[1].digest == core.want
    assert {(ItemKind.FIXED, Phase.COMMIT)} == {(item.kind, item.phase) for item in (app, core)}


@pytest.mark.parametrize("registry", ["", "mine", "crates-io", "sparse+https://index.example/x/"])
def test_config(registry: str) -> None:
    """The channel is there when its table is; crates.io when it says nothing."""
    assert [] == list(plan(parse(HEAD, "shipways.toml"), None))
    text = f'{HEAD}[publish.crates]\nregistry = "{registry}"\n'
    assert [CratesChannel(registry=registry)] == list(plan(parse(text, "shipways.toml"), None))
    assert [CratesChannel(registry="")] == list(plan(parse(f"{HEAD}[publish.crates]\n", "shipways.toml"), None))


def test_crates_before() -> None:
    """Which crates a release will bring is known from its facts: those of its tags that may be published."""
    config = parse(f"{HEAD}[publish.crates]\n", "shipways.toml")
    crates = tuple(
        Crate(package=package, path=package, name=f"p-{package}", private=package == "hidden")
        for package in ("app", "core", "hidden")
    )
    here = replace(facts(app="1.0.0", core="2.0.0", hidden="3.0.0"), crates=crates)
    assert [(("p-app", "1.0.0"), ("p-core", "2.0.0"))] == [channel.crates for channel in plan(config, here)]
    tagged = replace(here, git=replace(here.git, tags=("v2.0.0",)))
    assert [(("p-core", "2.0.0"),)] == [channel.crates for channel in plan(config, tagged)]


@pytest.mark.parametrize("registry", ["https://index.example/", "sparse+https://index.example", "a b", 'x"', "../x"])
def test_wrong_config(registry: str) -> None:
    """Anything else is refused before it reaches cargo."""
    with pytest.raises(ConfigError, match=r"publish\.crates\.registry"):
        parse(f"{HEAD}[publish.crates]\nregistry = '{registry}'\n", "shipways.toml")


@pytest.mark.parametrize(
    ("registry", "variable"),
    [
        ("", "CARGO_REGISTRY_TOKEN"),
        ("crates-io", "CARGO_REGISTRY_TOKEN"),
        ("my-own", "CARGO_REGISTRIES_MY_OWN_TOKEN"),
        ("sparse+https://index.example/x/", "CARGO_REGISTRY_TOKEN"),
    ],
)
def test_token_variable(registry: str, variable: str) -> None:
    """The token is where cargo has it: a registry with a name of its own has a variable of its own."""
    assert variable == token_variable(registry)
