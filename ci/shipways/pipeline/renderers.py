"""What writes committed files, in order."""

from collections.abc import Sequence
from typing import Final

from shipways.bundle import formula
from shipways.deploy import (
    compose,
    dockerfile,
    documents,
    environment,
    fly,
    kubernetes,
    launchd,
    monitoring,
    onrender,
    scripts,
    systemd,
)
from shipways.ports import Renderer
from shipways.workflows import github as workflows

RENDERERS: Final[Sequence[Renderer]] = (
    compose,  # services → Docker Compose
    dockerfile,  # services → a Dockerfile each, and what it may not see
    documents,  # services → a quick start, troubleshooting, a checklist, and a README in each folder
    environment,  # services → the variables that they read
    fly,  # services → Fly.io
    kubernetes,  # services → manifests of Kubernetes, and an overlay for each profile
    monitoring,  # services → Prometheus, Alertmanager, Grafana
    onrender,  # services → Render
    systemd,  # services → units, accounts and limits of logs for systemd
    launchd,  # services → property lists for launchd
    scripts,  # services → scripts of a shell that call shipways
    formula,  # the last published release, or the branch → committed Homebrew formulas
    workflows,  # jobs, and what channels need → the workflows of GitHub Actions
)
