"""What the jobs of a release may do, and what they are given."""

import pytest

from working import DEMO, SMALL, ci_and_release, demo


def test_what_a_release_is_given() -> None:
    """S0-25..28: each channel gets its right, or the secret that it has no identity for; only the command has them."""
    release = ci_and_release(demo())[1]["jobs"]["release"]
    rights = {"contents": "write", "packages": "write", "id-token": "write"}
    assert {"attestations": "write"} | rights == release["permissions"]
    assert "release" == release["environment"]
    assert {
        "GITHUB_TOKEN": "${{ github.token }}",
        "CARGO_REGISTRIES_MY_OWN_TOKEN": "${{ secrets.CARGO_REGISTRIES_MY_OWN_TOKEN }}",
        "HOMEBREW_TAP_TOKEN": "${{ secrets.HOMEBREW_TAP_TOKEN }}",
    } == release["steps"][-2]["env"]
    assert "env" not in release
    logins = [step["with"] for step in release["steps"] if "docker/login-action" in step.get("uses", "")]
    assert [
        {
            "registry": "docker.io",
            "username": "${{ secrets.DOCKER_IO_USER }}",
            "password": "${{ secrets.DOCKER_IO_TOKEN }}",
        },
        {"registry": "ghcr.io", "username": "${{ github.actor }}", "password": "${{ github.token }}"},
    ] == logins


def test_no_store() -> None:
    """Where GitHub keeps no attestations, nobody needs the right to put them there."""
    text = DEMO.replace("[publish.attest]", "[publish.attest]\nstore = false")
    release = ci_and_release(demo(text))[1]["jobs"]["release"]
    assert {"contents": "write", "packages": "write", "id-token": "write"} == release["permissions"]


@pytest.mark.parametrize(
    ("channel", "permissions", "variables"),
    [
        ("", {"contents": "read"}, set()),
        ("[publish.pypi]", {"contents": "read", "id-token": "write"}, set()),
        ("[publish.pypi]\ntrusted = false", {"contents": "read"}, {"SHIPWAYS_PYPI_TOKEN"}),
        (
            '[publish.pypi]\nrepository = "https://i.example/up"\nsimple = "https://i.example/s"',
            {"contents": "read"},
            {"SHIPWAYS_PYPI_TOKEN"},
        ),
        ("[publish.crates]", {"contents": "read", "id-token": "write"}, set()),
        ('[publish.crates]\nregistry = "crates-io"', {"contents": "read", "id-token": "write"}, set()),
        (
            '[publish.crates]\nregistry = "sparse+https://i.example/"',
            {"contents": "read"},
            {"CARGO_REGISTRY_TOKEN"},
        ),
        (
            '[publish.files]\nfolder = "s3://releases/demo"',
            {"contents": "read"},
            {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
        ),
        (
            '[publish.files]\nfolder = "/srv/x"\n[publish.attest]\nsigner = "key"\n'
            'public_key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"',
            {"contents": "read"},
            {"SHIPWAYS_SIGNING_KEY"},
        ),
    ],
)
def test_channel_by_channel(channel: str, permissions: dict[str, str], variables: set[str]) -> None:
    """An identity where the place takes one, else a secret, and never both."""
    release = ci_and_release(demo(SMALL + channel))[1]["jobs"]["release"]
    assert permissions == release["permissions"]
    assert variables == set(release["steps"][-2].get("env", {}))


def test_what_a_build_is_given() -> None:
    """A shard has the secrets of packages alone, and no right to publish; one without secrets asks nobody."""
    build = ci_and_release(demo())[1]["jobs"]["build"]
    assert {"contents": "read"} == build["permissions"]
    assert "release" == build["environment"]
    assert {
        "SHIPWAYS_SHARD": "${{ matrix.shard }}",
        "MODULES_TOKEN": "${{ secrets.MODULES_TOKEN }}",
    } == build["steps"][-2]["env"]
    assert "environment" not in ci_and_release(demo(SMALL))[1]["jobs"]["build"]
