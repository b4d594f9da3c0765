"""What every step says of itself before it runs."""

from dataclasses import dataclass
from enum import StrEnum

from shipways import __version__
from shipways.model.artifact import Artifact
from shipways.model.digest import Json, digest_of
from shipways.model.target import Target


class Work(StrEnum):
    """The kind of work, each with its own limit of how many run at once."""

    COMPILE = "compile"
    PACK = "pack"
    FETCH = "fetch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The step's place in the plan.

    `folder` is where its outputs go below `dist/`: empty, or with a slash at its end. It is no input of the step, so
    that two targets with the same bytes are made once. `outputs` are the names in it (`*` where only the build tells).
    `gathers`: it takes what there is of its needs, instead of being skipped when one of them is.
    `needs_all`: the planner sets `needs` to every step of the makers before its own; without any it is not planned.
    """

    id: str
    work: Work
    outputs: tuple[str, ...]
    folder: str = ""
    needs: tuple[str, ...] = ()
    gathers: bool = False
    needs_all: bool = False
    package: str = ""
    target: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything a step's result depends on. `recipe` names the code; it changes when its bytes would."""

    recipe: str
    values: Json = None
    artifacts: tuple[Artifact, ...] = ()

    @property
    def key(self) -> str:
        """The digest that names the result in the store.

        shipways' version stands for its code and for the libraries that it pins.
        """
        return digest_of(
            [__version__, self.recipe, self.values, [[a.name, a.blob.executable, a.digest] for a in self.artifacts]]
        )
