"""The layer of an image: what is in it, who owns it, and that its bytes depend on nothing else."""

import io
from pathlib import Path

import anyio
import anyio.to_thread
import certifi
import pytest

from imaging import DYNAMIC, PROJECT, Bench, members, opened, packed, stacked
from shipways.config.load import parse
from shipways.errors import BuildError, ConfigError
from shipways.images import layer
from shipways.images.rootfs import Entry, write_tar
from shipways.model.source import EXECUTABLE, REGULAR, SYMLINK
from support import facts


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def own_layer(bench: Bench, platform: str = "linux/amd64") -> bytes:
    manifest, _ = opened(bench, platform)
    return bench.blob(manifest["layers"][-1]["digest"])


def test_scratch_has_what_programs_expect(bench: Bench) -> None:
    """Program, CA certificates, users and /tmp, each with its rights; all by root at the time of the commit."""
    bench.release()
    found = members(own_layer(bench))
    expected = {
        "etc": 0o755,
        "etc/group": 0o644,
        "etc/passwd": 0o644,
        "etc/ssl": 0o755,
        "etc/ssl/certs": 0o755,
        "etc/ssl/certs/ca-certificates.crt": 0o644,
        "tmp": 0o1777,
        "usr": 0o755,
        "usr/local": 0o755,
        "usr/local/bin": 0o755,
        "usr/local/bin/pulse": 0o755,
    }
    assert expected == {name: member.mode for name, member in found.items()}
    assert list(expected) == list(found)
    assert {(0, 0, "", "", 1_700_000_000)} == {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in found.values()}
    assert Path(certifi.where()).stat().st_size == found["etc/ssl/certs/ca-certificates.crt"].size


def test_programs_of_other_packages() -> None:
    """An image has the programs of other packages too, those for its platform."""
    text = PROJECT + 'also = ["tool"]\n[package.tool]\nbuild = "go"\ntargets = ["x86_64-unknown-linux-musl"]\n'
    steps = layer.plan(parse(text, "shipways.toml"), facts(pulse="1.0.0", tool="1.0.0"))
    (step,) = (each for each in steps if "amd64" in each.spec.id)
    assert ("builders/pulse/x86_64-unknown-linux-gnu", "builders/tool/x86_64-unknown-linux-musl") == step.spec.needs


def test_volumes_belong_to_the_user(bench: Bench) -> None:
    """A volume's folder is the user's, the folders above it are root's."""
    bench.release('user = "1000:2000"\nvolumes = ["/var/lib/pulse"]\n')
    found = members(own_layer(bench))
    assert (1000, 2000) == (found["var/lib/pulse"].uid, found["var/lib/pulse"].gid)
    assert (0, 0) == (found["var/lib"].uid, found["var/lib"].gid)


def test_files_of_the_repository(bench: Bench) -> None:
    """A file, or a folder with all below it, keeps its mode; a symlink stays one."""
    bench.files = {
        "conf/a.toml": (REGULAR, b"a"),
        "conf/hooks/run": (EXECUTABLE, b"#!"),
        "conf/latest": (SYMLINK, b"a.toml"),
        "motd": (REGULAR, b"hi"),
    }
    bench.release('files = { "/etc/pulse/" = "conf", "/etc/motd" = "motd" }\n')
    found = members(own_layer(bench))
    assert (0o644, 0o755) == (found["etc/pulse/a.toml"].mode, found["etc/pulse/hooks/run"].mode)
    assert (True, "a.toml") == (found["etc/pulse/latest"].issym(), found["etc/pulse/latest"].linkname)
    assert 2 == found["etc/motd"].size


def test_equal_bytes_from_two_stores(bench: Bench) -> None:
    """Nothing but the inputs decides the bytes."""
    first = bench.release(store="one")
    second = bench.release(store="two")
    assert [artifact.digest for artifact in first.artifacts] == [artifact.digest for artifact in second.artifacts]


def test_base_image_brings_its_own_system(bench: Bench) -> None:
    """On a base there are no certificates, users or /tmp of ours."""
    bench.locked = (bench.images.push("base:1", {"linux/amd64": stacked(packed({"etc/os-release": b"x"}))}),)
    bench.release('base = "base:1"\nplatforms = ["linux/amd64"]\n')
    assert ["usr", "usr/local", "usr/local/bin", "usr/local/bin/pulse"] == list(members(own_layer(bench)))


def test_folders_of_the_base_keep_their_rights(bench: Bench) -> None:
    """Files below /tmp do not close it to everybody else; a volume there keeps its mode and changes its owner."""
    bench.files = {"x": (REGULAR, b"x")}
    bench.locked = (bench.images.push("base:1", {"linux/amd64": stacked(packed({"tmp": None}))}),)
    keys = 'base = "base:1"\nplatforms = ["linux/amd64"]\nfiles = { "/tmp/a/x" = "x" }\n'
    bench.release(keys)
    found = members(own_layer(bench))
    assert (0o1777, 0o755) == (found["tmp"].mode, found["tmp/a"].mode)
    bench.release(keys + 'volumes = ["/tmp"]\n')
    found = members(own_layer(bench))
    assert (0o1777, 65532) == (found["tmp"].mode, found["tmp"].uid)


def test_dynamic_program_in_scratch_fails(bench: Bench) -> None:
    """Scratch has no loader: said when the image is built, not when it does not start."""
    bench.linkage = DYNAMIC
    with pytest.raises(BuildError, match=r"(?s)image\.pulse\.base: bin/.*/pulse is dynamic.*needs libc\.so\.6.*musl"):
        bench.release()


def test_dynamic_program_on_a_base_is_fine(bench: Bench) -> None:
    """A base image may have the loader."""
    bench.linkage = DYNAMIC
    bench.locked = (bench.images.push("base:1", {"linux/amd64": stacked(packed({"lib": None}))}),)
    made = bench.release('base = "base:1"\nplatforms = ["linux/amd64"]\n')
    assert "images/pulse/index.json" in {artifact.name for artifact in made.artifacts}


def test_static_target_is_taken_first(bench: Bench) -> None:
    """linux/amd64 takes the musl program when the package is built for musl."""
    project = PROJECT.replace('targets = ["', 'targets = ["x86_64-unknown-linux-musl", "')
    needs = {step.spec.id: step.spec.needs for step in bench.plan(project=project).steps}
    assert ("builders/pulse/x86_64-unknown-linux-musl",) == needs["images/pulse/linux-amd64/layer"]
    assert ("builders/pulse/aarch64-unknown-linux-gnu",) == needs["images/pulse/linux-arm64/layer"]


def test_files_that_are_not_there(bench: Bench) -> None:
    """All of them are named at once, by their keys."""
    with pytest.raises(ConfigError) as caught:
        bench.plan('files = { "/a" = "one", "/b" = "two" }\n')
    assert ['image.pulse.files."/a"', 'image.pulse.files."/b"'] == [p.path for p in caught.value.problems]


def test_symlink_as_a_file(bench: Bench) -> None:
    """A link alone would lead nowhere in the image."""
    bench.files = {"a": (REGULAR, b"a"), "link": (SYMLINK, b"a")}
    with pytest.raises(ConfigError, match=r'image\.pulse\.files\."/link": link is a symlink'):
        bench.plan('files = { "/link" = "link" }\n')


def test_file_below_a_file_fails(bench: Bench) -> None:
    """A path cannot be a file and a folder."""
    bench.files = {"x": (REGULAR, b"x")}
    with pytest.raises(BuildError, match="/etc/passwd/x: cannot lie below /etc/passwd, which is a file"):
        bench.release('files = { "/etc/passwd/x" = "x" }\n')


class Endless(io.RawIOBase):
    """A file of ten terabytes."""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return 10**13

    def read(self, size: int = -1) -> bytes:
        return bytes(size)


def test_cancelled_run_stops_writing() -> None:
    """A thread that writes a layer ends soon after its run is cancelled."""
    tree = {"big": Entry(mode=0o644, content=Path("big"))}

    async def run() -> bool:
        with anyio.move_on_after(0.05) as scope:
            await anyio.to_thread.run_sync(write_tar, io.BytesIO(), tree, 0, lambda _: Endless())
        return scope.cancelled_caught

    assert anyio.run(run)
