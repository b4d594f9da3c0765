"""Services as the config says them, worked out for each kind of place."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deploying import HEAD, SHOP
from shipways.config.load import parse
from shipways.config.services import Profile
from shipways.deploy.services import services
from shipways.errors import ConfigError
from shipways.model.service import CONTAINER, LINUX, Place, Service
from shipways.render.yaml import yaml_text

TWO = """
[service.shop]
image = "shop"
port = 8080
needs = ["store"]
command = ["serve", "--store", "http://{service.store}", "{file.main}"]
files = { main = { path = "/config/shop.toml", source = "config/{profile}.toml" } }
env.LEVEL = { default = "info", dev = "debug" }
env.BIND = { default = "{address}:{port}" }
env.KEPT = { default = "{data}" }

[service.store]
image = "shop"
program = "store"
port = 9000
data = { main = "/data" }
"""


def found(text: str, place: Place = CONTAINER, profile: Profile = "prod") -> dict[str, Service]:
    """The services by name."""
    return {each.name: each for each in services(parse(HEAD + text, "shipways.toml"), place, profile)}


def test_container() -> None:
    """In a container a service listens to all, finds others by name, and has its files where the config says."""
    assert ["store", "shop"] == list(found(TWO.replace('env.KEPT = { default = "{data}" }', "")))
    shop = found(TWO.replace("{data}", "{ }"))["shop"]
    assert ("/usr/local/bin/shop", "serve", "--store", "http://store:9000", "/config/shop.toml") == shop.command
    assert {"LEVEL": "info", "BIND": "0.0.0.0:8080", "KEPT": "{ }"} == shop.environment
    assert "config/prod.toml" == shop.files[0].source


def test_machine() -> None:
    """On a machine it listens where it is published, and each service has folders of its own."""
    both = found(TWO.replace("{data}", ""), LINUX, "dev")
    assert ("--store", "http://127.0.0.1:9000", "/etc/shop/shop.toml") == both["shop"].command[2:]
    assert {"LEVEL": "debug", "BIND": "127.0.0.1:8080", "KEPT": ""} == both["shop"].environment
    assert ("/usr/local/bin/store", "serve") == both["store"].command
    assert "/var/lib/store/main" == both["store"].data[0].path


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('image = "none"', "service.shop.image: there is no [image.none]"),
        ('image = "shop"\nhealth = "/up"', "health is set, but port is not"),
        ('image = "shop"\nneeds = ["other"]', "service.shop.needs: there is no [service.other]"),
        ('image = "shop"\nneeds = ["shop"]', "service.shop.needs: goes round: shop → shop"),
        (
            'image = "shop"\ncommand = ["{port}"]',
            "service.shop.command: {port} stands for nothing; there are {address}",
        ),
        ('image = "shop"\nenv.A = { dev = "{data.x}" }', "service.shop.env.A.dev: {data.x} stands for nothing"),
        ('image = "shop"\nenv.A = { secret = true, prod = "x" }', "prod is set, but a secret has no value in a file"),
        ('image = "shop"\nenv.A_TOKEN = { default = "x" }', "env.A_TOKEN: looks like a secret"),
        (
            'image = "shop"\ndata = { a = "/elsewhere" }',
            "service.shop.data.a: /elsewhere is not in image.shop.volumes, so that its user could not write there",
        ),
        ('image = "shop"\nreplicas = 2\ndata = { a = "/a" }', "one copy only may write to data"),
        ('image = "shop"\ndata = { a = "/a", b = "/a" }', "/a is there twice"),
        ('image = "shop"\nport = 80\n[service.two]\nimage = "shop"\nport = 80', "80 is that of service.shop"),
    ],
)
def test_refused(table: str, said: str) -> None:
    """What cannot be is an error of the config, with its path."""
    with pytest.raises(ConfigError) as caught:
        found(f"[service.shop]\n{table}\n")
    assert said in "\n".join(str(problem) for problem in caught.value.problems)


def test_secret() -> None:
    """A secret in the environment has no value anywhere."""
    shop = found(SHOP)["shop"]
    assert ("SHOP_TOKEN",) == shop.secrets
    assert {"SHOP_DATA": "/data"} == shop.environment


@given(st.dictionaries(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1), st.text()))
def test_yaml_is_exact(values: dict[str, str]) -> None:
    """Every string is read as it was written."""
    readable = {key: "".join(c for c in value if c.isprintable() or c == "\n") for key, value in values.items()}
    assert (readable or None) == (yaml.safe_load(yaml_text(readable, note="a\nb")) or None)
