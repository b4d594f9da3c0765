"""What a shard leaves in dist/: its artifacts, and a record of them that nobody takes for a manifest."""

from collections.abc import Sequence
from pathlib import Path

from shipways import __version__
from shipways.config.manifestfile import FILE_NAME as MANIFEST
from shipways.config.manifestfile import parse_manifest
from shipways.config.shardfile import FILE_NAME, parse_shard, shard_file, shard_text
from shipways.errors import ConfigError, PreflightError
from shipways.model.artifact import Blob
from shipways.model.plan import Plan, Skip
from shipways.model.shard import FORMAT, Shard, ShardRecord, ShardStep
from shipways.ports import Files
from shipways.run.maker import Made
from shipways.run.planned import planned_skip
from shipways.run.record import remove_entries


def shard_record(plan: Plan, shard: Shard, made: Made, skips: Sequence[Skip]) -> ShardRecord:
    """The record of a shard that has been made. `skips` are those of its steps that could not be."""
    keys = dict(made.keys)
    files: dict[str, list[Blob]] = {}
    for artifact in made.artifacts:
        files.setdefault(artifact.step, []).append(artifact.blob)
    return ShardRecord(
        format=FORMAT,
        shard=shard.name,
        project=plan.project,
        shipways=__version__,
        commit=plan.commit,
        make_digest=plan.make_digest,
        steps=tuple(
            ShardStep(id=step.id, key=keys[step.id], folder=step.folder, files=tuple(files.get(step.id, ())))
            for step in sorted((step.spec for step in plan.steps), key=lambda spec: spec.id)
            if step.id in keys
        ),
        skips=tuple(planned_skip(skip) for skip in skips),
    )


def write_shard(files: Files, dist: Path, record: ShardRecord) -> None:
    """Write the record, in place of all that is in dist/ of another make: a manifest there would not be true any more.

    Shards of the same make stay: one machine may make several.
    """
    name = shard_file(record.shard)
    old: list[str] = []
    kept = set(record.paths())
    for path in (path for path in files.list(dist) if path.parent == dist and FILE_NAME.fullmatch(path.name)):
        found = _parsed(files, path)
        if path.name != name and found and found.make_digest == record.make_digest:
            kept |= set(found.paths())
            continue
        old += found.paths() if found else ()
        files.remove(path)
    if files.exists(dist / MANIFEST):
        old += _named(files, dist / MANIFEST)
        files.remove(dist / MANIFEST)
    remove_entries(files, dist, set(old) - kept)
    with files.create(dist / name) as stream:
        stream.write(shard_text(record).encode())


def _parsed(files: Files, path: Path) -> ShardRecord | None:
    try:
        return parse_shard(files.read(path), path.name)
    except PreflightError:
        return None


def _named(files: Files, path: Path) -> list[str]:
    try:
        return [entry.path for entry in parse_manifest(files.read(path)).artifacts]
    except ConfigError:
        return []
