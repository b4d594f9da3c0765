"""`[publish]`: where a release goes."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, StringConstraints, model_validator

from shipways.config.images import Image
from shipways.config.kinds import Frozen, RelativePath
from shipways.model.oci import parse_reference
from shipways.model.proof import Signer

MovingTag = Annotated[
    str,
    StringConstraints(
        pattern=r"^([A-Za-z0-9_]|\{major\}|\{minor\})([A-Za-z0-9_.-]|\{major\}|\{minor\})*$", max_length=100
    ),
]
Folder = Annotated[
    str,
    StringConstraints(
        pattern=r"^/[^\x00]*$|^~/[^\x00]+$|^s3://[A-Za-z0-9][A-Za-z0-9._-]{2,62}(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*/?$"
    ),
]
S3: Final = "s3://"
"""How a folder begins that is a bucket, or a prefix in one."""
Region = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]*$")]


def _bare(text: str) -> str:
    """Said without the value, which a log would keep."""
    if "@" in text:
        raise ValueError("a name or password has no place here: set SHIPWAYS_PYPI_TOKEN")
    return text


Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$|^$"), AfterValidator(_bare)]
"""A URL without a password, query or fragment; empty where a default stands for it."""


class AttestTable(Frozen):
    """`[publish.attest]`: who signs a release, and whom those who verify it have to see."""

    signer: Signer
    public_key: str = ""
    identity: Annotated[str, StringConstraints(pattern=r"^\S*$")] = ""
    issuer: Annotated[str, StringConstraints(pattern=r"^(https://\S+)?$")] = ""
    trust: RelativePath | Literal[""] = ""
    store: bool = True

    @model_validator(mode="after")
    def _pinned(self) -> Self:
        """A signer without what it is known by proves nothing, and a pin that nobody looks at is a wrong comfort."""
        if bool(self.public_key) != (self.signer == "key"):
            raise ValueError('signer = "key" and public_key go together')
        if {bool(self.identity), bool(self.issuer)} != {self.signer == "sigstore"}:
            raise ValueError('signer = "sigstore", identity and issuer go together')
        if self.trust and self.signer != "sigstore":
            raise ValueError('trust goes with signer = "sigstore"')
        if self.public_key:
            from shipways.model.minisign import read_public_key  # noqa: PLC0415 - most configs have no key

            read_public_key(self.public_key)
        return self

    def identities(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Who may have signed what is released by one of these tags."""
        return tuple(dict.fromkeys(self.identity.replace("{tag}", tag) for tag in tags))


CrateRegistryName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z][A-Za-z0-9_-]*|sparse\+https?://[^\s?#]+/)?$")]


class CratesTable(Frozen):
    """`[publish.crates]`: a registry of Rust crates."""

    registry: CrateRegistryName = ""


Api = Annotated[
    str, StringConstraints(pattern=r"^(https://[^\s@]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/[^\s@]*)?)?$")
]
"""HTTPS, or this machine; a token goes there."""


class FilesTable(Frozen):
    """`[publish.files]`: a folder that a mirror serves, or that is carried to where there is no network."""

    folder: Folder
    endpoint: Api = ""
    region: Region = ""

    @model_validator(mode="after")
    def _s3(self) -> Self:
        """They would be read by nobody."""
        if (self.endpoint or self.region) and not self.folder.startswith(S3):
            raise ValueError(f"endpoint and region are for a folder that begins with {S3}")
        return self


class GithubTable(Frozen):
    """`[publish.github]`: a release on GitHub for each tag."""

    api: Api = ""
    notes: RelativePath = "commits"


Repository = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")]


class HomebrewTable(Frozen):
    """`[publish.homebrew]`: the formulas, in a tap."""

    tap: Repository
    branch: Annotated[str, StringConstraints(pattern=r"^\w[\w./-]*$")] = "main"
    pull_request: bool = False
    fork: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9-]*)?$")] = ""
    api: Api = ""


class PypiTable(Frozen):
    """`[publish.pypi]`: an index of Python packages, PyPI where the table names no other."""

    repository: Address = ""
    simple: Address = ""
    trusted: Literal["auto", True, False] = "auto"

    @model_validator(mode="after")
    def _both(self) -> Self:
        """Nothing tells where another index than PyPI is read: a guess would find nothing there, and upload again."""
        if bool(self.repository) != bool(self.simple):
            raise ValueError(
                "repository and simple go together: one is where files are sent, the other where pip looks"
            )
        return self


class RegistryTable(Frozen):
    """`[publish.registry]`: each image goes to its repositories."""

    moving: tuple[MovingTag, ...] = ("latest", "{major}", "{major}.{minor}")


class Publish(Frozen):
    """The channels, each one there when its table is."""

    attest: AttestTable | None = None
    crates: CratesTable | None = None
    files: FilesTable | None = None
    github: GithubTable | None = None
    homebrew: HomebrewTable | None = None
    pypi: PypiTable | None = None
    registry: RegistryTable | None = None

    @property
    def forge_api(self) -> str:
        """The base URL of the API of the forge that the repository is at; empty for the public one."""
        return self.github.api if self.github else ""

    @property
    def stored(self) -> bool:
        """Whether the provenance goes to GitHub's store of attestations, too: that takes bundles of sigstore alone."""
        return bool(self.github and self.attest and self.attest.signer == "sigstore" and self.attest.store)


def homebrew_problems(publish: Publish, formulas: Collection[str]) -> Iterator[str]:
    """What only the rest of the file can tell: that there are formulas, of files that are public somewhere."""
    if publish.homebrew is None:
        return
    if not formulas:
        yield "publish.homebrew: there is no [formula.NAME] to put into the tap"
    if publish.github is None:
        yield "publish.homebrew: needs [publish.github], whose files the formulas download"
    if publish.homebrew.fork and not publish.homebrew.pull_request:
        yield "publish.homebrew.fork: is for pull requests, and publish.homebrew.pull_request is not true"


def attest_problems(publish: Publish) -> Iterator[str]:
    """Proofs lie beside what they prove."""
    if publish.attest and publish.attest.signer != "none" and not (publish.files or publish.github or publish.registry):
        yield "publish.attest: there is no place for proofs; they lie in files, github or registry"


def registry_problems(publish: Publish, images: Mapping[str, Image]) -> Iterator[str]:
    """What only the images can tell: that there is something to push, and that no tag would be that of two images."""
    if publish.registry is None:
        return
    if not any(image.repositories for image in images.values()):
        yield "publish.registry: no image has repositories to push it to"
    owners: dict[tuple[str, str], str] = {}
    for name, image in images.items():
        for repository in image.repositories:
            meant = parse_reference(repository)
            owner = owners.setdefault((meant.host, meant.repository), name)
            if owner != name:
                yield f"image.{name}.repositories: {repository} is the repository of image.{owner} too"
