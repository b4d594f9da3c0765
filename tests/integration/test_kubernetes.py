"""The manifests as kustomize puts them together."""

import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from support import need

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parent.parent.parent
ALWAYS = {"ConfigMap", "Deployment", "NetworkPolicy", "Service"}
PROJECTS = {
    "pulse": (ROOT / "tests/projects/pulse/deployment/kubernetes", ALWAYS),
    "shipways": (ROOT / "deployment/kubernetes", ALWAYS | {"PersistentVolumeClaim"}),
}
"""The folder of each, and the kinds of its objects."""


@pytest.mark.parametrize("profile", ["dev", "staging", "prod"])
@pytest.mark.parametrize("project", PROJECTS)
def test_kustomize(project: str, profile: str) -> None:
    """S1-25: kustomize builds the overlay of each profile, and every object of it is right by the newest schemas."""
    need("kustomize")
    folder, kinds = PROJECTS[project]
    argv = ("kustomize", "build", str(folder / "overlays" / profile))
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    found: dict[str, Any] = {}
    for each in yaml.safe_load_all(done.stdout):
        kubernetes_validate.validate(each, "1.37", strict=True)
        assert f"{project}-{profile}" == each["metadata"]["namespace"]
        found[each["kind"]] = each
    assert kinds == set(found)
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    callers = found["NetworkPolicy"]["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"]
    assert callers.items() <= labels.items()
    (named,) = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]["envFrom"]
    assert found["ConfigMap"]["metadata"]["name"] == named["configMapRef"]["name"]
