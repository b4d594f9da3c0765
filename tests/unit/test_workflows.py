"""The workflows of GitHub Actions: their graph, their rights, and what they run."""

import ast
import re
from collections.abc import Callable

import pytest

from shipways.adapters.files import DiskFiles
from shipways.cli import VERBS
from shipways.errors import ConfigError
from shipways.render.text import render
from shipways.workflows.jobs import tag_patterns, workflows
from shipways.workflows.pins import actions
from working import DEMO, OURS, ROOT, SMALL, TAGGING, ci_and_release, commands, demo, every, jobs, read, texts

EVERY = [
    pytest.param(demo(), id="demo"),
    pytest.param(demo(TAGGING), id="tagging"),
    pytest.param(demo(SMALL), id="small"),
    pytest.param(OURS, id="ours"),
]


def sessions(noxfile: str) -> set[str]:
    """The functions that `@nox.session` marks."""
    found = (node for node in ast.walk(ast.parse(noxfile)) if isinstance(node, ast.FunctionDef))
    return {each.name for each in found if any(ast.unparse(mark) == "nox.session" for mark in each.decorator_list)}


def test_text(golden: Callable[[str, str], None]) -> None:
    """The files, as people read them."""
    for path, text in texts(demo()).items():
        golden(path.removeprefix(".github/"), text)


def test_only_where_they_are_wanted() -> None:
    """Without the table nothing is rendered."""
    assert {} == texts(demo(SMALL.replace("[workflows]", "")))


@pytest.mark.parametrize("config", EVERY)
def test_graph(config) -> None:
    """S0-23..28: what a job waits for is there, and nothing waits for itself; a release waits for what it is of."""
    for workflow in every(config):
        done: set[str] = set()
        for name, job in workflow["jobs"].items():
            assert set(job.get("needs", [])) <= done
            done.add(name)
    assert ["plan", "build"] == ci_and_release(config)[1]["jobs"]["release"]["needs"]


@pytest.mark.parametrize("config", EVERY)
def test_no_push_in_ci(config) -> None:
    """What runs for a pull request writes nothing, knows no secret, and releases nothing."""
    ci, _ = ci_and_release(config)
    assert {"pull_request", "push"} == set(ci["on"])
    for _, job in jobs(ci):
        assert {"contents": "read"} == job["permissions"]
        assert [] == [step for step in job["steps"] if "secrets." in str(step) or "github.token" in str(step)]
        assert not re.search(r"release|publish|push", " ".join(commands(job)))


@pytest.mark.parametrize("config", EVERY)
def test_rights(config) -> None:
    """Nothing has a right by default; a checkout leaves no token behind; only what publishes may write."""
    workflows = every(config)
    assert all(workflow["permissions"] == {} for workflow in workflows)
    for name, job in jobs(*workflows):
        checkout = job["steps"][0]
        assert checkout["uses"].startswith("actions/checkout@")
        assert checkout["with"]["persist-credentials"] is False
        assert name in ("release", "finish") or {"contents": "read"} == job["permissions"]


@pytest.mark.parametrize("config", EVERY)
def test_nothing_is_kept_for_the_next_run(config) -> None:
    """A release neither reads nor writes a cache, which a pull request could have filled; nor does what checks it."""
    _, *others = every(config)
    assert "cache" not in str([workflow["jobs"] for workflow in others])


@pytest.mark.parametrize("config", EVERY)
def test_one_command(config) -> None:
    """A job is one session of the noxfile, after the pinned nox; it ends in time, and so does an old run of it."""
    ci, *others = every(config)
    for _, job in jobs(ci, *others):
        install, command = commands(job)
        assert re.fullmatch(r"python -m pip install nox==[\d.]+", install)
        assert re.fullmatch(r"nox -s [\w-]+( -- [\w./ -]+)?", command)
        assert 1 <= job["timeout-minutes"] <= 90
    assert "${{ github.event_name == 'pull_request' }}" == ci["concurrency"]["cancel-in-progress"]
    assert {False} == {workflow["concurrency"]["cancel-in-progress"] for workflow in others}


@pytest.mark.parametrize("config", [demo(), OURS])
def test_every_week(config) -> None:
    """The newest release is made again, or the tag that somebody asks for; no right to write, no secret to publish."""
    weekly = read(texts(config)[".github/workflows/rebuild.yml"])
    assert {"schedule", "workflow_dispatch"} == set(weekly["on"])
    assert {"tag"} == set(weekly["on"]["workflow_dispatch"]["inputs"])
    (job,) = weekly["jobs"].values()
    assert {"contents": "read"} == job["permissions"]
    assert "nox -s rebuild -- --check --clone" == commands(job)[-1]
    given = job["steps"][-1]["env"]
    assert "${{ inputs.tag }}" == given.pop("SHIPWAYS_TAG")
    own = {name for package in config.package.values() for name in package.secrets}
    assert own == {name for name, value in given.items() if "secrets." in value}


def test_finished_by_hand() -> None:
    """Where a release is staged, somebody may name its tag: that job has the rights of a release, and no other runs."""
    release = ci_and_release(demo())[1]
    assert {"push", "workflow_dispatch"} == set(release["on"])
    assert release["on"]["workflow_dispatch"]["inputs"]["tag"]["required"] is True
    usual, finish = release["jobs"]["release"], release["jobs"]["finish"]
    assert ("nox -s release", usual["permissions"]) == (commands(finish)[-1], finish["permissions"])
    assert usual["environment"] == finish["environment"]
    given = finish["steps"][-2]["env"]
    assert ("${{ inputs.tag }}", usual["steps"][-2]["env"]) == (given.pop("SHIPWAYS_TAG"), given)
    conditions = {name: job.get("if", "") for name, job in release["jobs"].items()}
    assert {"plan": "${{ inputs.tag == '' }}", "finish": "${{ inputs.tag != '' }}"} == {
        name: when for name, when in conditions.items() if when
    }
    assert "needs" not in finish


def test_nothing_to_finish() -> None:
    """A release that is staged nowhere, or in a folder of a machine that is gone, cannot be finished elsewhere."""
    for config in (SMALL, SMALL + '[publish.files]\nfolder = "/srv"'):
        release = ci_and_release(demo(config))[1]
        assert ({"push"}, {"plan", "build", "release"}) == (set(release["on"]), set(release["jobs"]))
    assert "finish" in ci_and_release(demo(SMALL + '[publish.files]\nfolder = "s3://releases"'))[1]["jobs"]


def test_tagged_by_hand() -> None:
    """Where the config says so, a run without a tag makes it: each job is told, and the last may, as who started it."""
    ci, release = ci_and_release(demo(TAGGING))
    assert "required" not in release["on"]["workflow_dispatch"]["inputs"]["tag"]
    by_hand = "${{ github.event_name == 'workflow_dispatch' }}"
    for name in ("plan", "build", "release"):
        (env,) = (step["env"] for step in release["jobs"][name]["steps"] if "nox -s" in step.get("run", ""))
        assert (by_hand, by_hand) == (env["SHIPWAYS_PUBLISH"], env["SHIPWAYS_CREATE_TAG"])
    assert {"GITHUB_TOKEN", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"} <= set(env)
    assert not {"SHIPWAYS_PUBLISH", "GIT_COMMITTER_NAME"} & set(release["jobs"]["finish"]["steps"][-2]["env"])
    assert "nox -s rehearse -- --create-tag" == commands(ci["jobs"]["rehearse"])[-1]
    small = ci_and_release(demo(SMALL + "create_tag = true"))[1]["jobs"]
    assert ({"contents": "write"}, {"contents": "read"}) == (
        small["release"]["permissions"],
        small["finish"]["permissions"],
    )
    assert "GITHUB_TOKEN" in small["release"]["steps"][-2]["env"]


@pytest.mark.parametrize(
    ("config", "there"),
    [
        (SMALL, False),
        (SMALL + "rebuild = true", True),
        (SMALL + "[publish.github]", True),
        (SMALL + "rebuild = false\n[publish.github]", False),
    ],
)
def test_what_can_be_compared(config: str, there: bool) -> None:
    """It is there where GitHub keeps releases, unless the project says otherwise."""
    text = config.replace('name = "p"', 'name = "p"\nrepository = "a/p"')
    assert there is (".github/workflows/rebuild.yml" in texts(demo(text)))


@pytest.mark.parametrize("config", EVERY)
def test_what_somebody_types_is_no_command(config) -> None:
    """An input reaches a command by its environment alone, where no shell reads it as code."""
    for _, job in jobs(*every(config)):
        assert [] == [line for line in commands(job) if "${{" in line]


@pytest.mark.parametrize("config", EVERY)
def test_every_action_is_a_commit(config) -> None:
    """What others wrote is used at a commit of pins.toml, with the version beside it."""
    known = {f"{pin.uses}@{pin.commit} # {pin.version}" for pin in actions().values()}
    for text in texts(config).values():
        used = re.findall(r"uses: (.*)", text)
        assert used
        assert set(used) <= known


def test_pins() -> None:
    """A pin is a whole commit, a version and a day."""
    for pin in actions().values():
        assert re.fullmatch(r"[\w-]+/[\w-]+", pin.uses)
        assert re.fullmatch(r"[0-9a-f]{40}", pin.commit)
        assert re.fullmatch(r"v\d+\.\d+\.\d+", pin.version)
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", pin.date)


def test_machines_of_shards() -> None:
    """The plan says how many there are and what each is; one that has no containers builds with its own tools."""
    _, release = ci_and_release(demo(DEMO.replace('build = "go"', 'build = "go"\nnative = ["aarch64-apple-darwin"]')))
    plan, build = release["jobs"]["plan"], release["jobs"]["build"]
    assert {"shards": "${{ steps.command.outputs.shards }}"} == plan["outputs"]
    assert ["command"] == [step["id"] for step in plan["steps"] if "nox -s" in step.get("run", "")]
    assert {"fail-fast": False, "matrix": {"include": "${{ fromJSON(needs.plan.outputs.shards) }}"}} == build[
        "strategy"
    ]
    assert "${{ matrix.runner }}" == build["runs-on"]
    assert "${{ runner.os == 'Linux' && 'dagger' || 'host' }}" == build["steps"][-2]["env"]["SHIPWAYS_ENGINE"]
    (engine,) = (step for step in build["steps"] if "dagger" in step.get("uses", ""))
    assert "${{ runner.os == 'Linux' }}" == engine["if"]


def test_engine_of_a_release() -> None:
    """Dagger is there where a release has to be built by it, and only there."""
    host = demo(SMALL + '[engine]\nrelease = "host"')
    assert [True, False] == ["dagger/" in str(ci_and_release(each)[1]) for each in (demo(), host)]


def test_image_of_a_dockerfile() -> None:
    """Only containers can run one, so the job of its image has the engine; an assembled image needs none."""
    own = demo(DEMO.replace("[image.demo]", '[image.demo]\ndockerfile = "Dockerfile"'))
    assert [True, False] == ["dagger/" in str(ci_and_release(each)[0]["jobs"]["image-demo"]) for each in (own, demo())]


def test_rehearsal() -> None:
    """What there are channels for is rehearsed, with the engine that a release would have; nothing else is."""
    ci = ci_and_release(demo())[0]["jobs"]
    assert "nox -s rehearse" == commands(ci["rehearse"])[-1]
    assert "dagger/" in str(ci["rehearse"])
    assert "rehearse" not in ci_and_release(demo(SMALL))[0]["jobs"]


@pytest.mark.parametrize(
    ("tag", "starts"),
    [
        ("v1.2.3", True),
        ("demo-v1.2.3", True),
        ("v10.20.30-rc.1", True),
        ("v1.2", False),
        ("vx", False),
        ("w1.2.3", False),
    ],
)
def test_tags(tag: str, starts: bool) -> None:
    """A release begins at the tags of packages, read as GitHub does ("Filter pattern cheat sheet")."""
    patterns = (re.escape(pattern) for pattern in tag_patterns(demo()))
    known = [p.replace(r"\[0\-9\]\+", "[0-9]+").replace(r"\*", "[^/]*") for p in patterns]
    assert starts is any(re.fullmatch(pattern, tag) is not None for pattern in known)


def test_matrix() -> None:
    """S0-23: a job for each Python and each machine; one that fails does not hide the others."""
    job = ci_and_release(demo())[0]["jobs"]["tests"]
    assert "${{ matrix.runner }}" == job["runs-on"]
    assert {
        "fail-fast": False,
        "matrix": {"runner": ["ubuntu-latest", "macos-latest", "windows-latest"], "python": ["3.11", "3.14"]},
    } == job["strategy"]
    assert "nox -s tests -- --engine host" == commands(job)[-1]


@pytest.mark.parametrize(
    ("job", "told"),
    [
        ("[workflows.job.plan]", "workflows.job.plan: is the name of a job that is there besides"),
        ("[workflows.job.image-x]", "workflows.job.image-x: is the name of"),
        ('[workflows.job.x]\narguments = ["a b"]', "workflows.job.x.arguments"),
        ('[workflows.job.x]\narguments = ["${{ github.head_ref }}"]', "workflows.job.x.arguments"),
        ('[workflows.job.x]\nsession = "a; b"', "workflows.job.x.session"),
    ],
)
def test_what_is_refused(job: str, told: str) -> None:
    """A name that is taken, and words that a shell or GitHub would take apart."""
    with pytest.raises(ConfigError, match=re.escape(told)):
        demo(SMALL + job)


def test_sessions_are_there() -> None:
    """What the workflows call is in our noxfile, and in that of a new project, where it is a verb."""
    ours = {job.session for workflow in workflows(OURS) for job in workflow.jobs}
    assert ours <= sessions((ROOT / "noxfile.py").read_text())
    new = {job.session for workflow in workflows(demo(SMALL + "[publish.pypi]")) for job in workflow.jobs}
    assert new <= sessions(render("init/noxfile.py", version="0"))
    assert new - {"tests"} <= set(VERBS)


def test_committed() -> None:
    """Our own workflows say what the config does."""
    for path, text in texts(OURS).items():
        assert read(text) == read(DiskFiles().read(ROOT / path).decode())


def test_demo_has_everything() -> None:
    """The demo has a table for each channel but the folder, which a runner would throw away."""
    assert set(type(demo().publish).model_fields) - {"files"} == set(re.findall(r"\[publish\.(\w+)\]", DEMO))
