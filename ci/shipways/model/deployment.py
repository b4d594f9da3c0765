"""What runs at a place, how it does, and how long a new version has to show that it does well."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What runs for an item, by its digest; empty where nothing does.

    `previous` is what ran there before, to which a rollback returns; empty where nothing is known. `stamp` is what
    makes a change since then visible, for the deployer that gave it; `url` is for people. `torn`: what lies there is
    not what was started, so that it has to be applied again whatever it is. `gap`: seconds that everything waited when
    it took the place of one beside which it cannot run.
    """

    digest: str = ""
    previous: str = ""
    stamp: str = ""
    url: str = ""
    torn: bool = False
    gap: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What an item was to become, by its digest, and what ran `before`, to which it has to return."""

    want: str
    before: Running


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """One answer to the question whether it does well: `why` not, and whether it is `lost` for good.

    `answered`: it says itself that it does not, so that it is not just slow to begin. `begun` tells one start of it
    from the next; empty where nobody knows.
    """

    healthy: bool
    why: str = ""
    lost: bool = False
    answered: bool = False
    begun: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Seconds: how long it may take to be healthy, how often it is asked meanwhile, and how long it is watched then.

    `retries`: how often one is asked again that answers, and not well. `back`: how long it may take that an item
    returns to what it was; by itself longer than anybody lets a service take to end, or an image to be pulled.
    """

    wait: float
    interval: float
    watch: float
    retries: float = math.inf
    back: float = 600.0
