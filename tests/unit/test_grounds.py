"""What a container starts from: digests, at the mirror, also in a Dockerfile."""

from dataclasses import replace
from pathlib import Path

import pytest

from shipways.adapters.dagger.grounds import Grounds
from shipways.config.load import parse
from shipways.config.recipes import filled, image_recipes, read_for, recipes, toolchain_recipes
from shipways.errors import Unavailable
from shipways.model.facts import Facts
from shipways.model.image import ImageBuild
from shipways.model.lock import Lock, LockedImage
from shipways.model.source import SourceFile, SourceTree
from support import facts

DIGEST, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
CONFIG = """
[project]
name = "p"
[package.p]
build = "command"
image = "./ci/Dockerfile"
command = { run = [["x"]], outputs = ["y"] }
[image.p]
package = "p"
dockerfile = "Dockerfile"
"""
TEXT = "FROM debian:12\nCOPY greet /bin/\nCOPY --from=ghcr.io/a/b:1 /x /\n"
TREE = SourceTree(files=tuple(SourceFile(path=path, mode="100644", oid=path) for path in ("ci/greet", "src/x")))


def locked(**digests: str) -> Lock:
    """A lock of both images, with other digests by the name's first word."""
    names = {"debian": "debian:12", "ghcr": "ghcr.io/a/b:1"}
    found = {name: digests.get(word, DIGEST) for word, name in names.items()}
    return Lock(images=tuple(LockedImage(name=name, digest=d, platforms=()) for name, d in found.items() if d))


def built(lock: Lock, text: str = TEXT, tree: SourceTree = TREE) -> ImageBuild:
    """The image to build in."""
    (build,) = toolchain_recipes(parse(CONFIG, "shipways.toml"))
    return filled(build, tree, {"ci/Dockerfile": text, "ci/.dockerignore": "x"}, lock)


def grounds(build: ImageBuild) -> Grounds:
    return Grounds(lock=Lock(), platform="linux/amd64", mirror="m.local/hub", dockerfiles={build.name: build})


def test_recipes() -> None:
    """A package's Dockerfile has its folder as context, an image's is for each platform; both may have ignore files."""
    found = recipes(parse(CONFIG, "shipways.toml"))
    assert [
        ("./ci/Dockerfile", "ci", ""),
        *(("images/p/linux-" + a, ".", "linux/" + a) for a in ("amd64", "arm64")),
    ] == [(build.name, build.context, build.platform) for build in found]
    assert ["ci/Dockerfile", "ci/Dockerfile.dockerignore", "ci/.dockerignore"] == list(read_for(found))[:3]
    assert [] == list(image_recipes(parse(CONFIG.replace('dockerfile = "Dockerfile"', ""), "shipways.toml"), "p"))


def test_dockerfile_on_the_engine() -> None:
    """Each image is a digest at the mirror, the platform is the engine's, and no image sees the text that says so."""
    build = built(locked(ghcr=OTHER))
    ground = grounds(build).dockerfile(build, Path("/context"))
    text, ignore = ground.texts
    assert (
        f"FROM m.local/hub/library/debian@{DIGEST}\nCOPY greet /bin/\nCOPY --from=ghcr.io/a/b@{OTHER} /x /\n"
        == text.text
    )
    assert (text.place, f"{text.place}.dockerignore") == (ground.dockerfile, ignore.place)
    assert ["x", str(Path(text.place).parent)] == ignore.text.split()
    assert ("/context", "linux/amd64") == (ground.folder, ground.platform)


def test_image_of_another_platform() -> None:
    """What is built for a platform says so."""
    build = replace(built(locked()), platform="linux/arm64", target="x", arguments=(("A", "b"),))
    ground = grounds(build).dockerfile(build, Path("/context"))
    assert ("linux/arm64", "x", (("A", "b"),)) == (ground.platform, ground.target, ground.arguments)


def test_not_locked() -> None:
    """An image without a digest is named, with what to do."""
    build = built(locked(debian=""))
    with pytest.raises(Unavailable, match="debian:12 is not locked") as caught:
        grounds(build).dockerfile(build, Path("/context"))
    assert "image" == caught.value.kind


def test_identity() -> None:
    """What is remembered of such an image goes for this text, these digests and these files of its folder."""
    seen = {
        grounds(build).dockerfile(build, Path("/context")).digest
        for build in (
            built(locked()),
            built(locked(debian=OTHER)),
            built(locked(), TEXT + "USER 1:1\n"),
            built(locked(), tree=SourceTree(files=(replace(TREE.files[0], oid="other"), TREE.files[1]))),
            built(locked(), tree=SourceTree(files=(TREE.files[0], replace(TREE.files[1], oid="other")))),
        )
    }
    assert 4 == len(seen)


def test_surroundings() -> None:
    """A build that uses the image's programs depends on it, on an engine of containers only."""
    here = replace(facts(p="1.0.0"), grounds=(("./ci/Dockerfile", DIGEST),))

    def told(known: Facts) -> str:
        return known.surroundings("./ci/Dockerfile")

    assert ["", DIGEST, ""] == [
        told(here),
        told(replace(here, engine="dagger")),
        told(replace(here, engine="dagger", grounds=())),
    ]
