"""render.yaml, by the rules of Render's Blueprints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema
import yaml

from deploying import SHOP, rendered
from shipways.deploy import onrender

PATH: Final = "deployment/render/render.yaml"
SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["services"],
    "properties": {
        "services": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["type", "name", "runtime"],
                "properties": {
                    "type": {"enum": ["web", "pserv", "worker", "cron", "keyvalue"]},
                    "name": {"type": "string"},
                    "runtime": {
                        "enum": ["docker", "image", "go", "node", "python", "ruby", "rust", "elixir", "static"]
                    },
                    "image": {"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}}},
                    "dockerfilePath": {"type": "string"},
                    "dockerContext": {"type": "string"},
                    "region": {"enum": ["oregon", "ohio", "virginia", "frankfurt", "singapore"]},
                    "plan": {"type": "string"},
                    "autoDeployTrigger": {"enum": ["commit", "checksPass", "off"]},
                    "numInstances": {"type": "integer", "minimum": 1},
                    "healthCheckPath": {"type": "string", "pattern": "^/"},
                    "maxShutdownDelaySeconds": {"type": "integer", "minimum": 1, "maximum": 300},
                    "disk": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["name", "mountPath"],
                        "properties": {
                            "name": {"type": "string"},
                            "mountPath": {"type": "string", "pattern": "^/"},
                            "sizeGB": {"type": "integer", "minimum": 1},
                        },
                    },
                    "envVars": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["key"],
                            "oneOf": [{"required": ["value"]}, {"required": ["sync"]}],
                            "properties": {
                                "key": {"type": "string"},
                                "value": {"type": "string"},
                                "sync": {"const": False},
                            },
                        },
                    },
                },
            },
        }
    },
}
"""Of what is rendered here, as the public reference tells it; Render's own schema is in no package registry."""


def service(services: str = SHOP) -> Mapping[str, Any]:
    """What is rendered for the first service."""
    document = yaml.safe_load(rendered(onrender, services)[PATH])
    jsonschema.validate(document, SCHEMA)
    found: Mapping[str, Any] = document["services"][0]
    return found


def test_ours() -> None:
    """S0-10: what is committed for the deployer is right by the same schema."""
    path = Path(__file__).parent.parent.parent / PATH
    jsonschema.validate(yaml.safe_load(path.read_text()), SCHEMA)


def test_web_service() -> None:
    """S0-10: a web service in Docker with a disk for its data, its variables, and the path of its health."""
    assert {
        "type": "web",
        "name": "shop",
        "runtime": "docker",
        "dockerfilePath": "./deployment/docker/shop/Dockerfile",
        "dockerContext": ".",
        "region": "oregon",
        "plan": "starter",
        "autoDeployTrigger": "off",
        "numInstances": 1,
        "envVars": [
            {"key": "PORT", "value": "8080"},
            {"key": "SHOP_DATA", "value": "/data"},
            {"key": "SHOP_TOKEN", "sync": False},
        ],
        "healthCheckPath": "/health",
        "disk": {"name": "shop-data", "mountPath": "/data", "sizeGB": 1},
    } == service()


def test_no_disk() -> None:
    """A service without data may take its time to end, as long as Render waits, and may run several times."""
    made = service('[service.shop]\nimage = "shop"\nport = 80\nstop_time = "1h"\nreplicas = 3\n')
    assert (300, 3) == (made["maxShutdownDelaySeconds"], made["numInstances"])
    assert "disk" not in made


def test_worker() -> None:
    """What has no port is a worker, which Render asks for nothing."""
    made = service('[service.shop]\nimage = "shop"\n[service.shop.probe]\ncommand = ["shop", "check"]\n')
    assert "worker" == made["type"]
    assert "healthCheckPath" not in made


def test_no_dockerfile() -> None:
    """What has no Dockerfile runs the image that was pushed."""
    made = service(SHOP + '[deployment.docker]\nfile = ""\n')
    assert ("image", {"url": "ghcr.io/example/shop:latest"}) == (made["runtime"], made["image"])
    assert "dockerfilePath" not in made
