"""Puts together what channels use; a run pays only for the doors that it opens."""

import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shipways.adapters.process import OsProcess
from shipways.config.kinds import milliseconds
from shipways.config.publish import S3, AttestTable, FilesTable, PypiTable
from shipways.config.serve import Serve
from shipways.deploy.requested import TreeBringer
from shipways.late import LateHosts
from shipways.model.daemon import Scope
from shipways.model.names import site_of
from shipways.model.secret import Secret
from shipways.model.tap import TapPlace
from shipways.outside.buckets import Bucket
from shipways.outside.channels import Outside
from shipways.outside.crates import CrateRegistry
from shipways.outside.forges import Forge
from shipways.outside.indexes import PythonIndex
from shipways.outside.platforms import RenderApi, Services, Site
from shipways.outside.proofs import Notary
from shipways.outside.registries import Registries
from shipways.outside.tags import Tags
from shipways.outside.taps import Tap
from shipways.ports import Clock, Shell

if TYPE_CHECKING:
    from shipways.adapters.crates import Addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The ways to what neither a table of the config nor the environment tells the place of.

    `addresses` knows where registries of crates are, cargo if none; `fetched` at which URL that of a formula is asked.
    """

    addresses: "Addresses | None" = None
    fetched: Callable[[str], str] = str


REAL: Final = Ways()


@contextlib.asynccontextmanager
async def outside(folder: Path, shell: Shell, clock: Clock, ways: Ways = REAL) -> AsyncIterator[Outside]:
    """The ports that channels use while the block runs, for the artifacts in `folder`.

    Tokens come from the environment of `shell` alone.
    """
    async with contextlib.AsyncExitStack() as opened:
        yield Outside(
            artifact=lambda path: folder / path,
            bucket=functools.cache(functools.partial(_bucket, clock)),
            crates=functools.cache(lambda registry: _crates(registry, shell, clock, ways)),
            forge=functools.cache(lambda api, repository: _forge(opened, api, repository, shell, clock)),
            notary=functools.cache(functools.partial(_notary, shell)),
            pypi=functools.cache(lambda table: _pypi(table, shell, clock)),
            read=functools.partial(_read, folder),
            registries=functools.cache(lambda: _registries(shell, clock)),
            tags=functools.cache(lambda api, repository: tags(api, repository, shell)),
            tap=functools.cache(lambda place: _tap(opened, place, shell, clock, ways)),
        )


def site(root: Path, folder: Path, shell: Shell, clock: Clock, services: Callable[[Scope], Services]) -> Site:
    """What deployers use, for the repository at `root` and the artifacts in `folder`."""
    from shipways.adapters.files import DiskFiles
    from shipways.adapters.probing import HttpProber
    from shipways.adapters.sourcetrees import DiskTrees

    return Site(
        root=root,
        env=shell.env(),
        artifact=lambda path: folder / path,
        files=DiskFiles(),
        process=OsProcess(),
        prober=HttpProber(),
        services=services,
        render=functools.cache(lambda: _render(shell, clock)),
        hosts=LateHosts(),
        trees=DiskTrees(),
        login=functools.partial(_login, shell),
        clock=clock,
    )


def bringer(serve: Serve, clock: Clock) -> TreeBringer:
    """What makes deployments of what the API is asked for. Raises PreflightError where its state cannot be kept."""
    from shipways.adapters.files import DiskFiles
    from shipways.adapters.keyfile import kept_key
    from shipways.adapters.registrar import HttpRegistrar
    from shipways.adapters.sourcetrees import DiskTrees
    from shipways.adapters.verifier import HttpVerifier

    registry, asked = serve.registry, serve.verifier
    wait = milliseconds(registry.wait) / 1000
    return TreeBringer(
        serve=serve,
        trees=DiskTrees(),
        files=DiskFiles(),
        clock=clock,
        registrar=HttpRegistrar(registry.url, registry.entry, wait, clock) if registry.url else None,
        verifier=HttpVerifier(asked.url, milliseconds(asked.wait) / 1000, clock) if asked.url else None,
        key=kept_key(Path(serve.state) / "key"),
    )


async def _login(shell: Shell, registry: str) -> tuple[str, Secret] | None:
    from shipways.adapters.dockerauth import DockerLogins

    found = await DockerLogins(OsProcess(), shell).login(registry)
    return (found.user, found.password) if found and found.password else None


def _render(shell: Shell, clock: Clock) -> RenderApi:
    from shipways.adapters.credentials import Credentials
    from shipways.adapters.onrender import TOKEN, RenderRest

    return RenderRest(Credentials(shell.env()).secret(TOKEN), clock)


def _bucket(clock: Clock, table: FilesTable) -> Bucket:
    if table.folder.startswith(S3):
        from shipways.adapters.s3 import S3Bucket

        return S3Bucket(table, clock)
    from shipways.adapters.bucket import FolderBucket

    return FolderBucket(table.folder)


def _crates(registry: str, shell: Shell, clock: Clock, ways: Ways) -> CrateRegistry:
    from shipways.adapters.cargoaddresses import CargoAddresses
    from shipways.adapters.crates import SparseRegistry
    from shipways.adapters.cratetokens import CrateTokens

    tokens = CrateTokens(registry, shell.env(), clock)
    return SparseRegistry(registry, ways.addresses or CargoAddresses(OsProcess(), shell), tokens, clock)


def _notary(shell: Shell, table: AttestTable, tags: tuple[str, ...]) -> Notary:
    if table.signer == "sigstore":
        from shipways.adapters.keyless import KeylessNotary
        from shipways.settings import find_config

        trust = find_config(shell.cwd())[0].parent / table.trust if table.trust else None
        return KeylessNotary(table.identities(tags), table.issuer, trust)
    from shipways.adapters.credentials import Credentials
    from shipways.adapters.keynotary import KEY, KeyNotary

    return KeyNotary(table.public_key, Credentials(shell.env()).key(KEY))


async def _read(folder: Path, path: str) -> bytes:
    from shipways.adapters.files import small

    return await small(folder / path)


def _pypi(table: PypiTable, shell: Shell, clock: Clock) -> PythonIndex:
    from shipways.adapters.pypi import SimpleIndex

    return SimpleIndex(table, shell.env(), clock)


def _forge(opened: contextlib.AsyncExitStack, api: str, repository: str, shell: Shell, clock: Clock) -> Forge:
    from shipways.adapters import web
    from shipways.adapters.credentials import Credentials
    from shipways.adapters.github import GithubForge

    token = Credentials(shell.env()).secret("GH_TOKEN", "GITHUB_TOKEN")
    http = web.client(api)
    made = GithubForge(api, repository, token, http, clock)
    opened.push_async_callback(http.aclose)
    opened.callback(made.close)
    return made


def tags(api: str, repository: str, shell: Shell) -> Tags:
    """The tags at the remote of this repository; a release that makes its own asks before there is a channel."""
    from shipways.adapters.credentials import Credentials
    from shipways.adapters.gittags import GitTags

    token = Credentials(shell.env()).secret("GH_TOKEN", "GITHUB_TOKEN")
    return GitTags(repository, OsProcess(), shell, site=site_of(api), token=token)


def _tap(opened: contextlib.AsyncExitStack, place: TapPlace, shell: Shell, clock: Clock, ways: Ways) -> Tap:
    from shipways.adapters import web
    from shipways.adapters.credentials import Credentials
    from shipways.adapters.githubtap import GithubTap

    token = Credentials(shell.env()).secret("HOMEBREW_TAP_TOKEN", "GH_TOKEN", "GITHUB_TOKEN")
    http = web.client(place.api)
    made = GithubTap(place, token, http, clock, fetched=ways.fetched)
    opened.push_async_callback(http.aclose)
    opened.callback(made.close)
    return made


def _registries(shell: Shell, clock: Clock) -> Registries:
    from shipways.adapters.dockerauth import DockerLogins
    from shipways.adapters.registryhttp import RegistryHttp
    from shipways.adapters.registrypush import PushRegistries

    return PushRegistries(RegistryHttp(DockerLogins(OsProcess(), shell), clock))
