"""What the parts of the bench share: repositories to release, and lines of the report."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from measure import Cost

PROJECTS: Final = Path(__file__).parent.parent / "projects"
SHIPWAYS: Final = (sys.executable, "-m", "shipways")


def say(text: str) -> None:
    """A line of the report."""
    print(text, flush=True)  # noqa: T201 - the report is the output


def fresh(folder: Path) -> Path:
    """The folder, made now."""
    folder.mkdir()
    return folder


def repository(root: Path, project: Path | None) -> Path:
    """A folder with a project's files, ready for git."""
    root.mkdir(parents=True)
    if project:
        shutil.copytree(project, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("dist", ".git"))
    subprocess.run(("git", "init", "--quiet", "."), cwd=root, check=True)
    return root


def commit(root: Path) -> None:
    """Commit everything; GoReleaser also wants a tag."""
    who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for words in (("add", "--all"), ("commit", "--quiet", "-m", "feat: all"), ("tag", "v0.1.0")):
        subprocess.run(("git", *who, *words), cwd=root, check=True)


def checked(found: Cost, folder: Path) -> str:
    """The figures of a run that ended well; else its log, which is no figure."""
    if found.code:
        sys.exit(f"a command failed with {found.code}:\n{(folder / 'log').read_text()[-4000:]}")
    return str(found)
