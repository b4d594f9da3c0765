"""`[deployment]`: where the files lie that services are deployed with; they are rendered from `[service.NAME]`."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from shipways.config.images import Image, ImageName
from shipways.config.kinds import Frozen, RelativePath, table

Folder = RelativePath | Literal[""]
"""Empty: nothing of that kind is rendered."""


class Compose(Frozen):
    """`[deployment.compose]`: Docker Compose."""

    file: Folder = "deployment/docker/docker-compose.yml"


class ConfigFiles(Frozen):
    """`[deployment.config]`: variables of the environment."""

    folder: Folder = "deployment/config"


class Dockerfiles(Frozen):
    """`[deployment.docker]`: a Dockerfile and a .dockerignore for each service that has none of its own."""

    file: Folder = "deployment/docker/{service}/Dockerfile"
    runtime: ImageName = "docker.io/library/debian:bookworm-slim"
    python: ImageName = "docker.io/library/python:3.13-slim"

    def path(self, service: str, image: Image, build: str) -> str:
        """That of a service's image and builder; empty where its image is built from another one, or in no such way."""
        path = self.file.replace("{service}", service)
        return path if build in DOCKERFILES and image.dockerfile in (None, path) else ""


DOCKERFILES: Final = frozenset({"rust", "go", "bun", "python"})
"""Builders whose packages have a Dockerfile."""


class FlyFiles(Frozen):
    """`[deployment.fly]`: Fly.io."""

    file: Folder = "deployment/fly/{service}/fly.toml"


class KubernetesFiles(Frozen):
    """`[deployment.kubernetes]`: Kubernetes, by kustomize."""

    folder: Folder = "deployment/kubernetes"


class MonitoringFiles(Frozen):
    """`[deployment.monitoring]`: Prometheus, Alertmanager and Grafana."""

    folder: Folder = "deployment/monitoring"


class RenderFiles(Frozen):
    """`[deployment.render]`: Render."""

    file: Folder = "deployment/render/render.yaml"


class Systemd(Frozen):
    """`[deployment.systemd]`: systemd."""

    folder: Folder = "deployment/systemd"
    sysusers: Folder = "packaging/sysusers.d"
    tmpfiles: Folder = "packaging/tmpfiles.d"
    type: Literal["notify", "simple"] = "notify"


class Launchd(Frozen):
    """`[deployment.launchd]`: launchd of macOS."""

    folder: Folder = "deployment/launchd"
    label: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9._-]|\{project\}|\{service\})+$")] = (
        "com.{project}.{service}"
    )


class Scripts(Frozen):
    """`[deployment.scripts]`: scripts of a shell, which call shipways."""

    folder: Folder = "deployment/scripts"


class Documents(Frozen):
    """`[deployment.docs]`: what people read, and the folder for volumes that are a disk of their own."""

    folder: Folder = "deployment/docs"
    volumes: Folder = "deployment/volumes"


class Deployment(Frozen):
    """`[deployment]`."""

    compose: Compose = table()
    config: ConfigFiles = table()
    docker: Dockerfiles = table()
    fly: FlyFiles = table()
    kubernetes: KubernetesFiles = table()
    monitoring: MonitoringFiles = table()
    render: RenderFiles = table()
    systemd: Systemd = table()
    launchd: Launchd = table()
    scripts: Scripts = table()
    docs: Documents = table()

    @property
    def places(self) -> Mapping[str, str]:
        """The file or folder of each table; empty where nothing of it is rendered."""
        tables = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: getattr(table, "file", "") or getattr(table, "folder", "") for name, table in tables.items()}
