"""Scripts of a shell; tests/integration/test_scripts.py runs them."""

import pytest

from deploying import SHOP, rendered
from shipways.deploy import scripts

NAMES = {"build-all", "daemon-ctl", "deploy", "health-check", "install-daemon-linux", "install-daemon-macos"}


def test_names() -> None:
    """S1-06, S1-24: every script of the specification, which says that it is rendered."""
    files = rendered(scripts)
    assert {f"deployment/scripts/{name}.sh" for name in NAMES} == set(files)
    assert {"#!/bin/sh\n# Rendered by shipways"} == {text[:32] for text in files.values()}


def test_only_what_there_is() -> None:
    """A platform without files is not offered; where nothing can be asked there is nothing that asks."""
    name = "deployment/scripts/deploy.sh"
    assert "usage: $0 compose|fly|kubernetes|launchd|systemd " in rendered(scripts)[name]
    few = '[deployment.fly]\nfile = ""\n[deployment.launchd]\nfolder = ""\n'
    assert "usage: $0 compose|kubernetes|systemd " in rendered(scripts, SHOP + few)[name]
    assert "deployment/scripts/health-check.sh" not in rendered(scripts, '[service.shop]\nimage = "shop"\n')
    assert {} == rendered(scripts, SHOP + '[deployment.scripts]\nfolder = ""\n')
    assert {} == rendered(scripts, "")


@pytest.mark.parametrize(
    ("publish", "url"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("10.0.0.5", "10.0.0.5")],  # noqa: S104 - words of a config
)
def test_asked_where_it_is_published(publish: str, url: str) -> None:
    """S1-06: the question goes to where the service is published, and to this machine where that is everywhere."""
    text = rendered(scripts, SHOP.replace("port =", f'publish = "{publish}"\nport ='))[
        "deployment/scripts/health-check.sh"
    ]
    assert "\tshop) ask shop " in text
    assert f"http://{url}:8080/health" in text
