"""Building images with a real engine: what a build leaves that failed, and that nothing else is touched."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from engines import tiny
from registries import DockerEngine, docker_engine, need_dockerd
from shipways.deploy.builds import Yard
from shipways.deploy.weights import weights
from shipways.errors import Unfinished
from shipways.model.job import Method
from shipways.model.tree import Content, Recipe, Tree
from shipways.ports import Completed
from shipways.testing.host import MemoryHost
from support import need

pytestmark = [pytest.mark.integration, pytest.mark.engine]
CONTENT = Content(tree=Tree(), recipe=Recipe(method=Method.DOCKER))
GOOD = (
    "FROM tiny:1 AS tools\nRUN echo {word} >/tool\nFROM tiny:1\nCOPY --from=tools /tool /tool\nRUN echo same >/same\n"
)


@dataclass
class Here(MemoryHost):
    """This machine as a host, with an engine of its own; a unit is what runs in it."""

    engine: str = ""

    async def run(self, argv: Sequence[str], stdin: bytes = b"") -> Completed:
        words = tuple(argv)
        if words[0] == "systemctl":
            return Completed(code=0, stdout="", stderr="")
        if words[0] == "systemd-run":
            words = words[words.index("--") + 1 :]
        env = os.environ | {"DOCKER_HOST": self.engine, "DOCKER_BUILDKIT": "0"}
        done = await anyio.run_process(words, input=stdin, env=env, check=False)
        return Completed(code=done.returncode, stdout=done.stdout.decode(), stderr=done.stderr.decode())


@dataclass(frozen=True)
class Ground:
    """An engine, and a folder of releases."""

    docker: DockerEngine
    folder: Path

    def yard(self, service: str, release: str, dockerfile: str) -> Yard:
        """Where a release is built of a Dockerfile."""
        folder = self.folder / service / "releases" / release
        (folder / "tree").mkdir(parents=True)
        (folder / "tree/Dockerfile").write_text(dockerfile)
        (folder / "tree.json").write_bytes(CONTENT.encoded)
        return Yard(host=Here(engine=self.docker.host), service=service, folder=str(folder))

    def there(self) -> set[str]:
        """Every image with all of its names, named or not, and every container."""
        form = "{{.ID}} {{.Repository}}:{{.Tag}}"
        images = self.docker.docker("image", "ls", "--all", "--no-trunc", "--format", form)
        return {*images.splitlines(), *self.docker.docker("ps", "--all", "--quiet", "--no-trunc").splitlines()}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Ground]:
    need_dockerd()
    need("mmdebstrap")
    folder = tmp_path_factory.mktemp("yard")
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else folder
    (folder / "tiny.tar.gz").write_bytes(tiny(kept, "amd64").layers[0])
    with docker_engine() as engine:
        engine.docker("import", str(folder / "tiny.tar.gz"), "tiny:1")
        made = Ground(engine, folder)
        built(made.yard("other", "a1", GOOD.format(word="other")))
        yield made


def built(yard: Yard, told: Callable[[str], None] = lambda _: None) -> None:
    """Well."""
    anyio.run(yard.build, 60.0, told)


@pytest.mark.parametrize("end", ["RUN echo no such luck; false\n", "COPY nothing /\n"])
def test_a_build_that_fails(ground: Ground, end: str) -> None:
    """S2-16: no layer and no container of it is left, and what others have made stays, what it has used of that too."""
    before, told = ground.there(), list[str]()
    yard = ground.yard("web", f"b{len(end)}", GOOD.format(word="other") + "RUN echo mine >/mine\n" + end)
    with pytest.raises(Unfinished):
        built(yard, told.append)
    assert "RUN echo mine" in "\n".join(told)
    assert before < ground.there()
    anyio.run(lambda: yard.discard(docker=True))
    assert before == ground.there()


def test_the_next_attempt(ground: Ground) -> None:
    """One that was killed is cleared away by the next; a release that is discarded leaves nothing, its stages too."""
    before = ground.there()
    yard = ground.yard("web", "c1", GOOD.format(word="mine") + "RUN false\n")
    with pytest.raises(Unfinished):
        built(yard)
    dockerfile = Path(yard.folder, "tree/Dockerfile")
    dockerfile.write_text(GOOD.format(word="anew"))
    built(yard)
    assert any(each.endswith(" web:c1") for each in ground.there())
    anyio.run(lambda: yard.discard(docker=True))
    assert before == ground.there()


def test_what_looks_like_a_step(ground: Ground) -> None:
    """A build that prints what an engine would takes nothing with it that has a name, or runs."""
    image = ground.docker.docker("image", "inspect", "--format", "{{.Id}}", "other:a1").partition(":")[2][:12]
    name = ground.docker.docker("run", "--detach", "tiny:1", "sleep", "600")
    before = ground.there()
    try:
        lines = f"' ---> {image}' ' ---> Running in {name[:12]}'"
        yard = ground.yard("web", "d1", f"FROM tiny:1\nRUN printf '%s\\n' {lines}; false\n")
        with pytest.raises(Unfinished):
            built(yard)
        anyio.run(lambda: yard.discard(docker=True))
        assert before == ground.there()
    finally:
        ground.docker.docker("rm", "--force", name)


def test_what_they_weigh(ground: Ground) -> None:
    """F9: what two are built upon counts once, and so does one that has two names; one that is gone is not there."""
    one = ground.yard("web", "e1", "FROM tiny:1\nRUN echo one >/x\nENV A=b\n")
    two = ground.yard("web", "e2", "FROM tiny:1\nENV A=b\nRUN echo twotwo >/x\n")
    built(one)
    built(two)
    ground.docker.docker("tag", "web:e1", "web:again")
    size = int(ground.docker.docker("image", "inspect", "--format", "{{.Size}}", "tiny:1"))
    expected = {"web:e1": size + len("one\n"), "web:e2": len("twotwo\n"), "web:again": 0, "tiny:1": 0}
    releases = str(ground.folder / "web/releases")
    images = dict(zip(("e1", "e2", "a", "b", "c", "d"), (*expected, "web:gone", "web:e1"), strict=True))
    for _ in range(2):  # what is kept is what was asked for
        assert expected == anyio.run(weights, one.host, releases, images)
