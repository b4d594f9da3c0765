"""The committed workflows of GitHub Actions."""

from collections.abc import Iterator

from shipways.config.schema import Config
from shipways.model.facts import Facts
from shipways.model.rendered import Rendered
from shipways.render.workflow import workflow_text
from shipways.workflows.jobs import workflows
from shipways.workflows.pins import actions, tools


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:  # noqa: ARG001 - the shape of every renderer
    """`.github/workflows/ci.yml`, `release.yml` and `rebuild.yml`, where the config has `[workflows]`."""
    for workflow in workflows(config):
        yield Rendered(path=workflow.path, text=workflow_text(workflow, actions(), tools()["nox"]), comment="#")
