"""Puts together what channels use; a run pays only for the doors that it opens."""

import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from shipways.adapters.process import OsProcess
from shipways.adapters.shell import OsClock, OsShell
from shipways.buckets import Bucket
from shipways.config.publish import S3, AttestTable, FilesTable, PypiTable
from shipways.model.tap import TapPlace
from shipways.outside import CrateRegistry, Forge, Outside, PythonIndex
from shipways.proofs import Notary
from shipways.registries import Registries
from shipways.tags import Tags
from shipways.taps import Tap


@contextlib.asynccontextmanager
async def outside(folder: Path) -> AsyncIterator[Outside]:
    """The ports that channels use while the block runs, for the artifacts in `folder`."""
    async with contextlib.AsyncExitStack() as opened:
        yield Outside(
            artifact=lambda path: folder / path,
            bucket=functools.cache(_bucket),
            crates=functools.cache(_crates),
            forge=_forges(opened),
            notary=functools.cache(_notary),
            pypi=functools.cache(_pypi),
            read=functools.partial(_read, folder),
            registries=functools.cache(_registries),
            tags=functools.cache(tags),
            tap=_taps(opened),
        )


def _bucket(table: FilesTable) -> Bucket:
    if table.folder.startswith(S3):
        from shipways.adapters.s3 import S3Bucket

        return S3Bucket(table, OsClock())
    from shipways.adapters.bucket import FolderBucket

    return FolderBucket(table.folder)


def _crates(registry: str) -> CrateRegistry:
    from shipways.adapters.cargoaddresses import CargoAddresses
    from shipways.adapters.crates import SparseRegistry
    from shipways.adapters.cratetokens import CrateTokens

    shell = OsShell()
    tokens = CrateTokens(registry, shell.env(), OsClock())
    return SparseRegistry(registry, CargoAddresses(OsProcess(), shell), tokens, OsClock())


def _notary(table: AttestTable, tags: tuple[str, ...]) -> Notary:
    shell = OsShell()
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


def _pypi(table: PypiTable) -> PythonIndex:
    from shipways.adapters.credentials import Credentials
    from shipways.adapters.pypi import SimpleIndex

    return SimpleIndex(table, Credentials(OsShell().env()), OsClock())


def _forges(opened: contextlib.AsyncExitStack) -> Callable[[str, str], Forge]:
    """Each forge is made when it is asked for, and kept until the end: its connections are."""
    from shipways.adapters.credentials import Credentials

    secret = Credentials(OsShell().env()).secret

    @functools.cache
    def forge(api: str, repository: str) -> Forge:
        from shipways.adapters import web
        from shipways.adapters.github import GithubForge

        http = web.client(api)
        made = GithubForge(api, repository, secret("GH_TOKEN", "GITHUB_TOKEN"), http, OsClock())
        opened.push_async_callback(http.aclose)
        opened.callback(made.close)
        return made

    return forge


def tags(repository: str) -> Tags:
    """The tags at the remote of this repository; a release that makes its own asks before there is a channel."""
    from shipways.adapters.gittags import GitTags

    return GitTags(repository, OsProcess(), OsShell())


def _taps(opened: contextlib.AsyncExitStack) -> Callable[[TapPlace], Tap]:
    """As forges are."""
    from shipways.adapters.credentials import Credentials

    secret = Credentials(OsShell().env()).secret

    @functools.cache
    def tap(place: TapPlace) -> Tap:
        from shipways.adapters import web
        from shipways.adapters.githubtap import GithubTap

        http = web.client(place.api)
        made = GithubTap(place, secret("HOMEBREW_TAP_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"), http, OsClock())
        opened.push_async_callback(http.aclose)
        opened.callback(made.close)
        return made

    return tap


def _registries() -> Registries:
    from shipways.adapters.dockerauth import DockerLogins
    from shipways.adapters.registryhttp import RegistryHttp
    from shipways.adapters.registrypush import PushRegistries

    return PushRegistries(RegistryHttp(DockerLogins(OsProcess(), OsShell()), OsClock()))
