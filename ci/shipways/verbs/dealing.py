"""plan --json: the plan for programs, and for machines that share it. A plan for people loads nothing of it."""

import json

from shipways import wire
from shipways.adapters.githubstep import hand_over, hands_over
from shipways.model.plan import Plan
from shipways.model.shard import Shard
from shipways.run.native import natives
from shipways.run.planned import plan_json
from shipways.run.splitting import groups, split, useful
from shipways.run.times import measured


def for_programs(shop: wire.Workshop, made: Plan, wanted: int | None) -> str:
    """The plan as JSON, with its shards, of which a job of CI tells the next one."""
    parts = _shards(shop, made, wanted)
    if hands_over():
        hand_over("shards", json.dumps([{"shard": each.name, "runner": each.runner} for each in parts]))
    return plan_json(made, parts)


def _shards(shop: wire.Workshop, made: Plan, wanted: int | None) -> tuple[Shard, ...]:
    """What each of several machines would build; every step has to say its inputs for it."""
    found = groups(made, natives(shop.config, made), measured(shop.files, shop.repository.root / "dist"))
    return split(found, useful(found, wanted or shop.config.engine.shards))
