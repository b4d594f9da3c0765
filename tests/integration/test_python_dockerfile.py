"""The Dockerfile of a Python service, built and run by a real Docker Engine."""

import json
import os
import re
import signal
from collections.abc import Iterator

import pytest

from composing import docker_build, seconds_until
from pythons import python_image
from registries import DockerEngine, docker_engine, need_dockerd
from sandbox import Repository
from support import need

pytestmark = [pytest.mark.integration, pytest.mark.long]

BASE = "docker.io/library/python:3.13-slim"
FILES = {
    "shipways.toml": """
[project]
name = "web"
[package.web]
build = "python"
[image.web]
package = "web"
dockerfile = "Dockerfile"
[service.web]
image = "web"
port = 8000
user = "aegis"
health = "/health"
command = ["serve", "--port", "{port}"]
data = { data = "/app/data" }
probe = { interval = "1s", retries = 2, start_period = "20s" }
[deployment.docker]
file = "Dockerfile"
""",
    "pyproject.toml": '[project]\nname = "web"\nversion = "1.0.0"\n'
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    # A backend in the tree, because containers of tests have no network.
    "backend.py": """
import zipfile
def build_wheel(folder, *_):
    info = "web-1.0.dist-info"
    files = {"web.py": open("src/web.py").read()}
    files[f"{info}/METADATA"] = "Metadata-Version: 2.1\\nName: web\\nVersion: 1.0\\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[f"{info}/entry_points.txt"] = "[console_scripts]\\nweb = web:main\\n"
    files[f"{info}/RECORD"] = "".join(f"{name},,\\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(f"{folder}/web-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return "web-1.0-py3-none-any.whl"
""",
    "src/web.py": """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')
def main():
    open("/app/data/started", "w").close()
    http.server.HTTPServer(("0.0.0.0", int(sys.argv[-1])), Answer).serve_forever()
""",
    "tests/test_web.py": "",
    "docs/index.md": "",
    "src/web.egg-info/PKG-INFO": "",
}


@pytest.fixture(scope="module")
def built(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """An engine with the image `built`."""
    need_dockerd()
    need("mmdebstrap")
    folder = tmp_path_factory.mktemp("python")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    repository = Repository(folder / "web", folder / "cache")
    for path, text in FILES.items():
        repository.file(path, text)
    repository.commit()
    ran = repository.shipways("render")
    assert 0 == ran.code, ran.err
    with docker_engine() as engine:
        python_image(engine, BASE, kept, folder)
        docker_build(engine, repository.root, "built")
        yield engine
        if containers := engine.docker("ps", "--all", "--quiet").split():
            engine.docker("rm", "--force", *containers)


def test_two_stages(built: DockerEngine) -> None:
    """S4-01, S4-07: the package and its program are there, sources and what is ignored are not, nor a cache.

    The base is bigger than the official one, so that only what comes on top says something: less than 2 MB.
    """
    listed = built.docker("run", "--rm", "--user", "0", "built", "find", "/", "-xdev", "-type", "f").splitlines()
    assert "/usr/local/bin/web" in listed
    assert [] == [
        path for path in listed if re.search(r"^/(src|install)/|/(test_web\.py|index\.md|web\.egg-info)", path)
    ]
    assert [] == [path for path in listed if path.endswith(("/gcc", "/.cache/pip", "/shipways.toml"))]
    size, below = (int(built.docker("image", "inspect", "--format", "{{.Size}}", name)) for name in ("built", BASE))
    assert 2_000_000 > size - below


def test_as_specified(built: DockerEngine) -> None:
    """S4-02, S4-03: user, port, command and check, in the image's own words."""
    told = json.loads(built.docker("image", "inspect", "--format", "{{json .Config}}", "built"))
    assert ("1000:1000", {"8000/tcp": {}}, ["web", "serve", "--port", "8000"]) == (
        told["User"],
        told["ExposedPorts"],
        told["Cmd"],
    )
    assert "urllib.request.urlopen" in told["Healthcheck"]["Test"][-1]
    assert "uid=1000(aegis)" in built.docker("run", "--rm", "built", "id")


def test_healthy_then_not(built: DockerEngine) -> None:
    """S4-03: healthy without curl, as its user, with data it can write; unhealthy when it does not answer."""
    container = built.docker("run", "--detach", "--read-only", "--cap-drop", "ALL", "built")
    state = ("inspect", "--format", "{{.State.Health.Status}}", container)
    seconds_until(lambda: "healthy" == built.docker(*state), 30)
    built.docker("exec", container, "test", "-f", "/app/data/started")
    pid = int(built.docker("inspect", "--format", "{{.State.Pid}}", container))
    os.kill(pid, signal.SIGSTOP)
    seconds_until(lambda: "unhealthy" == built.docker(*state), 60)
