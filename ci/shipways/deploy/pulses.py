"""Whether a service on a host does well: what its manager says, and what it answers itself."""

import re

from shipways.deploy.berths import Instance, short
from shipways.deploy.mooring import Mooring, Phase
from shipways.model.deployment import Pulse
from shipways.model.item import Item

_FINE = Pulse(healthy=True)
_TOLD = re.compile(r"unhealthy: (status|body|JSON) ")
"""How tender begins where an answer was wrong; anything else is of a connection: one that is not listening yet."""


async def pulse(mooring: Mooring, item: Item, phase: Phase) -> Pulse:
    """Of one item. A start is fine once it has not failed; one that serves already has to answer, too."""
    if phase in {Phase.TRANSFER, Phase.BUILD}:
        return _FINE
    want = item.want or (await mooring.record()).running
    instance = await mooring.instance(short(want))
    state = await mooring.state(instance)
    if not state:
        # On the way back, before it is started again.
        back = phase is Phase.VERIFY and want == (await mooring.record()).running
        return _FINE if back else Pulse(healthy=False, why="it is not there", lost=True)
    if state.startswith("failed"):
        return Pulse(healthy=False, why=state, lost=True)
    if phase is Phase.START and want != (await mooring.record()).running:
        return _FINE
    if not state.startswith("active "):
        return Pulse(healthy=False, why=state)
    return await _asked(mooring, instance, phase)


async def _asked(mooring: Mooring, instance: Instance, phase: Phase) -> Pulse:
    if phase is Phase.SWITCH and not await mooring.led(instance):
        return Pulse(healthy=False, why="its public port leads elsewhere")
    where = _public(instance.release.listen) if phase is Phase.SWITCH else instance.backend
    why = await refused(mooring, instance, where)
    begun = await mooring.runner(instance).begun(mooring.host, instance) if phase is Phase.SWITCH else ""
    return Pulse(healthy=not why, why=why, answered=_TOLD.search(why) is not None, begun=begun)


async def refused(mooring: Mooring, instance: Instance, where: str) -> str:
    """Why it does not do well when it is asked at an address of its host; empty when it does, or cannot be asked."""
    if not instance.release.asks:
        return ""
    path, *flags = (instance.filled(word) for word in instance.release.asks)
    done = await mooring.host.run((mooring.tender, "probe", f"http://{where}{path}", *flags))
    return (done.stderr.strip() or f"ended with status {done.code}") if done.code else ""


def _public(listen: str) -> str:
    """Where it is asked on its own host; an unspecified address is every one."""
    host, _, port = listen.rpartition(":")
    return f"{({'0.0.0.0': '127.0.0.1', '[::]': '[::1]'}).get(host, host)}:{port}"  # noqa: S104 - compared
