"""Images: their JSON by the OCI image-spec, their size, their bases, and their skips."""

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from imaging import PROJECT, Bench, opened, packed, stacked
from shipways.errors import BuildError
from shipways.model.artifact import Kind
from shipways.model.digest import digest_bytes

RUN = """
ports = [8080]
volumes = ["/data"]
env = { PULSE_ADDR = ":8080" }
command = ["serve"]
labels = { team = "a" }

[image.pulse.healthcheck]
test = ["/usr/local/bin/pulse", "check"]
timeout = "1500ms"
interval = "2m"
"""
DESCRIPTOR = {"mediaType", "digest", "size"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def described(bench: Bench, entry: dict[str, Any]) -> bytes:
    """The blob of a descriptor, which tells the truth about it (image-spec, descriptor.md)."""
    assert entry.keys() >= DESCRIPTOR
    assert re.fullmatch(r"[a-z]+/[\w.+-]+", entry["mediaType"])
    data = bench.blob(entry["digest"])
    assert (entry["digest"], entry["size"]) == (digest_bytes(data), len(data))
    return data


def test_layout_leads_to_every_blob(bench: Bench) -> None:
    """index.json → index → manifests → config and layers: each by a true descriptor, none missing, none besides."""
    bench.release()
    root = bench.dist / "images" / "pulse"
    assert {"imageLayoutVersion": "1.0.0"} == json.loads((root / "oci-layout").read_text())
    top = json.loads((root / "index.json").read_text())
    assert (2, "1.2.3") == (
        top["schemaVersion"],
        top["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"],
    )
    seen = {top["manifests"][0]["digest"]}
    for entry in json.loads(described(bench, top["manifests"][0]))["manifests"]:
        manifest = json.loads(described(bench, entry))
        assert 2 == manifest["schemaVersion"]
        for blob in (manifest["config"], *manifest["layers"]):
            described(bench, blob)
        seen |= {entry["digest"], manifest["config"]["digest"], *(blob["digest"] for blob in manifest["layers"])}
    assert seen == {f"sha256:{path.name}" for path in (root / "blobs" / "sha256").iterdir()}


def test_the_image_is_its_index(bench: Bench) -> None:
    """One artifact has the kind image; its digest is the one in index.json."""
    made = bench.release()
    (image,) = [artifact for artifact in made.artifacts if artifact.kind is Kind.IMAGE]
    top = json.loads((bench.dist / "images/pulse/index.json").read_text())
    assert top["manifests"][0]["digest"] == image.digest
    assert "application/vnd.oci.image.index.v1+json" == image.blob.media_type


def test_config_says_how_it_runs(bench: Bench) -> None:
    """The whole config JSON of one platform, but for the layer's digest and the labels (config.md)."""
    bench.release(RUN)
    _, config = opened(bench, "linux/arm64")
    labels = config["config"].pop("Labels")
    (diff_id,) = config["rootfs"].pop("diff_ids")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", diff_id)
    assert {
        "created": "2023-11-14T22:13:20Z",
        "architecture": "arm64",
        "os": "linux",
        "config": {
            "User": "65532:65532",
            "ExposedPorts": {"8080/tcp": {}},
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PULSE_ADDR=:8080"],
            "Entrypoint": ["/usr/local/bin/pulse"],
            "Cmd": ["serve"],
            "Volumes": {"/data": {}},
            "WorkingDir": "/",
            "Healthcheck": {
                "Test": ["CMD", "/usr/local/bin/pulse", "check"],
                "Interval": 120_000_000_000,
                "Timeout": 1_500_000_000,
                "StartPeriod": 10_000_000_000,
                "Retries": 3,
            },
        },
        "rootfs": {"type": "layers"},
        "history": [{"created": "2023-11-14T22:13:20Z", "created_by": "shipways"}],
    } == config
    assert {
        "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
        "org.opencontainers.image.description": "Says how it is",
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.revision": "0123456789abcdef0123456789abcdef01234567",
        "org.opencontainers.image.source": "https://github.com/example/pulse",
        "org.opencontainers.image.title": "pulse",
        "org.opencontainers.image.version": "1.2.3",
        "team": "a",
    } == labels


def test_platforms_are_in_the_index(bench: Bench) -> None:
    """Each manifest stands in the index with its platform, in the order of the config."""
    bench.release()
    top = json.loads((bench.dist / "images/pulse/index.json").read_text())
    index = bench.document(top["manifests"][0]["digest"])
    expected = [{"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64"}]
    assert expected == [entry["platform"] for entry in index["manifests"]]


def test_plus_in_a_version_is_no_tag(bench: Bench) -> None:
    """Build metadata of semver goes into the tag behind an underscore."""
    bench.version = "1.0.0+linux.5"
    bench.release()
    top = json.loads((bench.dist / "images/pulse/index.json").read_text())
    assert {"org.opencontainers.image.ref.name": "1.0.0_linux.5"} == top["manifests"][0]["annotations"]


def test_missing_platform_leaves_the_rest(bench: Bench) -> None:
    """A program that is not built for a platform: its steps are skipped, the index has the others."""
    plan = bench.plan(project=PROJECT.replace(', "aarch64-unknown-linux-gnu"', ""))
    assert "nothing makes builders/pulse/aarch64-unknown-linux-gnu" == plan.skips[0].problem.what
    assert {"images/pulse/linux-arm64/layer", "images/pulse/linux-arm64", "images/pulse/linux-arm64/docker"} == {
        skip.id for skip in plan.skips
    }
    assert "images/pulse" in {step.spec.id for step in plan.steps}


@pytest.mark.parametrize(("budget", "fits"), [("1 MB", True), ("0.2 MB", False), ("200 kB", False)])
def test_budget(bench: Bench, budget: str, fits: bool) -> None:
    """S0-02: an image that unpacks to more than its budget fails, and the biggest layers and files are named."""
    project = PROJECT + f'budget = "{budget}"\n'
    if fits:
        assert bench.release(project=project).artifacts
        return
    with pytest.raises(BuildError) as caught:
        bench.release(project=project)
    (problem,) = caught.value.problems
    assert "image.pulse.budget" == problem.path
    assert re.fullmatch(r"linux/\w+ unpacks to 0\.\d MB, the budget is .*", problem.what)
    assert re.search(r"own layer 0\.\d MB; the biggest files are /etc/ssl/certs/ca-certificates.crt", problem.why)


def test_docker_archives_are_optional(bench: Bench) -> None:
    """`docker_archive = false` leaves them out."""
    names = {step.spec.id for step in bench.plan("docker_archive = false\n").steps}
    assert not [name for name in names if name.endswith("/docker")]


def test_docker_archive_is_for_docker_load(bench: Bench) -> None:
    """It names the config, the layers and a tag for each repository, and holds these blobs as they are."""
    bench.release('repositories = ["ghcr.io/example/pulse", "example/pulse"]\n')
    manifest, _ = opened(bench)
    with tarfile.open(bench.dist / "pulse-1.2.3-linux-amd64.docker.tar") as archive:
        held = {member.name: archive.extractfile(member).read() for member in archive.getmembers()}
    (told,) = json.loads(held.pop("manifest.json"))
    assert ["ghcr.io/example/pulse:1.2.3", "example/pulse:1.2.3"] == told["RepoTags"]
    assert bench.blob(manifest["config"]["digest"]) == held[told["Config"]]
    assert [bench.blob(entry["digest"]) for entry in manifest["layers"]] == [held[name] for name in told["Layers"]]
    assert {told["Config"], *told["Layers"]} == held.keys()


def test_reason_why_a_program_varies_is_handed_on(bench: Bench) -> None:
    """What is made of a program that may differ says so too."""
    bench.varies = "made by programs of the machine"
    made = bench.release()
    found = {artifact.name: artifact.blob.varies for artifact in made.artifacts}
    assert {"made by programs of the machine"} == set(found.values())


def test_unlocked_base_is_a_skip(bench: Bench) -> None:
    """An unlocked image is one skip, with the command that locks it."""
    plan = bench.plan('base = "debian:12"\n')
    assert [("images/pulse", "image")] == [(skip.id, skip.kind) for skip in plan.skips]
    assert "run `shipways lock`" in plan.skips[0].problem.hint
    assert not [step for step in plan.steps if step.spec.id.startswith("images/")]


def base_images(bench: Bench, **config: object) -> None:
    """Lock a base with two layers, the lower one shared by both platforms."""
    shared = packed({"bin": "usr/bin", "usr/bin": None, "usr/bin/sh": b"#!" * 50})
    platforms = {
        f"linux/{arch}": stacked(shared, packed({f"usr/lib/{arch}": b"x"}), arch=arch, **config)
        for arch in ("amd64", "arm64")
    }
    bench.locked = (bench.images.push("example.com/base:1", platforms),)


BASE = 'base = "example.com/base:1"\n'


def test_base_layers_come_first(bench: Bench) -> None:
    """Manifest and diff_ids list the base's layers, then ours; history has a line for each."""
    base_images(bench)
    bench.release(BASE)
    manifest, config = opened(bench)
    locked = bench.locked[0].platforms[0]
    assert [layer.digest for layer in locked.layers] == [entry["digest"] for entry in manifest["layers"][:-1]]
    assert 3 == len(config["rootfs"]["diff_ids"]) == len(config["history"])
    assert bench.locked[0].digest == manifest["annotations"]["org.opencontainers.image.base.digest"]


def test_bytes_stay_what_they_are(bench: Bench) -> None:
    """The same inputs give this digest on every machine. Where code changes it, the step's recipe gets a new number."""
    base_images(bench)
    made = bench.release(BASE + RUN)
    (image,) = [artifact.digest for artifact in made.artifacts if artifact.kind is Kind.IMAGE]
    assert "sha256:354801092a7c76ced18b4cc51e961ec1035bc3f014f5d2ad864f1a953f773a39" == image


def test_base_says_what_we_do_not(bench: Bench) -> None:
    """Environment, labels, ports and volumes add up; its command and its health check are of another program."""
    base_images(
        bench,
        Env=["PATH=/opt/bin", "LANG=C"],
        Labels={"vendor": "v", "org.opencontainers.image.title": "base"},
        ExposedPorts={"9/udp": {}},
        Cmd=["sh"],
        Healthcheck={"Test": ["CMD", "sh"]},
        StopSignal="SIGQUIT",
    )
    bench.release(BASE + 'ports = [80]\nenv = { LANG = "de" }\n')
    run = opened(bench)[1]["config"]
    assert ["PATH=/opt/bin", "LANG=de"] == run["Env"]
    assert ("v", "pulse") == (run["Labels"]["vendor"], run["Labels"]["org.opencontainers.image.title"])
    assert {"80/tcp": {}, "9/udp": {}} == run["ExposedPorts"]
    assert "SIGQUIT" == run["StopSignal"]
    assert not {"Cmd", "Healthcheck"} & run.keys()


def test_base_blobs_are_fetched_once(bench: Bench) -> None:
    """A layer that two platforms share is one step; in the second run nothing is fetched."""
    base_images(bench)
    bench.release(BASE)
    assert 5 == len(bench.images.fetched)
    bench.images.reachable = False
    bench.data = b"a new program"
    bench.release(BASE)
    assert 5 == len(bench.images.fetched)


def test_unreachable_base_is_a_skip(bench: Bench) -> None:
    """A registry that does not answer skips the image in a snapshot, with the reason."""
    base_images(bench)
    bench.images.reachable = False
    made = bench.release(BASE)
    assert {"image"} == {skip.kind for skip in made.skips}
    assert not [artifact for artifact in made.artifacts if artifact.kind is Kind.IMAGE]


def test_base_without_a_platform(bench: Bench) -> None:
    """A platform that the base does not have is skipped by name."""
    bench.locked = (bench.images.push("base:1", {"linux/amd64": stacked(packed({"etc": None}))}),)
    plan = bench.plan('base = "base:1"\n')
    assert [("images/pulse/linux-arm64", "base:1 has no linux/arm64")] == [(s.id, s.problem.what) for s in plan.skips]


def test_folder_over_a_symlink_of_the_base_fails(bench: Bench) -> None:
    """Files put below a symlink would hide what it leads to; the problem names the link and its target."""
    base_images(bench)
    with pytest.raises(BuildError, match=r"(?s)image\.pulse: /bin is a symlink to usr/bin in example\.com/base:1"):
        bench.release(BASE + 'volumes = ["/bin/x"]\n')


def test_spoilt_layer_fails(bench: Bench) -> None:
    """Bytes that are not those of the lock are refused, not built upon."""
    base_images(bench)
    bench.images.spoil(bench.locked[0].platforms[0].layers[0].digest)
    with pytest.raises(BuildError, match="expected sha256"):
        bench.release(BASE)


def test_base_that_lies_about_its_layers_fails(bench: Bench) -> None:
    """The config of a base must name the layers that its manifest has."""
    good = stacked(packed({"a": b"a"}))
    bad = type(good)(config=good.config, layers=(packed({"a": b"b"}),))
    bench.locked = (bench.images.push("base:1", {"linux/amd64": bad}),)
    with pytest.raises(BuildError, match="are not those its config names"):
        bench.release('base = "base:1"\nplatforms = ["linux/amd64"]\n')
