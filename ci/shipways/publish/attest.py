"""Proofs: signatures and provenance, each where what it proves lies."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shipways.config.manifestfile import FILE_NAME, parse_manifest
from shipways.config.publish import AttestTable
from shipways.config.schema import Config
from shipways.errors import ConfigError, Problem, Unfinished, Unproven
from shipways.model.artifact import Kind
from shipways.model.digest import digest_bytes
from shipways.model.facts import Facts
from shipways.model.item import Item, ItemKind, Phase, Publication, Seen
from shipways.model.manifest import Manifest
from shipways.model.proof import FORMS, Form
from shipways.outside.channels import Outside
from shipways.outside.proofs import Notary
from shipways.pack.statements import provenance, stated_digest, subjects_digest
from shipways.publish import files, github, registry
from shipways.publish.proofplaces import Beside, GithubStore, InFolder, Kept, OnGithub, Place, Spot, WithImages


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestChannel:
    """Items are CHANNEL/WHERE/PROOF, where another channel brings what is proved.

    What is proved: the manifest, the files of checksums, and each image, each by a signature; all of them by the
    provenance, which is once in each store. All is staged, so nothing is public without its proofs.
    """

    table: AttestTable
    places: tuple[Beside, ...]
    stores: tuple[GithubStore, ...] = ()
    repository: str = ""
    name: str = "attest"

    def desired(self, manifest: Manifest) -> tuple[Item, ...]:
        """A signature of each subject in each place, and a provenance. Raises ConfigError where a name is taken."""
        items = tuple(item for place in self.places for item in self._beside(place, manifest))
        items += tuple(item for store in self.stores for item in self._stored(store, manifest))
        taken = {entry.path for entry in manifest.artifacts} & {_split(item)[2] for item in items}
        if taken:
            why = "it is that of a proof"
            raise ConfigError(*(Problem(path=name, what="cannot be the name of an asset", why=why) for name in taken))
        return items

    async def preflight(self, outside: Outside) -> tuple[Problem, ...]:
        """Whether it can sign. Raises Transient."""
        return tuple(await outside.notary(self.table, ()).ready())

    async def observe(self, outside: Outside, items: Sequence[Item]) -> Mapping[str, Seen]:
        """What has the name of each proof, and what it proves under the signer that is pinned.

        In a registry or store several may have it; one that proves what it should is enough.
        """
        notary = outside.notary(self.table, _tags(parse_manifest(await outside.read(FILE_NAME))))
        found: dict[str, Seen] = {}
        for place in self._everywhere:
            mine = {(_split(item)[1], _split(item)[2]): item for item in items if _split(item)[0] == place.name}
            for kept in await place.read(outside, tuple(mine), self._form):
                item = mine[kept.spot]
                if item.id not in found or found[item.id].value != item.want:
                    found[item.id] = await self._seen(outside, notary, item, kept)
        return found

    async def apply(self, outside: Outside, item: Item, seen: Seen) -> Publication:
        """Sign, and put the proof there."""
        manifest = parse_manifest(await outside.read(FILE_NAME))
        notary = outside.notary(self.table, _tags(manifest))
        place, where, name = _split(item)
        if name == self._form.provenance:
            proof = await notary.attest(provenance(manifest, self.repository))
        else:
            proof = await notary.sign(item.path.rpartition("/")[2], await _subject(outside, item))
        to = next(each for each in self._everywhere if each.name == place)
        spot = Spot(id=item.id, where=where, name=name, form=self._form)
        return Publication(item=item.id, url=await to.put(outside, spot, proof, seen))

    @property
    def _form(self) -> Form:
        return FORMS[self.table.signer]

    @property
    def _everywhere(self) -> tuple[Place, ...]:
        return (*self.places, *self.stores)

    def _stored(self, store: GithubStore, manifest: Manifest) -> Iterator[Item]:
        """The provenance by the digest of its first subject, after all of the release that is staged beside."""
        for release, first in zip(manifest.releases()[:1], manifest.artifacts, strict=False):
            yield Item(
                id=f"{self.name}/{store.name}/{release.tag}@{first.digest}/{self._form.provenance}",
                kind=ItemKind.PROOF,
                phase=Phase.STAGE,
                want=subjects_digest(manifest),
                needs=tuple(item.id for item in store.channel.desired(manifest) if item.phase is Phase.STAGE),
            )

    def _beside(self, place: Beside, manifest: Manifest) -> Iterator[Item]:
        """The proofs of what a channel brings."""
        for subject in _subjects(place.channel.desired(manifest), manifest):
            where, _, file = subject.id.removeprefix(f"{place.name}/").rpartition("/")
            image = subject.id.endswith(f"@{subject.want}")
            top = f"{self.name}/{place.name}/{where}/{file}" if image else f"{self.name}/{place.name}/{where}"
            yield _proof(f"{top}/{'signature' if image else file}{self._form.suffix}", subject)
            if image or subject.path == FILE_NAME:
                everything = replace(subject, want=subjects_digest(manifest), path="")
                yield _proof(f"{top}/{self._form.provenance}", everything)

    async def _seen(self, outside: Outside, notary: Notary, item: Item, kept: Kept) -> Seen:
        if not kept.data:
            return Seen(stamp=kept.stamp, url=kept.url)
        try:
            if kept.spot[1] == self._form.provenance:
                proved = _stated(await notary.open(kept.data))
            else:
                await notary.verify(await _subject(outside, item), kept.data)
                proved = item.want
        except Unproven as error:
            value = error.of or error.problems[0].what
            return Seen(value=value, stamp=kept.stamp, url=kept.url, earlier=bool(error.of))
        return Seen(value=proved, stamp=kept.stamp, url=kept.url, earlier=proved != item.want)


async def _subject(outside: Outside, item: Item) -> bytes:
    """What is signed. Raises Unfinished when it is not what the manifest says: that is what must never be signed."""
    data = await outside.read(item.path)
    if digest_bytes(data) != item.want:
        what = "is not what the manifest of this release says"
        raise Unfinished(Problem(path=item.path, what=what, hint="make the release anew"))
    return data


def _stated(statement: bytes) -> str:
    try:
        return stated_digest(statement)
    except ValueError as error:
        raise Unproven(Problem(what=f"a statement that {error}")) from None


def _proof(name: str, subject: Item) -> Item:
    """A proof of what is there by then, if it is staged."""
    return Item(
        id=name,
        kind=ItemKind.PROOF,
        phase=Phase.STAGE,
        want=subject.want,
        needs=(subject.id,) if subject.phase is Phase.STAGE else (),
        path=subject.path,
    )


def _subjects(items: Iterable[Item], manifest: Manifest) -> Iterator[Item]:
    """What is signed of that which a channel brings to stay: the manifest, checksums, and images by digest."""
    files = {FILE_NAME, *(entry.path for entry in manifest.artifacts if entry.kind == Kind.CHECKSUM)}
    return (item for item in items if not item.passing and (item.path in files or item.id.endswith(f"@{item.want}")))


def _split(item: Item) -> tuple[str, str, str]:
    """The channel that it lies beside, where, and the name of the proof."""
    _, place, rest = item.id.split("/", 2)
    where, _, name = rest.rpartition("/")
    return place, where, name


def _tags(manifest: Manifest) -> tuple[str, ...]:
    return tuple(dict.fromkeys(package.tag for package in manifest.packages))


def plan(config: Config, facts: Facts | None) -> Iterator[AttestChannel]:
    """Proofs beside everything that the config publishes, unless it says that there are none."""
    publish, table = config.publish, config.publish.attest
    if table and table.signer != "none":
        yield AttestChannel(
            table=table,
            places=(
                *(InFolder(channel=channel) for channel in files.plan(config, facts)),
                *(OnGithub(channel=channel) for channel in github.plan(config, facts)),
                *(WithImages(channel=channel) for channel in registry.plan(config, facts)),
            ),
            stores=tuple(GithubStore(channel=channel) for channel in github.plan(config, facts) if publish.stored),
            repository=config.project.repository,
        )
