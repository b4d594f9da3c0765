"""The files of a release on GitHub: what is seen of one, and how it is sent."""

from collections.abc import Mapping
from pathlib import Path

from shipways.errors import Problem, Unfinished
from shipways.model.forge import ForgeAsset
from shipways.model.item import Seen
from shipways.outside.forges import Forge


async def file(forge: Forge, asset: ForgeAsset | None) -> Seen:
    """One whose upload never ended counts as absent; its stamp says that it is in the way."""
    if asset is None:
        return Seen()
    digest = (asset.digest or await forge.digest(asset)) if asset.whole else ""
    return Seen(value=digest, stamp=str(asset.id), url=asset.url)


async def upload(forge: Forge, tag: str, named: tuple[str, str], source: Path | bytes, seen: Seen) -> str:
    """Send a file of an item, known by its id, under a name, in place of what was seen; its URL. Raises Unfinished."""
    own, name = named
    release = await forge.current(tag)
    if release.immutable:
        raise Unfinished(
            Problem(
                path=own,
                what="is missing from a release that is published and immutable",
                why="GitHub takes no files for it, and its tag cannot be used again",
                hint="release the next version",
            )
        )
    if seen.stamp:
        await forge.remove(int(seen.stamp))
    return (await forge.upload(release, name, source)).url


async def staged(forge: Forge, tag: str) -> Mapping[str, Seen]:
    """Every file of the draft that a release of this tag is made from, by name; none once the release is public."""
    found = await forge.releases((tag,))
    if not found or not found[0].draft:
        return {}
    return {asset.name: Seen(value=asset.digest, stamp=str(asset.id)) for asset in await forge.assets(found[0])}
