"""What lets services run at places."""

from collections.abc import Sequence
from typing import Final

from shipways.deploy.places import compose, fly, kubernetes, machine, onrender
from shipways.outside.platforms import Place

DEPLOYERS: Final[Sequence[Place]] = (
    compose,  # images → containers of Docker Compose
    fly,  # images → machines of Fly.io
    kubernetes,  # images → Deployments of a cluster
    onrender,  # images → services of Render
    machine,  # programs → services of systemd or launchd on this machine
)
