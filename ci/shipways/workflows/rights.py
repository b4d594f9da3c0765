"""What a release may do, and which secrets it is given: no more than its channels need."""

import re
from collections.abc import Iterator
from typing import Final

from shipways.config.publish import S3
from shipways.config.schema import Config
from shipways.model.oci import parse_reference
from shipways.model.workflow import Permission, Use
from shipways.outside.crates import CRATES_IO, token_variable

_OWN_REGISTRY: Final = "ghcr.io"
"""The registry of GitHub, where the token of the job is the password."""
_TOKEN: Final = "${{ github.token }}"  # noqa: S105 - an expression, not a token
_TOKEN_NAME: Final = "GITHUB_TOKEN"  # noqa: S105 - and its name
_COMMITTER: Final = (
    ("GIT_COMMITTER_NAME", "${{ github.actor }}"),
    ("GIT_COMMITTER_EMAIL", "${{ github.actor_id }}+${{ github.actor }}@users.noreply.github.com"),
)
"""Who has started the run, with the address by which GitHub knows them ("Setting your commit email address")."""


def permissions(config: Config, *, tags: bool = False) -> tuple[Permission, ...]:
    """The rights of the job that publishes, and makes the tags."""
    publish = config.publish
    contents = (*(("the release and its files",) if publish.github else ()), *(("the tag",) if tags else ()))
    wanted = {
        "attestations": ("provenance by digest",) if publish.stored else (),
        "contents": contents,
        "packages": ("images",) if _OWN_REGISTRY in _hosts(config) else (),
        "id-token": tuple(_identified(config)),
    }
    return tuple(
        Permission(scope=scope, level="write", why=", ".join(reasons)) for scope, reasons in wanted.items() if reasons
    )


def variables(config: Config, *, tags: bool = False) -> tuple[tuple[str, str], ...]:
    """Names of the environment of what publishes, with the secret of the same name, or the token of the job.

    What makes the tags has who makes them, too.
    """
    token = ((_TOKEN_NAME, _TOKEN),) if tags or config.publish.github else ()
    return (*token, *(_COMMITTER if tags else ()), *((name, _secret(name)) for name in sorted(_tokens(config))))


def reading_variables(config: Config) -> tuple[tuple[str, str], ...]:
    """The same for what only reads what is published: the token of the job, for a repository that is not public."""
    return ((_TOKEN_NAME, _TOKEN),) if config.publish.github else ()


def build_variables(config: Config) -> tuple[tuple[str, str], ...]:
    """The same for what builds: the secrets of packages, and none of those that publish."""
    names = {name for package in config.package.values() for name in package.secrets}
    return tuple((name, _secret(name)) for name in sorted(names))


def logins(config: Config) -> Iterator[Use]:
    """A login for each registry: with the token of the job at GitHub's own, with HOST_USER and HOST_TOKEN elsewhere."""
    for host in _hosts(config):
        name = re.sub(r"\W", "_", host).upper()
        own = host == _OWN_REGISTRY
        user, password = ("${{ github.actor }}", _TOKEN) if own else (_secret(f"{name}_USER"), _secret(f"{name}_TOKEN"))
        yield Use(
            action="docker-login",
            why=f"To push images to {host}.",
            inputs=(("registry", host), ("username", user), ("password", password)),
        )


def _identified(config: Config) -> Iterator[str]:
    """What takes the identity of the job instead of a secret."""
    publish = config.publish
    if publish.attest and publish.attest.signer == "sigstore":
        yield "signatures"
    if publish.crates and publish.crates.registry in CRATES_IO:
        yield "a token of crates.io"
    if publish.pypi and trusted_index(config):
        yield "a token of PyPI"


def _tokens(config: Config) -> Iterator[str]:
    """The secrets of channels that take no identity."""
    publish = config.publish
    if publish.attest and publish.attest.signer == "key":
        yield "SHIPWAYS_SIGNING_KEY"
    if publish.crates and publish.crates.registry not in CRATES_IO:
        yield token_variable(publish.crates.registry)
    if publish.files and publish.files.folder.startswith(S3):
        yield from ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    if publish.homebrew:
        yield "HOMEBREW_TAP_TOKEN"
    if publish.pypi and not trusted_index(config):
        yield "SHIPWAYS_PYPI_TOKEN"


def trusted_index(config: Config) -> bool:
    """Whether PyPI knows the job: `auto` asks for a token only where another index may not know it."""
    pypi = config.publish.pypi
    return pypi is not None and (pypi.trusted is True or (pypi.trusted == "auto" and not pypi.repository))


def _hosts(config: Config) -> tuple[str, ...]:
    if config.publish.registry is None:
        return ()
    names = (name for image in config.made.values() for name in image.repositories)
    return tuple(sorted({parse_reference(name).host for name in names}))


def _secret(name: str) -> str:
    return "${{ secrets." + name + " }}"
