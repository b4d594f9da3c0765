"""Small plans that are split, for the tests of shards."""

from collections.abc import Sequence
from dataclasses import dataclass

from shipways.model.artifact import Kind, Output
from shipways.model.plan import Mode, Plan
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import BY_TRIPLE
from shipways.ports import Inbox, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A step that writes a text into a file that has its name, after the texts that it is given."""

    spec: Spec
    text: str = ""

    def inputs(self, inbox: Inbox) -> Inputs:
        return Inputs(recipe="written", values=self.text or self.spec.id, artifacts=inbox.artifacts())

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        path = inbox.scratch / "file"
        path.write_text("".join(inbox.path(a).read_text() for a in inbox.artifacts()) + (self.text or self.spec.id))
        return (Output(name=self.spec.id, kind=Kind.FILE, path=path),)


def step(
    name: str, *needs: str, work: Work = Work.PACK, gathers: bool = False, text: str = "", target: str = ""
) -> Written:
    """A step; the ones it needs come before it in a plan."""
    spec = Spec(
        id=name,
        work=work,
        outputs=(name,),
        needs=needs,
        gathers=gathers,
        package=name.partition(".")[0],
        target=BY_TRIPLE[target] if target else None,
    )
    return Written(spec=spec, text=text)


def build(name: str, *needs: str, text: str = "", target: str = "") -> Written:
    """A step that compiles."""
    return step(name, *needs, work=Work.COMPILE, text=text, target=target)


def planned(*steps: Written, mode: Mode = Mode.SNAPSHOT, make_digest: str = "sha256:1") -> Plan:
    """A plan of these steps, in an order that respects their needs."""
    return Plan(
        project="p",
        mode=mode,
        reason="",
        make_digest=make_digest,
        commit="0" * 40,
        epoch=0,
        versions=(("a", "1.0.0"),),
        steps=steps,
        skips=(),
    )


def ids(plan: Plan) -> list[str]:
    """The steps of a plan."""
    return [each.spec.id for each in plan.steps]


def flat(lists: Sequence[Sequence[str]]) -> list[str]:
    """All of them, sorted."""
    return sorted(item for items in lists for item in items)
