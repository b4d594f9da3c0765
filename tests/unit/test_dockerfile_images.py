"""Images from Dockerfiles: what is planned, and what becomes of the layout that an engine gives."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from imaging import PROJECT, Bench, described, layout, members, opened, packed, stacked, tarred
from shipways.config.load import parse
from shipways.errors import BuildError, ConfigError
from shipways.images.dockerfile import BuiltImage
from shipways.model.artifact import Kind
from shipways.model.source import REGULAR

DOCKERFILE = 'dockerfile = "docker/Dockerfile"\n'
PLAIN = "FROM scratch\nCOPY hello /opt/hello\n"
UPON = "FROM example.com/base:1\nRUN make\n"
EPOCH = 1_700_000_000


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A repository with a Dockerfile that runs nothing, and an engine that builds it."""
    layer = gzip.compress(tarred({"opt": None, "opt/hello": b"hello", "opt/link": "hello"}), mtime=1)
    files = repository(PLAIN)
    run = {"config": {"Cmd": ["/x"], "Labels": {"a": "b"}}, "created": "2026-01-01T00:00:00Z"}
    layouts = {f"linux/{arch}": layout(f"linux/{arch}", layer, **run) for arch in ("amd64", "arm64")}
    return Bench(tmp_path, files=files, layouts=layouts)


def repository(text: str, **more: str) -> Mapping[str, tuple[str, bytes]]:
    """The files of a repository with this Dockerfile."""
    files = {"docker/Dockerfile": text, "hello": "hello", "app/x": "x", **more}
    return {path: (REGULAR, content.encode()) for path, content in files.items()}


def built(bench: Bench, extra: str = DOCKERFILE) -> list[BuiltImage]:
    """The steps that build, in their order."""
    return [step for step in bench.plan(extra).steps if isinstance(step, BuiltImage)]


def keys(bench: Bench, extra: str = DOCKERFILE) -> list[str]:
    """The digests of all that those steps depend on."""
    return [step.inputs(None).key for step in built(bench, extra)]


def base_image(bench: Bench) -> bytes:
    """Lock the base of `UPON`; its one layer."""
    layer = packed({"bin": None})
    platforms = {f"linux/{arch}": stacked(layer, arch=arch) for arch in ("amd64", "arm64")}
    bench.files, bench.locked = repository(UPON), (bench.images.push("example.com/base:1", platforms),)
    return layer


def test_a_step_for_each_platform(bench: Bench) -> None:
    """They are named like those of assembled images, and nothing is assembled."""
    steps = {step.spec.id for step in bench.plan(DOCKERFILE).steps if step.spec.id.startswith("images/")}
    platforms = ("images/pulse/linux-amd64", "images/pulse/linux-arm64")
    assert {*platforms, *(f"{platform}/docker" for platform in platforms), "images/pulse"} == steps


def test_what_is_built(bench: Bench) -> None:
    """The keys of the table, with the version in arguments, the context's files, and the ignore file that goes."""
    bench.files = repository("FROM scratch\nCOPY . /\n", **{"app/.dockerignore": "x\n", ".dockerignore": "y\n"})
    table = 'context = "app"\ntarget = "end"\nargs = { V = "v{version}" }\nplatforms = ["linux/arm64"]\n'
    (step,) = built(bench, DOCKERFILE + table)
    build = step.build
    assert ("docker/Dockerfile", "app", "linux/arm64", "end") == (
        build.dockerfile,
        build.context,
        build.platform,
        build.target,
    )
    assert ((("V", "v1.2.3"),), "x\n") == (build.arguments, build.ignore)
    assert ["app/.dockerignore", "app/x"] == [file.path for file in build.source.files]


def test_ignore_file_of_the_dockerfile(bench: Bench) -> None:
    """One beside it, with its name in front, goes before that of the context."""
    bench.files = repository(PLAIN, **{"docker/Dockerfile.dockerignore": "own\n", ".dockerignore": "y\n"})
    assert {"own\n"} == {step.build.ignore for step in built(bench)}


def test_key_covers_what_it_depends_on(bench: Bench) -> None:
    """Files, text, ignore file, arguments, target, labels and version; each platform has its own."""
    seen = {*keys(bench)}
    assert 2 == len(seen)
    for extra in ('args = { A = "1" }\n', 'target = "x"\n', 'labels = { a = "b" }\n'):
        seen |= {*keys(bench, DOCKERFILE + extra)}
    for files in (
        repository(PLAIN, hello="other"),
        repository(PLAIN + "USER 1:1\n"),
        repository(PLAIN, **{"docker/Dockerfile.dockerignore": "x"}),
    ):
        bench.files = files
        seen |= {*keys(bench)}
    assert 14 == len(seen)
    bench.version = "1.2.4"
    assert not seen & {*keys(bench)}


def test_key_covers_the_bases(bench: Bench) -> None:
    """A base that is locked to another digest is another image."""
    base_image(bench)
    before = keys(bench)
    bench.locked = (bench.images.push("example.com/base:1", {"linux/amd64": stacked(packed({"lib": None}))}),)
    assert not {*before} & {*keys(bench)}


def test_context_that_is_not_seen(bench: Bench) -> None:
    """A Dockerfile that copies nothing does not depend on the files around it."""
    base_image(bench)
    before = keys(bench)
    bench.files = repository(UPON, hello="other")
    assert before == keys(bench)


def test_image_is_a_layout(bench: Bench) -> None:
    """Layer, config and manifest lie where those of assembled images do, under an index with both platforms."""
    made = bench.release(DOCKERFILE + 'labels = { team = "a" }\n')
    manifest, config = opened(bench, "linux/arm64")
    assert ("arm64", {"a": "b", "team": "a"}) == (
        config["architecture"],
        {key: value for key, value in config["config"]["Labels"].items() if "." not in key},
    )
    assert ["/x"] == config["config"]["Cmd"]
    assert "1.2.3" == manifest["annotations"]["org.opencontainers.image.version"]
    (image,) = [artifact for artifact in made.artifacts if artifact.kind is Kind.IMAGE]
    assert "" == image.blob.varies
    with tarfile.open(bench.dist / "pulse-1.2.3-linux-amd64.docker.tar") as archive:
        (told,) = json.loads(archive.extractfile("manifest.json").read())
    assert 1 == len(told["Layers"])


def test_hour_of_the_build_is_not_in_it(bench: Bench) -> None:
    """Another hour in the layer and the config, packed in another way, gives the same image."""
    first = bench.release(DOCKERFILE, store="one").artifacts
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, data in (("opt", "5", b""), ("opt/hello", "0", b"hello"), ("opt/link", "2", b"")):
            info = tarfile.TarInfo(name)
            info.type, info.mtime, info.size = kind.encode(), 1_800_000_000.5, len(data)
            info.mode, info.linkname = 0o755 if kind == "5" else 0o644, "hello" if kind == "2" else ""
            archive.addfile(info, io.BytesIO(data))
    layer = gzip.compress(content.getvalue(), 1, mtime=2)
    run = {"config": {"Cmd": ["/x"], "Labels": {"a": "b"}}, "created": "2027-01-01T00:00:00Z"}
    bench.layouts = {f"linux/{arch}": layout(f"linux/{arch}", layer, **run) for arch in ("amd64", "arm64")}
    assert [a.digest for a in first] == [a.digest for a in bench.release(DOCKERFILE, store="two").artifacts]
    manifest, config = opened(bench)
    assert {EPOCH} == {member.mtime for member in members(bench.blob(manifest["layers"][0]["digest"])).values()}
    assert "2023-11-14T22:13:20Z" == config["created"] == config["history"][0]["created"]


def test_run_lines_vary(bench: Bench) -> None:
    """What they make says so, and stays as the engine gave it; the base's layer is the base's own."""
    below, own = base_image(bench), gzip.compress(tarred({"made": b"now"}), mtime=3)
    told = [{"created_by": "pulled from x"}, {"created_by": f"RUN --mount=from=m/b@{bench.locked[0].digest} make"}]
    bench.layouts = {f"linux/{a}": layout(f"linux/{a}", below, own, history=told) for a in ("amd64", "arm64")}
    made = bench.release(DOCKERFILE)
    varies = {artifact.digest: artifact.blob.varies for artifact in made.artifacts}
    assert ("", "built by a Dockerfile with RUN lines") == tuple(
        varies[str(described(layer)["digest"])] for layer in (below, own)
    )
    _, config = opened(bench)
    assert ["base example.com/base:1", "RUN --mount=from=example.com/base:1 make"] == [
        entry["created_by"] for entry in config["history"]
    ]


def test_layer_that_comes_twice(bench: Bench) -> None:
    """Two instructions that change nothing give the same layer, which the manifest names twice."""
    empty = packed({})
    bench.layouts = {f"linux/{a}": layout(f"linux/{a}", empty, empty) for a in ("amd64", "arm64")}
    bench.release(DOCKERFILE)
    manifest, config = opened(bench)
    assert (2, 1) == (len(manifest["layers"]), len({layer["digest"] for layer in manifest["layers"]}))
    assert 2 == len(config["rootfs"]["diff_ids"])


def changed(archive: bytes, path: str, data: bytes | str | None) -> bytes:
    """A tar archive with another file at a path that begins so."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as source:
        files: dict[str, bytes | str | None] = {m.name: source.extractfile(m).read() for m in source}
    name = next(name for name in files if name.startswith(path))
    return tarred({**files, name: data})


LAYER = packed({"a": b"a"})
GOOD = layout("linux/amd64", LAYER)
BLOB = f"blobs/sha256/{str(described(LAYER)['digest'])[7:]}"


@pytest.mark.parametrize(
    ("archive", "told"),
    [
        (b"no tar", "the engine gave no tar archive"),
        (tarred({"x": b""}), "has no file index.json"),
        (layout("linux/arm64", LAYER), "has no image for linux/amd64"),
        (changed(GOOD, "index.json", b"{"), "is no JSON of the image specification"),
        (changed(GOOD, BLOB, bytes(len(LAYER))), f"expected {described(LAYER)['digest']}, found sha256:"),
        (changed(GOOD, BLOB, LAYER + b"x"), f"is longer than its {len(LAYER)} bytes"),
        (changed(GOOD, BLOB, LAYER[:-1]), f"expected {described(LAYER)['digest']}, found sha256:"),
        (changed(GOOD, BLOB, "/etc/passwd"), f"has no file {BLOB}"),
        (changed(GOOD, BLOB, None), f"has no file {BLOB}"),
        (changed(GOOD, "index.json", "../../index.json"), "has no file index.json"),
        (layout("linux/amd64", LAYER, rootfs={"diff_ids": ["sha256:" + "0" * 64]}), "are not those its config names"),
    ],
)
def test_layout_that_lies(bench: Bench, archive: bytes, told: str) -> None:
    """Every blob is the one that its digest names, and nothing is taken by a path that the archive tells."""
    bench.layouts = {"linux/amd64": archive}
    with pytest.raises(BuildError, match=told):
        bench.release(DOCKERFILE + 'platforms = ["linux/amd64"]\n')


def test_budget(bench: Bench) -> None:
    """It goes for these images too."""
    with pytest.raises(BuildError, match=r"linux/\w+ unpacks to 0\.0 MB, the budget is 0\.001 kB"):
        bench.release(DOCKERFILE + 'budget = "0.001 kB"\n')


@pytest.mark.parametrize(("engine", "kind"), [("host", "engine"), ("scripted", "image")])
def test_skips(bench: Bench, engine: str, kind: str) -> None:
    """Without containers, or with a base that is not locked, the image is one skip with what to do."""
    bench.engine, bench.files = engine, repository(UPON)
    plan = bench.plan(DOCKERFILE)
    fix = {"engine": "`--engine dagger`", "image": "run `shipways lock`, and commit shipways.lock"}[kind]
    assert [("images/pulse", kind, "image.pulse.dockerfile", fix)] == [
        (skip.id, skip.kind, skip.problem.path, skip.problem.hint) for skip in plan.skips
    ]
    assert not [step for step in plan.steps if step.spec.id.startswith("images/")]


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ('dockerfile = "nowhere"\n', ["nowhere: is not in the repository"]),
        (DOCKERFILE + 'context = "none"\n', ["none: is not in the repository"]),
    ],
)
def test_what_is_not_in_the_repository(bench: Bench, extra: str, told: list[str]) -> None:
    """It is an error of the config, told once for all platforms."""
    with pytest.raises(ConfigError) as caught:
        bench.plan(extra)
    assert told == [f"{problem.path}: {problem.what}" for problem in caught.value.problems]


def test_dockerfile_that_tells_no_image(bench: Bench) -> None:
    """An argument without a value is an error, unless the config or the platform gives it one."""
    bench.files = repository("ARG V\nFROM base-$TARGETARCH:$V\n")
    with pytest.raises(ConfigError, match=r"is not known: base-\w+:\$V"):
        bench.plan(DOCKERFILE)
    (skip,) = bench.plan(DOCKERFILE + 'args = { V = "2" }\n').skips
    assert "base-amd64:2, base-arm64:2 are not locked" == skip.problem.what


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (DOCKERFILE + 'base = "debian:12"\n', ["base and dockerfile are both set"]),
        (DOCKERFILE + 'user = "1:1"\nfiles = {}\n', ["user and dockerfile are both set", "files and dockerfile are"]),
        ('target = "x"\nargs = { A = "b" }\n', ["target is set, but dockerfile is not", "args is set, but dockerfile"]),
        ('dockerfile = "../x"\n', ["expected a path below the repository"]),
        (DOCKERFILE + 'target = ""\n', ["must match"]),
        (DOCKERFILE + "args = { A = 1 }\n", ["expected a valid string"]),
    ],
)
def test_config_errors(extra: str, told: list[str]) -> None:
    """Keys of assembled images go with no Dockerfile, and its keys not without it; both are named."""
    with pytest.raises(ConfigError) as caught:
        parse(PROJECT + extra, "shipways.toml")
    found = [problem.what for problem in caught.value.problems]
    assert len(told) == len(found)
    assert all(what.startswith(start) for what, start in zip(found, told, strict=True)), found
