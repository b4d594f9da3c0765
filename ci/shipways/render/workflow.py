"""A workflow → the YAML of GitHub Actions."""

import json
import shlex
from collections.abc import Mapping

from shipways.model.workflow import Pin, Workflow
from shipways.render.text import render


def workflow_text(workflow: Workflow, pins: Mapping[str, Pin], nox: str) -> str:
    """The file. `pins` are the actions by name, `nox` the version to install."""
    return render("workflows/workflow.yml", workflow=workflow, pins=pins, nox=nox, words=shlex.join, string=_string)


def _string(value: str) -> str:
    """A YAML scalar; JSON's strings are YAML's (YAML 1.2.2, "1.3 Prior Art")."""
    return json.dumps(value, ensure_ascii=False)
