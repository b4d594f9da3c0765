"""What keeps the releases of a service running on a host, as a Protocol."""

from collections.abc import Mapping
from typing import Protocol

from shipways.deploy.berths import Instance
from shipways.deploy.bydocker import ByDocker
from shipways.deploy.bysystemd import BySystemd
from shipways.outside.hosts import Host


class Runner(Protocol):
    """Every method raises Transient, or Unfinished where the manager of the host refuses."""

    async def there(self, host: Host, service: str) -> Mapping[str, str]:
        """The state of each release that it knows of, by the ids, in the words of systemd: `active (running)`."""
        ...

    async def right(self, host: Host, instance: Instance) -> bool:
        """Whether one that is there was started from what the release says."""
        ...

    async def begun(self, host: Host, instance: Instance) -> str:
        """What is another one each time that it starts."""
        ...

    async def start(self, host: Host, instance: Instance, *, anew: bool) -> None:
        """Let it run; `anew`: one that runs already is started again."""
        ...

    async def keep(self, host: Host, instance: Instance) -> None:
        """From now on it starts with the machine, and again when it ends."""
        ...

    async def stop(self, host: Host, instance: Instance) -> None:
        """End it; then it is not there any more."""
        ...

    async def forget(self, host: Host, instance: Instance) -> None:
        """Remove what all releases of the service share; none of them runs."""
        ...

    async def logs(self, host: Host, instance: Instance) -> str:
        """The last lines that it printed."""
        ...


def runner(*, docker: bool) -> Runner:
    """The one of a method."""
    return ByDocker() if docker else BySystemd()
