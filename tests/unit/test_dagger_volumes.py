"""Which caches of a build are volumes of the engine, and under which names."""

from dataclasses import replace

import pytest

from shipways.adapters.dagger.volumes import Caches, caches
from shipways.model.build import Build
from shipways.model.source import SourceFile, SourceTree

ROOT = "/tmp/shipways/0123"
GO = (("GOMODCACHE", "mod"), ("GOCACHE", "go"))
CARGO = (("CARGO_HOME", "cargo"), ("CARGO_TARGET_DIR", "target"))


def tree(**oids: str) -> SourceTree:
    """Files by path; `__` is a slash, `_` a dot."""
    paths = ((name.replace("__", "/").replace("_", "."), oid) for name, oid in sorted(oids.items()))
    return SourceTree(files=tuple(SourceFile(path=path, mode="100644", oid=oid) for path, oid in paths))


BUILD = Build(name="b", tools=(), source=tree(go_sum="00", main_go="11"), commands=(), outputs=("*",), caches=GO)


def kept(build: Build, sources: str = "", *, volumes: bool = True) -> Caches:
    return caches(build, ROOT, sources=sources, volumes=volumes)


def names(build: Build) -> list[str]:
    """The volumes' names, without the digests in them."""
    return [volume.name.rpartition("-")[0] for volume in kept(build).volumes]


def test_build_keeps_only_downloads() -> None:
    """What lock files verify is in a volume beside the cache; what a compiler keeps is the build's alone."""
    made = kept(BUILD)
    assert ["shipways-mod"] == names(BUILD)
    assert ["/var/cache/shipways/GOMODCACHE"] == [volume.place for volume in made.volumes]
    assert {"GOMODCACHE": f"{ROOT}/cache/GOMODCACHE", "GOCACHE": f"{ROOT}/cache/GOCACHE"} == dict(made.folders)


def test_tests_keep_what_a_compiler_does_too() -> None:
    """No artifact comes of a test, so its compiler's cache is a volume, and none of its volumes is a build's."""
    test = replace(BUILD, outputs=())
    assert ["shipways-test-mod", "shipways-test-go"] == names(test)
    assert [f"{ROOT}/cache/GOCACHE"] == [volume.place for volume in kept(test).volumes[1:]]


def test_requirements_are_downloads() -> None:
    """The requirements of a backend are verified by their hashes, so pip's own cache may be a volume."""
    build = replace(BUILD, caches=(), requirements=("x==1 --hash=sha256:00",))
    assert ["shipways-pip"] == names(build)
    assert {"PIP_CACHE_DIR": f"{ROOT}/cache/PIP_CACHE_DIR"} == dict(kept(build).folders)
    other = replace(build, requirements=("x==2 --hash=sha256:01",))
    assert kept(build).volumes != kept(other).volumes


@pytest.mark.parametrize(
    ("build", "other"),
    [
        (BUILD, replace(BUILD, source=tree(go_sum="01", main_go="11"))),
        (BUILD, replace(BUILD, source=tree(go_sum="00", tools__go_sum="00", main_go="11"))),
        (BUILD, replace(BUILD, source=tree(go_sum="00", go_work_sum="00", main_go="11"))),
        (replace(BUILD, caches=CARGO), replace(BUILD, caches=CARGO, source=tree(Cargo_lock="00"))),
    ],
)
def test_other_lock_other_volume(build: Build, other: Build) -> None:
    """Each state of the lock files has a volume of its own."""
    assert kept(build).volumes != kept(other).volumes


@pytest.mark.parametrize(
    "other",
    [
        replace(BUILD, source=tree(go_sum="00", main_go="12", Cargo_lock="00")),
        replace(BUILD, name="c", commands=(("go", "build"),), env=(("GOOS", "darwin"),)),
    ],
)
def test_same_lock_same_volume(other: Build) -> None:
    """Other sources, targets and the locks of other tools do not matter."""
    assert kept(BUILD).volumes == kept(other).volumes


def test_no_cache() -> None:
    """Without volumes each cache is a folder of the build, with nothing to be done before or after."""
    assert Caches(folders=kept(BUILD).folders) == kept(BUILD, volumes=False)


def test_go_is_verified_before_it_is_used() -> None:
    """The modules of the volume come as a proxy, so that go compares them with go.sum; new ones are kept."""
    made = kept(BUILD)
    assert 'GOPROXY="file:///var/cache/shipways/GOMODCACHE,$(go env GOPROXY)" go mod download' in made.before[1]
    assert 'keep /var/cache/shipways/GOMODCACHE "$file"' in made.after[1]


def test_crates_are_verified_before_they_are_used() -> None:
    """Crates of the volume are compared with the checksums of all lock files, the standard library's too."""
    made = kept(replace(BUILD, caches=CARGO), "/usr/lib/rust")
    assert f"for lock in $(find {ROOT}/src -name Cargo.lock) /usr/lib/rust/library/Cargo.lock; do" in made.before[1]
    assert "awk -F'\"' '/^name = /{n=$2} /^version = /{v=$2}" in made.before[1]
    assert 'own="$CARGO_HOME${place#/var/cache/shipways/CARGO_HOME}"' in made.before[1]
    assert "{sources}" not in kept(replace(BUILD, caches=CARGO)).before[1]


ZIG = (("ZIG_GLOBAL_CACHE_DIR", "zig-0.17.0"),)


def test_zig_keeps_its_packages() -> None:
    """Where a build has dependencies; what zig compiles is the build's alone, and a test keeps both."""
    without = replace(BUILD, caches=ZIG)
    build = replace(without, source=tree(build_zig_zon="00"))
    assert ([], ["shipways-zig-0.17.0"]) == (names(without), names(build))
    assert ["/var/cache/shipways/ZIG_GLOBAL_CACHE_DIR"] == [volume.place for volume in kept(build).volumes]
    test = replace(build, outputs=())
    assert [f"{ROOT}/cache/ZIG_GLOBAL_CACHE_DIR"] != [volume.place for volume in kept(build).volumes]
    assert [f"{ROOT}/cache/ZIG_GLOBAL_CACHE_DIR"] == [volume.place for volume in kept(test).volumes]
