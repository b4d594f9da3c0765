"""How a source tree becomes something that runs: by what it says, by the config, and what is said where it does not."""

import pytest

from shipways.config.serve import Served
from shipways.deploy.recipes import Way, exposed, telling, way
from shipways.errors import ConfigError
from shipways.model.job import JobRequest, Method
from shipways.model.tree import Node, Recipe, Tree

PROJECT = '[build-system]\nrequires = []\n[project]\nname = "web"\nscripts = {{ {scripts} }}\n'


def found(method: Method, served: Served | None = None, **words: str) -> Way:
    """What is made of files with these words; a double underscore is a dot."""
    files = {name.replace("__", "."): text for name, text in words.items()}
    tree = Tree(nodes=tuple(Node(path=path, kind="file", size=len(text)) for path, text in files.items()))
    request = JobRequest(service_path="/s", service_name="web", droplet_id=1, service_port=8123, method=method)
    return way(request, served or Served(), {node.path: files[node.path] for node in telling(tree)}, tree)


def wrong(method: Method, **words: str) -> list[str]:
    """Everything that lacks."""
    with pytest.raises(ConfigError) as caught:
        found(method, **words)
    return [problem.what for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ({"Procfile": "release: x\nweb: gunicorn app:app\n", "main__py": ""}, "gunicorn app:app"),
        ({"pyproject__toml": PROJECT.format(scripts='serve = "a:b"'), "main__py": ""}, "serve"),
        ({"pyproject__toml": PROJECT.format(scripts='web = "a:b", other = "c:d"')}, "web"),
        ({"pyproject__toml": PROJECT.format(scripts='one = "a:b", two = "c:d"'), "app__py": ""}, "python app.py"),
        ({"pyproject__toml": '[project]\nscripts = { web = "a:b" }\n', "app__py": ""}, "python app.py"),
        ({"main__py": "", "app__py": ""}, "python main.py"),
    ],
)
def test_how_it_is_started(words: dict[str, str], command: str) -> None:
    """The Procfile, else its own script or the only one, where it is installed, else the program of the usual name."""
    assert command == found(Method.SYSTEMD, requirements__txt="", **words).command
    assert "./run" == found(Method.SYSTEMD, Served(command="./run"), requirements__txt="", **words).command


def test_what_is_built() -> None:
    """`build` of the Procfile before that of the config; a project with a build system is installed."""
    made = found(
        Method.SYSTEMD,
        Served(build=("two",)),
        pyproject__toml=PROJECT.format(scripts=""),
        Procfile="build: one\nweb: x",
    )
    assert Recipe(method=Method.SYSTEMD, commands=("one", "two"), installs=True) == made.recipe
    assert Recipe(method=Method.SYSTEMD) == found(Method.SYSTEMD, requirements__txt="", main__py="").recipe
    assert Recipe(method=Method.DOCKER) == found(Method.DOCKER, Dockerfile="FROM x", requirements__txt="").recipe


@pytest.mark.parametrize(
    ("dockerfile", "port"),
    [
        ("FROM x\nEXPOSE 8000", 8000),
        ("FROM x\nexpose 8000/tcp 53/udp\nEXPOSE 8000", 8000),
        ("FROM x AS build\nEXPOSE 1\nFROM y\nEXPOSE 2\n", 2),
        ("FROM x\nEXPOSE 1 2", 8123),
        ("FROM x\nEXPOSE $PORT", 8123),
        ("FROM x\nEXPOSE 99999", 8123),
        ("FROM x\n# EXPOSE 1\n", 8123),
        ("", 8123),
    ],
)
def test_the_port_of_an_image(dockerfile: str, port: int) -> None:
    """The one that its last stage tells, else the public one, which it is told as PORT."""
    assert port == found(Method.DOCKER, Dockerfile=dockerfile).port
    assert port == (exposed(dockerfile) or 8123)


@pytest.mark.parametrize(
    ("command", "alone"),
    [
        ("serve --port 8123", True),
        ("serve --bind 0.0.0.0:8123", True),
        ("serve --port $PORT", False),
        ("serve --port ${PORT:-8123}", False),
        ("serve --id 18123", False),
        ("serve", False),
    ],
)
def test_what_cannot_run_twice(command: str, alone: bool) -> None:
    """One that takes the public port itself; what the config says goes before."""
    words = {"requirements__txt": "", "Procfile": f"web: {command}"}
    assert alone == found(Method.SYSTEMD, **words).alone
    assert not found(Method.SYSTEMD, Served(strategy="beside"), **words).alone
    assert found(Method.SYSTEMD, Served(strategy="recreate"), **words).alone


def test_what_lacks() -> None:
    """S2-10: no Dockerfile; neither requirements nor a project, nothing to start, no TOML: all at once."""
    assert ["has no Dockerfile"] == wrong(Method.DOCKER, requirements__txt="")
    lacks = "has neither requirements.txt nor pyproject.toml"
    assert [lacks, "does not say how it is started"] == wrong(Method.SYSTEMD, Dockerfile="FROM x")
    assert ["has a pyproject.toml that is no TOML", "does not say how it is started"] == wrong(
        Method.SYSTEMD, pyproject__toml="["
    )
    assert ["Procfile has 2000000 bytes"] == wrong(Method.SYSTEMD, Procfile="x" * 2_000_000)
