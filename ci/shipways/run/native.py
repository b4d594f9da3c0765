"""Steps that only a machine of their own system may run: which they are, and the plan of one that is not it."""

from collections.abc import Mapping

from shipways.config.schema import Config
from shipways.errors import Problem
from shipways.model.plan import Plan, Skip
from shipways.model.step import Work
from shipways.run.planner import without


def natives(config: Config, plan: Plan) -> dict[str, str]:
    """The steps that only a machine of their own system may run, with that system."""
    found: dict[str, str] = {}
    for spec in (step.spec for step in plan.steps):
        package = config.package.get(spec.package)
        if package and spec.target and spec.work is Work.COMPILE:
            instead = {str(triple): str(other) for triple, other in package.substitute.items()}
            asked = {instead.get(triple, triple) for triple in package.native}
            if spec.target.triple in asked:
                found[spec.id] = spec.target.system
    return found


def here(plan: Plan, native: Mapping[str, str], host: str, given: Mapping[str, object]) -> Plan:
    """The plan on one machine: native steps of other systems are skipped, unless another runner has made them."""
    return without(
        plan,
        [
            Skip(id=step, kind="runner", problem=_elsewhere(step, system))
            for step, system in native.items()
            if system != system_of(host) and step not in given
        ],
    )


def system_of(host: str) -> str:
    """The system of a machine as lock files name it."""
    return host.partition("-")[0]


def _elsewhere(step: str, system: str) -> Problem:
    what = f"is built on {system} alone, as package.NAME.native says"
    hint = "build its shard there (`shipways plan --json`), then `shipways release --from DIR`"
    return Problem(path=step, what=what, hint=hint)
