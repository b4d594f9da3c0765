"""The manifests as kustomize puts them together."""

import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from support import need

pytestmark = pytest.mark.integration

FOLDER = Path(__file__).parent.parent / "projects" / "pulse" / "deployment" / "kubernetes"


@pytest.mark.parametrize("profile", ["dev", "staging", "prod"])
def test_kustomize(profile: str) -> None:
    """S1-25: kustomize builds the overlay of each profile, and every object of it is right by the newest schemas."""
    need("kustomize")
    argv = ("kustomize", "build", str(FOLDER / "overlays" / profile))
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    found: dict[str, Any] = {}
    for each in yaml.safe_load_all(done.stdout):
        kubernetes_validate.validate(each, "1.37", strict=True)
        assert f"pulse-{profile}" == each["metadata"]["namespace"]
        found[each["kind"]] = each
    assert {"ConfigMap", "Deployment", "NetworkPolicy", "Service"} == set(found)
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    callers = found["NetworkPolicy"]["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"]
    assert callers.items() <= labels.items()
    (named,) = found["Deployment"]["spec"]["template"]["spec"]["containers"][0]["envFrom"]
    assert found["ConfigMap"]["metadata"]["name"] == named["configMapRef"]["name"]
