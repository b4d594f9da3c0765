"""What goes wrong gets a clear error, the right exit code, and leaves no half artifact."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from sandbox import Ran, Repository
from support import need

pytestmark = pytest.mark.integration


def nothing_half(repository: Repository) -> bool:
    """Whether dist/ holds, beside the report, no artifact and no temporary file, and the store no scratch folder."""
    dist = repository.root / "dist"
    left = [path for path in dist.rglob("*") if path.is_file() and path.name != "report.html"] if dist.exists() else []
    return not left and not [*repository.cache.glob("tmp/run-*")]


def expect(ran: Ran, code: int, *words: str) -> None:
    """The exit code, every word in the error, and no traceback."""
    assert code == ran.code, ran.err
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err


def test_no_config(repository: Repository) -> None:
    """Without a config the error names the verb that writes one."""
    expect(repository.commit().shipways("plan"), 2, "there is no shipways.toml", "shipways init")


def test_no_git_repository(tmp_path: Path) -> None:
    """A folder that is no repository is told so."""
    plain = Repository(tmp_path / "plain", tmp_path / "cache")
    shutil.rmtree(plain.root / ".git")
    plain.file("shipways.toml", '[project]\nname = "p"\n')
    expect(plain.shipways("plan"), 3, "not a git repository", "git init")


def test_no_git_program(hello: Repository, tmp_path: Path) -> None:
    """Without git on PATH nothing can be named."""
    expect(hello.shipways("plan", env={"PATH": str(tmp_path)}), 3, "no `git` on PATH", "install git")


def test_no_commit(repository: Repository) -> None:
    """A repository without a commit has nothing to release."""
    repository.file("shipways.toml", '[project]\nname = "p"\n')
    expect(repository.shipways("plan"), 3, "has no commit yet")


def test_failing_build(hello: Repository) -> None:
    """The command, its status and the end of what it printed are shown."""
    hello.file("build.sh", "echo compiling; echo 'missing semicolon' >&2; exit 7\n")
    ran = hello.commit().shipways("release")
    expect(ran, 4, "ended with status 7", "missing semicolon", "builders/hello")
    assert nothing_half(hello)


def test_build_without_its_output(hello: Repository) -> None:
    """A build that makes something else than it declares has failed."""
    hello.file("build.sh", 'touch "$1/other"\n')
    expect(hello.commit().shipways("release"), 4, "no file matches *.txt", "the commands made other")


def test_missing_program(hello: Repository) -> None:
    """A program that is not there is named."""
    hello.file("shipways.toml", (hello.root / "shipways.toml").read_text().replace('"sh"', '"nonesuch"'))
    expect(hello.commit().shipways("release"), 4, "there is no program `nonesuch`")


def test_missing_toolchain_is_a_skip_with_its_fix(repository: Repository) -> None:
    """A snapshot goes on without it; --require makes it a failure."""
    repository.file("shipways.toml", '[project]\nname = "p"\n[toolchain]\ngo = "1.0.99"\n[package.p]\nbuild = "go"\n')
    repository.file("go.mod", "module p\n")
    repository.commit()
    ran = repository.shipways("release")
    expect(ran, 0, "go 1.0.99 is not on PATH and not in shipways.lock", "shipways lock")
    expect(repository.shipways("release", "--require", "toolchain"), 4, "go 1.0.99 is not on PATH")


def test_full_disk(hello: Repository, tmp_path: Path) -> None:
    """A store on a full disk: the error names the file, and nothing half is left."""
    small = tmp_path / "small"
    small.mkdir()
    if (
        os.getuid() != 0
        or subprocess.run(("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)), check=False).returncode
    ):
        pytest.skip("mounting a small tmpfs needs root")
    try:
        hello.cache = small / "cache"
        hello.file("build.sh", 'head -c 1000000 /dev/urandom > "$1/hello.txt"\n')
        expect(hello.commit().shipways("release"), 4, "cannot be written", "No space left on device", "free some space")
        assert nothing_half(hello)
    finally:
        subprocess.run(("umount", str(small)), check=True)


def test_read_only_dist(hello: Repository) -> None:
    """A dist/ that cannot be written: for root, by a read-only mount; for others, by its mode."""
    dist = hello.root / "dist"
    dist.mkdir()
    if os.getuid() == 0:
        subprocess.run(("mount", "--bind", str(dist), str(dist)), check=True)
        subprocess.run(("mount", "-o", "remount,bind,ro", str(dist)), check=True)
    else:
        dist.chmod(0o555)
    try:
        expect(hello.shipways("release"), 4, "cannot be written", str(dist))
    finally:
        if os.getuid() == 0:
            subprocess.run(("umount", str(dist)), check=True)
        dist.chmod(0o755)


def test_shallow_clone(repository: Repository, tmp_path: Path) -> None:
    """Where the version is in the last tag, a clone without history cannot tell it, and says how to mend that."""
    repository.file("shipways.toml", '[project]\nname = "p"\n[package.p]\nbuild = "go"\n')
    repository.commit().git("tag", "v1.2.3")
    repository.commit("feat: more").commit("feat: and more")
    assert "p 1.2.3-snapshot.g" in repository.shipways("plan").out
    repository.git("clone", "--quiet", "--depth", "1", f"file://{repository.root}", str(tmp_path / "shallow"))
    shallow = Repository(tmp_path / "shallow", repository.cache)
    expect(shallow.shipways("plan"), 3, "this clone is shallow", "git fetch --unshallow --tags")


def test_tag_that_is_no_version(hello: Repository) -> None:
    """A release at such a tag is refused."""
    hello.git("tag", "vnext")
    expect(hello.shipways("release", "--publish"), 3, "'next' is not a version")


def test_tag_that_is_not_the_manifests_version(hello: Repository) -> None:
    """A release at a tag that says another version is refused."""
    hello.git("tag", "v1.1.0")
    expect(hello.shipways("release", "--publish"), 3, "tag v1.1.0", "the manifest of hello says 1.0.0")


def test_publish_from_a_dirty_tree(hello: Repository) -> None:
    """--publish with changes that are not committed is refused."""
    hello.git("tag", "v1.0.0")
    hello.file("greeting", "changed\n")
    expect(hello.shipways("release", "--publish"), 3, "the tree differs from commit")


def test_version_that_is_none(hello: Repository) -> None:
    """A version that Semantic Versioning does not allow is told with its package."""
    hello.file("shipways.toml", (hello.root / "shipways.toml").read_text().replace("1.0.0", "one"))
    expect(hello.commit().shipways("plan"), 3, "package.hello: 'one' is not a version")


@pytest.mark.parametrize("target", ["../../outside", "/etc/passwd"])
def test_symlink_out_of_the_tree(hello: Repository, target: str) -> None:
    """A symlink that leaves the tree would build something that no digest covers."""
    (hello.root / "link").symlink_to(target)
    expect(hello.commit().shipways("release"), 3, "link", "is a symlink that leaves the source")
    assert nothing_half(hello)


def test_submodule(hello: Repository, tmp_path: Path) -> None:
    """A submodule's files are not in this repository's tree."""
    other = Repository(tmp_path / "other", hello.cache).write(file="x").commit()
    hello.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.root), "sub")
    expect(hello.commit().shipways("release"), 3, "sub", "is a git submodule")


def test_pointer_of_lfs(hello: Repository) -> None:
    """A pointer of Git LFS is not built as if it were the file."""
    hello.file("greeting", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    expect(hello.commit().shipways("release"), 3, "greeting", "is a pointer of Git LFS")


def test_config_below_the_top(hello: Repository) -> None:
    """A config that does not lie at the top of the repository would mean other paths than it says."""
    hello.file("inner/shipways.toml", (hello.root / "shipways.toml").read_text())
    expect(hello.commit().shipways("plan", cwd=hello.root / "inner"), 2, "does not lie at the top of the repository")


def test_wrong_architecture(repository: Repository) -> None:
    """A program for another machine fails the build: prebuilt files are looked into like our own."""
    need("go")
    repository.file("shipways.toml", '[project]\nname = "p"\n[package.p]\nbuild = "prebuilt"\nversion = "1.0.0"\n')
    text = '[package.p.prebuilt]\nfiles = { aarch64-unknown-linux-gnu = "p.bin" }\n'
    repository.file("shipways.toml", (repository.root / "shipways.toml").read_text() + text)
    shutil.copyfile("/bin/true", repository.root / "p.bin")
    expect(repository.commit().shipways("build"), 4, "expected elf for aarch64, found elf for x86_64")


def test_prebuilt_file_that_is_not_there(repository: Repository) -> None:
    """It is a skip with the key that names it; a release fails."""
    text = '[project]\nname = "p"\n[package.p]\nbuild = "prebuilt"\nversion = "1.0.0"\n'
    text += '[package.p.prebuilt]\nfiles = { aarch64-unknown-linux-gnu = "p.bin" }\n'
    repository.file("shipways.toml", text)
    repository.commit()
    expect(repository.shipways("build"), 0, "there is no file p.bin")
    expect(repository.shipways("release", "--require", "prebuilt"), 3, "package.p.prebuilt.files", "no file p.bin")


def test_variables_of_git(hello: Repository, tmp_path: Path) -> None:
    """A GIT_DIR of the caller (a hook, `git rebase --exec`) does not lead to another repository."""
    ran = hello.shipways("release", env={"GIT_DIR": str(tmp_path / "elsewhere")})
    expect(ran, 0)


def test_names_that_are_not_utf8(hello: Repository) -> None:
    """File names and symlink targets are bytes to git, and go into the source archive as they are."""
    config = (hello.root / "shipways.toml").read_text().replace("source_archive = false", "")
    hello.file("shipways.toml", config)
    name = os.fsdecode(b"caf\xe9")
    hello.file(name, "text\n")
    (hello.root / "link").symlink_to(name)
    expect(hello.commit().shipways("release"), 0)
    (archive,) = (hello.root / "dist").glob("*-source.tar.gz")
    with tarfile.open(archive) as source:
        found = {member.name.partition("/")[2]: member.linkname for member in source.getmembers()}
    assert "" == found[name]
    assert name == found["link"]


def test_cache_that_is_a_file(hello: Repository) -> None:
    """A store that cannot be made is told with the variable that moves it."""
    hello.cache.write_text("")
    expect(hello.shipways("release"), 3, "cannot be made", "XDG_CACHE_HOME")


def test_dist_that_leads_to_itself(hello: Repository) -> None:
    """A dist/ that cannot even be read is a failed write, not a bug."""
    (hello.root / "dist").symlink_to("dist")
    expect(hello.shipways("release"), 4, "cannot be written", "symbolic links")


@pytest.mark.parametrize("name", ["hello.txt", "manifest.json"])
def test_two_makers_of_one_file(hello: Repository, name: str) -> None:
    """Patterns of two packages that come to one name, or to the manifest's, are refused before dist/ is touched."""
    other = f"""
[package.other]
build = "command"
version = "1.0.0"
command = {{ run = [["sh", "-c", "echo other > $0/{name}", "{{out}}"]], outputs = ["*.*"] }}
"""
    hello.file("shipways.toml", (hello.root / "shipways.toml").read_text() + other)
    expect(hello.commit().shipways("release"), 4, f"made {name}, which")
    assert nothing_half(hello)
