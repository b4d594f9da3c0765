"""Config and facts → Plan."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Final

from shipways.config.near import nearest
from shipways.config.schema import Config
from shipways.errors import ConfigError, PreflightError, Problem
from shipways.model.digest import digest_of
from shipways.model.facts import Facts
from shipways.model.plan import Mode, Plan, Skip
from shipways.model.step import Spec
from shipways.model.target import BY_TRIPLE
from shipways.ports import Maker, Step
from shipways.run.mode import choose

_ELSEWHERE: Final = {"engine", "publish", "service", "deployment", "workflows"}
"""Tables of the config that say nothing about what is built."""


def plan(
    config: Config, facts: Facts, makers: Sequence[Maker], *, publish: bool = False, snapshot: bool = False
) -> Plan:
    """Everything that will happen. Raises PreflightError or ConfigError."""
    choice = choose(config, facts, publish=publish, snapshot=snapshot)
    chosen = _only(config, choice.packages)
    steps, skips = _planned(makers, chosen, facts)
    _unique(steps)
    steps, skips = _without_skipped(steps, skips)
    return Plan(
        project=config.project.name,
        mode=choice.mode,
        reason=choice.reason,
        make_digest=make_digest(chosen, facts),
        commit=facts.git.commit,
        epoch=facts.git.epoch,
        versions=tuple((name, facts.version(name).number) for name in choice.packages),
        steps=_ordered(steps),
        skips=tuple(skips),
    )


def make_digest(config: Config, facts: Facts) -> str:
    """Names what is built: sources, versions, build tables and pins; not the machine, its tools, or what is skipped."""
    return digest_of(
        {
            "source": facts.source.digest,
            "epoch": facts.git.epoch,
            "versions": [[name, version.number] for name, version in facts.versions if name in config.package],
            "config": config.model_dump(mode="json", by_alias=True, exclude=_ELSEWHERE),
            "tools": [[t.name, t.version, [[w.host, w.digest] for w in t.wheels]] for t in facts.lock.tools],
            "backends": [[b.package, b.requirements] for b in facts.lock.backends],
            "images": [[i.name, i.digest] for i in facts.lock.images],
        }
    )


def require(plan: Plan, kinds: Iterable[str]) -> None:
    """Raises PreflightError with every skip of these kinds; a release requires all."""
    wanted = set(kinds)
    refused = [s.problem for s in plan.skips if plan.mode is Mode.RELEASE or "all" in wanted or s.kind in wanted]
    if refused:
        raise PreflightError(*refused)


def narrow(plan: Plan, steps: Iterable[str]) -> Plan:
    """Only these steps and what they need. Raises ConfigError for each that the plan does not have, or skips."""
    steps = tuple(steps)
    by_id = {step.spec.id: step for step in plan.steps}
    skipped = {skip.id: skip.problem for skip in plan.skips}
    if wrong := [name for name in steps if name not in by_id]:
        raise ConfigError(*(skipped.get(name) or _no_step(name, (*by_id, *skipped)) for name in wrong))
    kept: set[str] = set()
    todo = list(steps)
    while todo:
        name = todo.pop()
        if name not in kept:
            kept.add(name)
            todo += [need for need in by_id[name].spec.needs if need in by_id]
    return replace(plan, steps=tuple(step for step in plan.steps if step.spec.id in kept))


def without(plan: Plan, skips: Sequence[Skip]) -> Plan:
    """The plan with these steps skipped, and with them what cannot do without them."""
    gone = {skip.id for skip in skips}
    steps = [step for step in plan.steps if step.spec.id not in gone]
    left, found = _without_skipped(steps, [*plan.skips, *skips])
    return replace(plan, steps=tuple(left), skips=tuple(found))


def _no_step(name: str, known: Sequence[str]) -> Problem:
    hint = nearest(name, known) or "`shipways plan` lists the steps"
    return Problem(path=name, what="is not a step of the plan", hint=hint)


def _only(config: Config, packages: Sequence[str]) -> Config:
    """The config of the chosen packages alone, so that no maker has to choose again."""
    chosen = frozenset(packages)
    return config.model_copy(
        update={
            "package": {name: table for name, table in config.package.items() if name in packages},
            "image": {
                name: table for name, table in config.image.items() if chosen.issuperset((table.package, *table.also))
            },
            "formula": {name: table for name, table in config.formula.items() if table.package in packages},
        }
    )


def _planned(makers: Sequence[Maker], config: Config, facts: Facts) -> tuple[list[Step], list[Skip]]:
    """What the makers plan, in their order. Raises ConfigError with the problems of all of them."""
    steps: list[Step] = []
    skips: list[Skip] = []
    problems: list[Problem] = []
    for maker in makers:
        before = (*(step.spec.id for step in steps), *(skip.id for skip in skips))
        try:
            for item in maker.plan(config, facts):
                if isinstance(item, Skip):
                    skips.append(item)
                elif not item.spec.needs_all:
                    steps.append(item)
                elif before:
                    steps.append(replace(item, spec=replace(item.spec, needs=before)))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return steps, skips


def _unique(steps: Sequence[Step]) -> None:
    """Two steps may not make the same file."""
    made: dict[str, str] = {}
    problems: list[Problem] = []
    for step in steps:
        for name in (step.spec.folder + output for output in step.spec.outputs):
            if name in made and "*" not in name:
                problems.append(Problem(path=step.spec.id, what=f"would make {name}, which {made[name]} makes too"))
            made[name] = step.spec.id
    if problems:
        raise ConfigError(*problems)


def _without_skipped(steps: list[Step], skips: list[Skip]) -> tuple[list[Step], list[Skip]]:
    """A step whose need is skipped is skipped too, unless it gathers what there is."""
    while True:
        there = {step.spec.id for step in steps}
        lacking = [
            s for s in steps if set(s.spec.needs) - there and (not s.spec.gathers or not set(s.spec.needs) & there)
        ]
        if not lacking:
            return steps, skips
        kinds = {skip.id: skip.kind for skip in skips}
        skips = skips + [_follows(step.spec, there, kinds) for step in lacking]
        steps = [step for step in steps if step not in lacking]


def _follows(spec: Spec, there: set[str], kinds: dict[str, str]) -> Skip:
    need = next(need for need in spec.needs if need not in there)
    what = f"{need} is skipped" if need in kinds else f"nothing makes {need}"
    return Skip(id=spec.id, kind=kinds.get(need, "config"), problem=Problem(path=spec.id, what=what))


def _ordered(steps: Sequence[Step]) -> tuple[Step, ...]:
    by_id = {step.spec.id: step for step in steps}
    graph = {name: [need for need in step.spec.needs if need in by_id] for name, step in by_id.items()}
    return tuple(by_id[name] for name in TopologicalSorter(graph).static_order())


def select(plan: Plan, *, targets: Sequence[str], packages: Sequence[str]) -> tuple[str, ...]:
    """The steps that build programs (`builders/…`), of these packages and targets; empty means all.

    Raises ConfigError for a package or target that the plan does not have, not even as a skip.
    """
    building = [step.spec for step in plan.steps if step.spec.id.startswith("builders/")]
    skipped = [skip.id.split("/")[1:] for skip in plan.skips if skip.id.startswith("builders/")]
    known_packages = {spec.package for spec in building} | {name for name, *_ in skipped}
    known_targets = {spec.target.triple for spec in building if spec.target}
    known_targets |= {triple for _, *rest in skipped for triple in rest if triple in BY_TRIPLE}
    wrong = [*_unknown(packages, known_packages), *_unknown(targets, known_targets)]
    if wrong:
        raise ConfigError(*wrong)
    return tuple(
        spec.id
        for spec in building
        if (not targets or (spec.target and spec.target.triple in targets))
        and (not packages or spec.package in packages)
    )


def _unknown(names: Sequence[str], known: Set[str]) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield Problem(path=name, what="is not in the plan", hint=f"there are: {', '.join(sorted(known)) or 'none'}")
