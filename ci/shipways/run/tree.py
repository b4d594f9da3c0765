"""The plan for people."""

from shipways.model.digest import short
from shipways.model.plan import Plan


def plan_tree(plan: Plan) -> str:
    """Stages, steps with the files they make, then what is skipped and why."""
    lines = [f"{plan.mode}: {plan.reason}", f"{plan.project}  commit {plan.commit[:8]}  make {short(plan.make_digest)}"]
    lines += [f"  {name} {number}" for name, number in plan.versions]
    stage = ""
    for step in sorted(plan.steps, key=lambda step: step.spec.id):
        head, _, tail = step.spec.id.partition("/")
        if head != stage:
            stage = head
            lines.append(stage)
        lines.append(f"  {tail}  {', '.join(step.spec.outputs)}".rstrip())
    if plan.skips:
        lines.append("skipped")
    for skip in plan.skips:
        lines.append(f"  {skip.id}: {skip.problem.what}")
        lines += [f"    fix: {skip.problem.hint}"] if skip.problem.hint else []
    lines.append(f"{len(plan.steps)} steps, {len(plan.skips)} skipped; nothing has been touched")
    return "\n".join(lines)
