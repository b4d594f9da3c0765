"""What a run leaves for people: dist/report.html in a real browser, and the step summary."""

import html
import json
import shutil
from pathlib import Path

import pytest

from browsers import opened
from sandbox import Ran, Repository
from shipways.errors import Problem
from shipways.model.event import Began, Ended, Failed, Finished, Planned, SizeLine, Sizes, Skipped, Started, Table
from shipways.model.plan import Mode
from shipways.model.record import FORMAT, PlannedPackage, PlannedStep, PlanRecord
from shipways.model.step import Work
from shipways.run.page import page
from shipways.run.story import story

pytestmark = pytest.mark.integration

LONG = "builders/a-package-with-a-long-name/" + "x86_64-unknown-linux-gnu" * 3
CANARY = "canary-0a1b2c3d"


def busy() -> str:
    """The page of a run in which everything happens that a page shows, with long words everywhere."""
    steps = tuple(f"{LONG}-{number}" for number in range(40))
    plan = PlanRecord(
        format=FORMAT,
        project="pulse",
        mode=Mode.RELEASE,
        reason="clean tree at v1.2.3" * 5,
        commit="0" * 40,
        make_digest="sha256:0",
        packages=(PlannedPackage(name="p" * 90, version="1.2.3"),),
        steps=tuple(
            PlannedStep(id=s, work=Work.PACK, package="", target="", needs=steps[max(n - 1, 0) : n], outputs=())
            for n, s in enumerate(steps)
        ),
        skips=(),
    )
    address = "https://forge.example/" + "path/" * 40
    rows = ((LONG, "files", f"nothing → sha256:{'0' * 64}", address, "1.0"),) * 3
    events = [
        (0.0, Planned(plan=plan)),
        (0.0, Skipped(step=LONG, kind="image", reason="x" * 200, fix="`shipways lock`")),
        (0.0, Began(steps=steps)),
        *((0.1, Finished(step=step, seconds=0.01, size=1, cached=True)) for step in steps[:10]),
        *((float(n), Started(step=step)) for n, step in enumerate(steps[10:])),
        *((n + 10.0, Finished(step=step, seconds=9, size=1, cached=False)) for n, step in enumerate(steps[10:38])),
        (40.0, Failed(step=steps[38], reason="no")),
        (40.0, Ended()),
        (
            41.0,
            Table(about="Channels", title="t" * 200, columns=("item", "channel", "value", "place", "#s"), rows=rows),
        ),
        (41.0, Sizes(releases=("1.0", "1.1", "1.2"), lines=(SizeLine(name=LONG, sizes=(100, 150, 10**9)),))),
    ]
    made = story(sorted(events, key=lambda pair: pair[0]), (Problem(path=LONG, what="<b>no</b>", why="y" * 300),))
    assert made
    return page(made)


@pytest.mark.parametrize("dark", [False, True])
def test_browser(tmp_path: Path, dark: bool) -> None:
    """Wide or narrow, light or dark: nothing is beyond the edge, each step has a bar, and the console is silent."""
    found = opened(busy(), tmp_path, dark=dark)
    assert [] == found.console
    assert [1280, 400] == [each.width for each in found.drawn]
    for each in found.drawn:
        assert (each.width, []) == (each.scrolls, each.beyond)
        assert (sorted(f"{LONG}-{number}" for number in range(40)), 40) == (sorted(each.bars), each.seen)
        assert dark is not each.light


def test_browser_notices(tmp_path: Path) -> None:
    """A page that is too wide, or wants something from outside, does not pass."""
    bad = busy().replace("</main>", '<p style="width: 1400px">x</p><img src="https://x.example/"></main>')
    found = opened(bad, tmp_path)
    assert found.console
    assert all(each.scrolls > each.width and each.beyond for each in found.drawn)


def publish(project: Repository, version: str, summary: Path) -> Ran:
    """Release a version, as a step of a job."""
    project.tag(version)
    words = ("release", "--publish", "--log", "json")
    return project.shipways(*words, env={"GITHUB_STEP_SUMMARY": str(summary)})


def report(project: Repository) -> str:
    return html.unescape((project.root / "dist" / "report.html").read_text())


def test_release(project: Repository, tmp_path: Path) -> None:
    """Page and summary show what was made, where it is, and what has changed; the log has the same rows."""
    first = publish(project, "1.0.0", tmp_path / "first")
    assert 0 == first.code, first.err
    text = (tmp_path / "first").read_text()
    for part in (
        "### Preflight",
        "### Artifacts",
        "### Channels",
        "| hello\\.txt | file |",
        "nothing → ",
        "no release before",
    ):
        assert part in text
    shutil.rmtree(project.root / "dist")  # so that only the mirror knows the release before
    project.file("greeting", "hello again\n")
    second = publish(project, "1.1.0", tmp_path / "second")
    assert 0 == second.code, second.err
    assert "against 1\\.0\\.0" in (tmp_path / "second").read_text()
    assert "| hello\\.txt | 12 B | 18 B | \\+6 B \\(\\+50\\.0\\%\\) |" in (tmp_path / "second").read_text()
    shown = report(project)
    for part in ("hello 1.1.0", "Done", "builders/hello", "Critical path", "files", "+6 B (+50.0%)"):
        assert part in shown
    events = [json.loads(line) for line in second.err.splitlines()]
    tables = {event["about"]: event for event in events if event["event"] == "table"}
    manifest = json.loads((project.root / "dist" / "manifest.json").read_text())
    digest = {entry["path"]: entry["digest"] for entry in manifest["artifacts"]}["hello.txt"]
    assert [digest] == [row[3] for row in tables["Artifacts"]["rows"] if row[0] == "hello.txt"]
    assert f"nothing → {digest}" in [row[3] for row in tables["Channels"]["rows"]]
    assert "report" not in (project.root / "dist" / "manifest.json").read_text()
    assert [] == [path for path in (tmp_path / "mirror").rglob("*") if "report" in path.name]


def test_place_that_cannot_tell(project: Repository, tmp_path: Path) -> None:
    """Where the release before is broken, that is said, and nothing is compared; the release goes on."""
    assert 0 == publish(project, "1.0.0", tmp_path / "first").code
    shutil.rmtree(project.root / "dist")
    (tmp_path / "mirror" / "hello" / "v1.0.0" / "manifest.json").write_text("{}")
    ran = publish(project, "1.1.0", tmp_path / "second")
    assert 0 == ran.code, ran.err
    assert "the sizes of the release before are not known" in ran.err
    assert "no release before" in (tmp_path / "second").read_text()


def test_failed_step(hello: Repository, tmp_path: Path) -> None:
    """The page shows which step failed and why; a secret that it printed is neither there nor in the summary."""
    text = (hello.root / "shipways.toml").read_text()
    hello.file("shipways.toml", text.replace('version = "1.0.0"', 'version = "1.0.0"\nsecrets = ["TOKEN"]'))
    hello.file("build.sh", 'echo "<script>$TOKEN</script>"\necho "$TOKEN" >&2\nexit 3\n')
    summary = tmp_path / "summary"
    ran = hello.commit().shipways("release", env={"GITHUB_STEP_SUMMARY": str(summary), "TOKEN": CANARY})
    assert 4 == ran.code, ran.err
    raw = (hello.root / "dist" / "report.html").read_text()
    assert "What went wrong" in raw
    assert '<li class="bar failed"' in raw
    assert "&lt;script&gt;" in raw
    assert "<script" not in raw
    kept = [path.read_bytes() for path in (summary, *(hello.root / "dist").rglob("*")) if path.is_file()]
    assert [] == [data for data in kept if CANARY.encode() in data]
    assert "&lt;script&gt;***" in raw


def test_against(hello: Repository, tmp_path: Path) -> None:
    """`--against` names the manifest of a release before; one that cannot be read is an error before the work."""
    assert 0 == hello.shipways("release").code
    before = tmp_path / "before.json"
    before.write_bytes((hello.root / "dist" / "manifest.json").read_bytes())
    hello.file("greeting", "hello again\n")
    hello.commit()
    ran = hello.shipways("build", "--against", str(before))
    assert (0, True) == (ran.code, "1 of another size, what both have +6 B" in ran.err), ran.err
    ran = hello.shipways("release", "--against", str(tmp_path / "none"))
    assert (2, True, False) == (ran.code, "cannot be read" in ran.err, "builders" in ran.err), ran.err
