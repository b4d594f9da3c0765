"""What a run leaves behind: the sealed manifest, and the ledger of its times."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from shipways import __version__
from shipways.config.manifestfile import FILE_NAME, manifest_text, parse_manifest
from shipways.errors import ConfigError
from shipways.model.artifact import Artifact
from shipways.model.facts import Facts
from shipways.model.manifest import FORMAT, ArtifactEntry, Manifest, PackageEntry, StepEntry
from shipways.model.outcome import Row
from shipways.model.plan import Plan
from shipways.ports import Clock, Files
from shipways.run.ledger import append
from shipways.run.maker import Made


def seal(plan: Plan, facts: Facts, made: Made) -> Manifest:
    """The manifest of a finished run."""
    by_step: dict[str, list[Artifact]] = {}
    for artifact in made.artifacts:
        by_step.setdefault(artifact.step, []).append(artifact)
    needs = {crate.package: crate.needs for crate in facts.crates}
    return Manifest(
        format=FORMAT,
        project=plan.project,
        shipways=__version__,
        commit=plan.commit,
        epoch=plan.epoch,
        make_digest=plan.make_digest,
        packages=tuple(
            PackageEntry(name=name, version=number, tag=facts.version(name).tag, needs=needs.get(name, ()))
            for name, number in plan.versions
        ),
        steps=tuple(
            StepEntry(id=step, key=key, artifacts=tuple(a.name for a in by_step.get(step, ())))
            for step, key in sorted(made.keys)
        ),
        artifacts=tuple(entry_of(artifact) for artifact in sorted(made.artifacts, key=lambda a: a.name)),
    )


def write_manifest(files: Files, folder: Path, manifest: Manifest) -> None:
    """Write dist/manifest.json."""
    with files.create(folder / FILE_NAME) as stream:
        stream.write(manifest_text(manifest).encode())


def clear_old(files: Files, folder: Path, manifest: Manifest) -> None:
    """Remove what the manifest of the run before names and this one does not; files of others stay."""
    path = folder / FILE_NAME
    try:
        before = parse_manifest(files.read(path)) if files.exists(path) else manifest
    except ConfigError:
        return
    remove_entries(files, folder, {entry.path for entry in before.artifacts} - {e.path for e in manifest.artifacts})


def remove_entries(files: Files, folder: Path, paths: Iterable[str]) -> None:
    """Remove files that a record of before names; it may be anybody's, so only below the folder."""
    for path in paths:
        if not PurePosixPath(path).is_absolute() and ".." not in path.split("/"):
            files.remove(folder / path)


def append_ledger(files: Files, folder: Path, plan: Plan, made: Made, clock: Clock) -> None:
    """Add a line for each step of this run to dist/ledger.jsonl: evidence for people, never compared."""
    now = round(clock.now(), 3)
    append(
        files,
        folder,
        [
            {
                "time": now,
                "make_digest": plan.make_digest,
                "step": timing.step,
                "seconds": round(timing.seconds, 4),
                "cached": timing.cached,
            }
            for timing in made.timings
        ],
    )


def append_publication(files: Files, folder: Path, row: Row, clock: Clock) -> None:
    """Add a line for an item that was applied just now."""
    line = {
        "time": round(clock.now(), 3),
        "item": row.item.id,
        "before": row.before,
        "after": row.item.want,
        "url": row.url,
        "seconds": round(row.seconds, 4),
        "tries": row.tries,
    }
    append(files, folder, [line])


def entry_of(artifact: Artifact) -> ArtifactEntry:
    """An artifact as the manifest has it."""
    blob = artifact.blob
    return ArtifactEntry(
        path=artifact.name,
        kind=blob.kind.value,
        digest=blob.digest,
        size=blob.size,
        package=artifact.package,
        target=artifact.target.triple if artifact.target else "",
        media_type=blob.media_type,
        linkage=blob.linkage,
        varies=blob.varies,
    )
