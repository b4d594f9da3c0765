"""What a service was started as, besides its image: kept where it runs, so that a rollback finds that too."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shipways.errors import Problem, Unfinished
from shipways.model.digest import digest_of, short

_SIGN: Final = "+"
"""What stands between an image and the key of a definition; no reference of an image has it."""
_KEPT: Final = 4
"""How many definitions are kept: of what runs, of what ran before, and of what was tried and taken back."""

Definition = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """Of one service: what is `rendered` now, and those that its place has `kept`, the one of what runs first.

    What runs is called by its image alone where it was started as is rendered now, else by its image and the key of its
    definition: so a changed definition is a difference like a changed image, and a rollback returns to both.
    """

    rendered: Definition
    kept: tuple[Definition, ...] = ()

    def running(self, image: str) -> str:
        """The name of what runs. Nobody knows what something was started as that has nothing kept."""
        return self.short(f"{image}{_SIGN}{_key(self.kept[0])}") if self.kept else image

    def short(self, name: str) -> str:
        """A name as it is said now."""
        return name.removesuffix(f"{_SIGN}{_key(self.rendered)}")

    def whole(self, name: str) -> str:
        """A name that says the same whatever is rendered later."""
        return name if _SIGN in name or not name else f"{name}{_SIGN}{_key(self.rendered)}"

    def named(self, name: str) -> Definition:
        """The definition that a name means. Raises Unfinished for one that is not kept any more."""
        wanted = self.whole(name).partition(_SIGN)[2]
        for each in (self.rendered, *self.kept):
            if _key(each) == wanted:
                return each
        why = f"the last {_KEPT} are kept, and {wanted} is none of them"
        raise Unfinished(Problem(path=name, what="nobody knows any more what it was started as", why=why))

    def after(self, started: Definition) -> str:
        """What is to be kept once this one is started."""
        distinct = {_key(each): each for each in (started, *self.kept, self.rendered)}
        return json.dumps(list(distinct.values())[:_KEPT], sort_keys=True, separators=(",", ":"))


def image_of(name: str) -> str:
    """The image in a name."""
    return name.partition(_SIGN)[0]


def read(rendered: Definition, text: str) -> Definitions:
    """The definitions of a service, by the text that its place has kept; that of somebody else is none."""
    try:
        kept = json.loads(text or "[]")
    except ValueError:
        kept = []
    return Definitions(rendered=rendered, kept=tuple(each for each in kept if isinstance(each, dict)))


def _key(definition: Definition) -> str:
    return short(digest_of(definition))
