"""Sizes of the releases before: from the ledger in dist/, a manifest that the user has, or a place that keeps one."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from shipways.config.manifestfile import FILE_NAME as MANIFEST
from shipways.config.manifestfile import parse_manifest, read_sealed
from shipways.errors import ConfigError, Problem
from shipways.model.event import SizeLine, Sizes
from shipways.model.manifest import Manifest, PackageEntry
from shipways.model.plan import Mode
from shipways.model.version import Version
from shipways.outside.channels import Channel, Outside, Stage
from shipways.ports import Clock, Files
from shipways.run.ledger import append, read_lines

KEPT: Final = 12
"""How many releases are shown."""
_IMAGE: Final = re.compile(r"images/[^/]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A release whose sizes are known: what people call it, and bytes by names without its version."""

    label: str
    mode: Mode
    sizes: Mapping[str, int]


class _Line(BaseModel):
    """The line of a run in the ledger."""

    model_config = ConfigDict(frozen=True)

    make_digest: str
    release: str
    mode: Mode
    sizes: dict[str, int]


def measured(manifest: Manifest, mode: Mode = Mode.RELEASE) -> Known:
    """What a manifest says of sizes. An image counts as one, with all its parts."""
    sizes: dict[str, int] = {}
    plain = _without_versions(manifest.packages)
    for entry in manifest.artifacts:
        image = _IMAGE.match(entry.path)
        name = image[0] if image else plain(entry.path)
        sizes[name] = sizes.get(name, 0) + entry.size
    return Known(label=_label(manifest), mode=mode, sizes=sizes)


def compared(now: Known, before: Sequence[Known], against: Known | None = None, *, partial: bool = False) -> Sizes:
    """The sizes of this run after those before it: of releases if there are any, the one that the user names last.

    What a run with the same version had is no comparison, unless the user names it. `partial`: only some was made.
    """
    passed = {now.label, against.label} if against else {now.label}
    others = list({known.label: known for known in before if known.label not in passed}.values())
    releases = [known for known in others if known.mode is Mode.RELEASE]
    earlier = [*(releases or others), *((against,) if against else ())]
    shown = [*earlier[-(KEPT - 1) :], now]
    names = sorted(now.sizes if partial else {name for known in shown for name in known.sizes})
    return Sizes(
        releases=tuple(known.label for known in shown),
        lines=tuple(SizeLine(name=name, sizes=tuple(known.sizes.get(name) for known in shown)) for name in names),
    )


def recall(files: Files, folder: Path) -> tuple[Known, ...]:
    """The runs of which dist/ledger.jsonl tells the sizes, the oldest first; a line that is none is passed over."""
    return tuple(Known(label=line.release, mode=line.mode, sizes=line.sizes) for line in _runs(files, folder))


def knows_release(now: Known, before: Sequence[Known]) -> bool:
    """Whether there is a release of another version among these."""
    return any(known.mode is Mode.RELEASE and known.label != now.label for known in before)


async def kept(
    channels: Sequence[Channel], project: str, tags: Sequence[str], folder: Path, outside: Outside
) -> Known | None:
    """The sizes of these tags together, from the first place that has the manifest of each.

    Each place is asked once. Raises Transient, Unfinished; Conflict for what is no manifest of the tag.
    """
    into, found = folder / MANIFEST, list[Known]()
    for tag in tags:
        for channel in channels:
            if isinstance(channel, Stage) and await channel.sealed(outside, tag, into):
                found.append(measured(read_sealed(into.read_bytes(), project=project, tag=tag)))
                break
    if not found:
        return None
    labels = dict.fromkeys(known.label for known in found)
    sizes = {name: size for known in found for name, size in known.sizes.items()}
    return Known(label=", ".join(labels), mode=Mode.RELEASE, sizes=sizes)


def remember(files: Files, folder: Path, manifest: Manifest, mode: Mode, clock: Clock) -> None:
    """Add a line for this run to the ledger, unless the last one is about the same release."""
    last = next(reversed(tuple(_runs(files, folder))), None)
    known = measured(manifest, mode)
    line = _Line(make_digest=manifest.make_digest, release=known.label, mode=mode, sizes=dict(known.sizes))
    if last != line:
        append(files, folder, [{"time": round(clock.now(), 3), **line.model_dump(mode="json")}])


def read_known(files: Files, path: Path) -> Known:
    """The sizes of a manifest that the user names. Raises ConfigError when there is none."""
    try:
        return measured(parse_manifest(files.read(path)))
    except OSError as error:
        problem = Problem(path=f"--against {path}", what="cannot be read", why=error.strerror or str(error))
        raise ConfigError(problem) from None


def _runs(files: Files, folder: Path) -> Iterator[_Line]:
    for text in read_lines(files, folder):
        if '"sizes"' in text:
            try:
                yield _Line.model_validate(json.loads(text))
            except (ValidationError, ValueError):  # a ledger is evidence, and not what a release depends on
                continue


def _label(manifest: Manifest) -> str:
    """The version, or each package with its own where they differ."""
    numbers = {package.version for package in manifest.packages}
    if len(numbers) == 1:
        return numbers.pop()
    return ", ".join(f"{package.name} {package.version}" for package in manifest.packages)


def _without_versions(packages: Iterable[PackageEntry]) -> Callable[[str], str]:
    """Takes the numbers of these packages out of a path, in every spelling, so that a file keeps its name."""
    versions = [Version(number=package.version, base=package.version, tag=package.tag) for package in packages]
    spellings = sorted({text for each in versions for text in (each.number, each.pep440)}, key=len, reverse=True)
    if not spellings:
        return lambda path: path
    pattern = re.compile(rf"(?<![0-9.])(?:{'|'.join(map(re.escape, spellings))})(?![0-9])")
    return lambda path: pattern.sub("{version}", path)
