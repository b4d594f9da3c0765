"""What lets services run at places."""

from collections.abc import Sequence
from typing import Final

from shipways.deploy.places import compose, fly, hosts, kubernetes, machine, onrender
from shipways.outside.platforms import Place

DEPLOYERS: Final[Sequence[Place]] = (
    compose,  # images → containers of Docker Compose
    fly,  # images → machines of Fly.io
    hosts,  # programs → services of systemd on hosts, by SSH
    kubernetes,  # images → Deployments of a cluster
    machine,  # programs → services of systemd or launchd on this machine
    onrender,  # images → services of Render
)
