"""Where proofs lie: each beside what it proves, in the words of the channel that brings it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shipways.model.item import Seen
from shipways.model.proof import Form
from shipways.outside.channels import Channel, Outside
from shipways.outside.registries import Attachment
from shipways.pack.statements import claimed_tags
from shipways.publish.files import FilesChannel
from shipways.publish.github import GithubChannel
from shipways.publish.githubassets import upload
from shipways.publish.registry import RegistryChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a proof goes: the id of its item, where it lies in the words of its place, and its name there."""

    id: str
    where: str
    name: str
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What lies there: where and by which name, its bytes, what makes a change visible, and its URL."""

    spot: tuple[str, str]
    data: bytes
    stamp: str = ""
    url: str = ""


class Place(Protocol):
    """What has room for proofs."""

    @property
    def name(self) -> str:
        """Its name, which is that of the channel, if it is one's."""
        ...

    async def read(self, outside: Outside, spots: Sequence[tuple[str, str]], form: Form) -> Sequence[Kept]:
        """What is there under these names, each of WHERE and NAME. Raises Transient, Unfinished."""
        ...

    async def put(self, outside: Outside, spot: Spot, proof: bytes, seen: Seen) -> str:
        """Put it there, where `seen` was; its URL. Raises Transient, Moved, Unfinished."""
        ...


class Beside(Place, Protocol):
    """A place where they lie beside what a channel brings."""

    @property
    def channel(self) -> Channel:
        """The channel."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InFolder:
    """Files beside the others."""

    channel: FilesChannel
    name: str = "files"

    async def read(self, outside: Outside, spots: Sequence[tuple[str, str]], form: Form) -> Sequence[Kept]:
        """By their paths."""
        del form
        bucket, found = outside.bucket(self.channel.table), []
        for where, name in spots:
            key = f"{where}/{name}"
            if stamp := await bucket.digest(key):
                found.append(Kept(spot=(where, name), data=await bucket.read(key), stamp=stamp, url=bucket.url(key)))
        return found

    async def put(self, outside: Outside, spot: Spot, proof: bytes, seen: Seen) -> str:
        """Written whole."""
        bucket, key = outside.bucket(self.channel.table), f"{spot.where}/{spot.name}"
        await bucket.write(key, proof, seen=seen.stamp)
        return bucket.url(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnGithub:
    """Assets of the release."""

    channel: GithubChannel
    name: str = "github"

    async def read(self, outside: Outside, spots: Sequence[tuple[str, str]], form: Form) -> Sequence[Kept]:
        """Those that are whole by their bytes, others as what is in the way: empty."""
        del form
        forge, found = outside.forge(self.channel.api, self.channel.repository), []
        tags = tuple(dict.fromkeys(where for where, _ in spots))
        releases = await forge.releases(tags) if tags else ()
        for tag in tags:
            first = next((release for release in releases if release.tag == tag), None)
            for asset in await forge.assets(first) if first else ():
                if (tag, asset.name) in spots:
                    data = await forge.read(asset) if asset.whole else b""
                    found.append(Kept(spot=(tag, asset.name), data=data, stamp=str(asset.id), url=asset.url))
        return found

    async def put(self, outside: Outside, spot: Spot, proof: bytes, seen: Seen) -> str:
        """Uploaded as other assets are."""
        forge = outside.forge(self.channel.api, self.channel.repository)
        return await upload(forge, spot.where, (spot.id, spot.name), proof, seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithImages:
    """Attached to images, by digest."""

    channel: RegistryChannel
    name: str = "registry"

    async def read(self, outside: Outside, spots: Sequence[tuple[str, str]], form: Form) -> Sequence[Kept]:
        """What is attached under these titles; of several all."""
        found = []
        for image in dict.fromkeys(where for where, _ in spots):
            for kind in dict.fromkeys((form.signature_type, form.provenance_type)):
                for title, data in await outside.registries().files(image, kind):
                    if (image, title) in spots:
                        found.append(Kept(spot=(image, title), data=data, url=image))
        return found

    async def put(self, outside: Outside, spot: Spot, proof: bytes, seen: Seen) -> str:
        """Attached; what is attached already stays."""
        del seen
        kind = spot.form.provenance_type if spot.name == spot.form.provenance else spot.form.signature_type
        await outside.registries().attach(spot.where, Attachment(title=spot.name, source=proof, media_type=kind))
        return spot.where


@dataclass(frozen=True, slots=True, kw_only=True)
class GithubStore:
    """GitHub's store of attestations, where a provenance is found by the digest of any of its subjects.

    WHERE is TAG@DIGEST. It takes whatever anybody attests who may: what does not say that it is our provenance of this
    tag, such as that of an earlier release with a file that is the same, is not in the way.
    """

    channel: GithubChannel
    name: str = "store"

    async def read(self, outside: Outside, spots: Sequence[tuple[str, str]], form: Form) -> Sequence[Kept]:
        """Of several all."""
        del form
        forge, found = outside.forge(self.channel.api, self.channel.repository), []
        for where, name in spots:
            tag, _, subject = where.rpartition("@")
            for data in await forge.attestations(subject):
                if tag in claimed_tags(data):
                    found.append(Kept(spot=(where, name), data=data))
        return found

    async def put(self, outside: Outside, spot: Spot, proof: bytes, seen: Seen) -> str:
        """Stored; what is there stays."""
        del spot, seen
        return await outside.forge(self.channel.api, self.channel.repository).attest(proof)
