"""The workflows of a project, as values: what CI runs, and what a tag does."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from shipways.config.kinds import Duration, milliseconds
from shipways.config.publish import S3
from shipways.config.schema import Config
from shipways.config.workflows import WorkflowJob, Workflows
from shipways.model.names import image_step
from shipways.model.workflow import Input, Job, Use, Workflow
from shipways.workflows import rights
from shipways.workflows.pins import tools

_USUAL: Final = {"check": WorkflowJob(), "tests": WorkflowJob()}
"""The jobs of a project that names none; `shipways init` writes a noxfile with these sessions."""
_VERSION: Final = "[0-9]+.[0-9]+.[0-9]+*"
"""GitHub's pattern for a version in a tag ("Workflow syntax", "Filter pattern cheat sheet"): `+` is one or more."""
_WEEKLY: Final = "23 4 * * 1"
"""Mondays, at a minute when GitHub is less busy than at the full hour ("Events that trigger workflows", `schedule`)."""
_LINUX: Final = "runner.os == 'Linux'"
_TAG: Final = "tag"
_WITH_TAG: Final = "${{ inputs.tag != '' }}"
_WITHOUT_TAG: Final = "${{ inputs.tag == '' }}"
"""Also where nobody is asked for one: a push has no inputs, and nothing is equal to no text for GitHub."""
_RECORD: Final = "dist/manifest.json\ndist/ledger.jsonl\ndist/formula/"


def workflows(config: Config) -> tuple[Workflow, ...]:
    """ci.yml and release.yml, and rebuild.yml where a release can be compared; none without `[workflows]`."""
    table = config.workflows
    if table is None:
        return ()
    found = (
        Workflow(name="ci", branch=config.project.branch, jobs=tuple(_checks(config, table))),
        Workflow(
            name="release",
            tags=tag_patterns(config),
            inputs=tuple(_by_hand(config, table)),
            jobs=tuple(_release(config, table)),
        ),
    )
    return (*found, _rebuild(config, table)) if _compared(config, table) else found


def tag_patterns(config: Config) -> tuple[str, ...]:
    """The tags of all packages as patterns of GitHub."""
    return tuple(dict.fromkeys(package.tag.replace("{version}", _VERSION) for package in config.package.values()))


def _checks(config: Config, table: Workflows) -> Iterator[Job]:
    for name, each in (table.job or _USUAL).items():
        yield Job(
            id=name,
            session=each.session or name,
            arguments=each.arguments,
            pythons=each.pythons or (table.python,),
            runners=each.runners or (table.runner,),
            minutes=_minutes(each.timeout or table.timeout),
        )
    yield _ours(table, "plan", "plan")
    for name, image in config.made.items():
        job = _ours(table, f"image-{name.replace('.', '-')}", "build", "--step", image_step(name))
        # Only containers can run a Dockerfile.
        yield replace(job, before=_engine(config)) if image.dockerfile else job
    if any(channel for _, channel in config.publish):
        words = ("--create-tag",) if table.create_tag else ()
        yield replace(_ours(table, "rehearse", "rehearse", *words), before=_engine(config))


def _by_hand(config: Config, table: Workflows) -> Iterator[Input]:
    """What is asked for who starts the release by hand, where there is something to finish, or to tag."""
    if table.create_tag:
        yield Input(name=_TAG, description="The tag of a release to finish; without one this commit is tagged")
    elif config.publish.github or (config.publish.files and config.publish.files.folder.startswith(S3)):
        yield Input(name=_TAG, description="The tag of a release to finish, from what it has staged", required=True)


def _release(config: Config, table: Workflows) -> Iterator[Job]:
    by_hand, tagging = bool(tuple(_by_hand(config, table))), _tagging(table)
    yield replace(
        _ours(table, "plan", "plan"),
        when=_WITHOUT_TAG if by_hand else "",  # and what needs it is not run either
        variables=tagging,
        before=_engine(config),
        hands=("shards",),
    )
    yield _shard(config, table)
    record = Use(
        action="upload-artifact",
        why="What was made and published, also of a release that stopped half-way.",
        inputs=(("name", "release"), ("path", _RECORD), ("if-no-files-found", "ignore"), ("overwrite", "true")),
        when="${{ !cancelled() }}",
    )
    shards = Use(
        action="download-artifact", why="What the shards have made.", inputs=(("pattern", "shard-*"), ("path", "dist"))
    )
    yield replace(
        _ours(table, "release", "release", "--from", "dist"),
        needs=("plan", "build"),
        environment=table.environment,
        permissions=rights.permissions(config, tags=table.create_tag),
        variables=(*tagging, *rights.variables(config, tags=table.create_tag)),
        before=(*rights.logins(config), *_engine(config), shards),
        after=(record,),
    )
    if by_hand:
        yield replace(
            _ours(table, "finish", "release"),
            when=_WITH_TAG,
            environment=table.environment,
            permissions=rights.permissions(config),
            variables=(("SHIPWAYS_TAG", "${{ inputs.tag }}"), *rights.variables(config)),
            before=(*rights.logins(config), *_engine(config)),
            after=(record,),
        )


def _tagging(table: Workflows) -> tuple[tuple[str, str], ...]:
    """What tells a run that somebody has started by hand that its commit is to be tagged, as no tag does."""
    by_hand = "${{ github.event_name == 'workflow_dispatch' }}"
    return (("SHIPWAYS_PUBLISH", by_hand), ("SHIPWAYS_CREATE_TAG", by_hand)) if table.create_tag else ()


def _shard(config: Config, table: Workflows) -> Job:
    """The programs, on as many machines as the plan says; no more than its own secrets, and no right to publish."""
    made = Use(
        action="upload-artifact",
        why="A shard that failed can be run again alone.",
        inputs=(
            ("name", "shard-${{ strategy.job-index }}"),
            ("path", "dist"),
            ("if-no-files-found", "error"),
            ("overwrite", "true"),
        ),
    )
    secrets = rights.build_variables(config)
    native = (("SHIPWAYS_ENGINE", f"${{{{ {_LINUX} && 'dagger' || 'host' }}}}"),) if _mixed(config) else ()
    return replace(
        _ours(table, "build", "build"),
        needs=("plan",),
        shards="${{ fromJSON(needs.plan.outputs.shards) }}",
        environment=table.environment if secrets else "",
        variables=(("SHIPWAYS_SHARD", "${{ matrix.shard }}"), *_tagging(table), *native, *secrets),
        before=_engine(config, "${{ " + _LINUX + " }}" if _mixed(config) else ""),
        after=(made,),
    )


def _rebuild(config: Config, table: Workflows) -> Workflow:
    """Every week the newest release is made again; it reads what is published, and may write nothing."""
    secrets = rights.build_variables(config)
    token = rights.reading_variables(config)
    job = replace(
        _ours(table, "rebuild", "rebuild", "--check", "--clone"),
        environment=table.environment if secrets else "",
        variables=(("SHIPWAYS_TAG", "${{ inputs.tag }}"), *token, *secrets),
        before=_engine(config),
    )
    tag = Input(name=_TAG, description="The tag of the release to build again; by default that of the newest")
    return Workflow(name="rebuild", cron=_WEEKLY, inputs=(tag,), jobs=(job,))


def _compared(config: Config, table: Workflows) -> bool:
    """Whether there is what a build can be compared with: GitHub keeps it where nobody needs a secret to read it."""
    return config.publish.github is not None if table.rebuild == "auto" else table.rebuild


def _engine(config: Config, when: str = "") -> tuple[Use, ...]:
    """The program that real releases are built by, where they have to be."""
    if config.engine.release != "dagger":
        return ()
    why = "A release is built in containers (engine.release)."
    return (Use(action="dagger", why=why, inputs=(("version", tools()["dagger"]),), when=when),)


def _mixed(config: Config) -> bool:
    """Whether some shards are built in containers, and others on macOS or Windows, which have none."""
    return config.engine.release == "dagger" and any(package.native for package in config.package.values())


def _ours(table: Workflows, name: str, session: str, *arguments: str) -> Job:
    return Job(
        id=name,
        session=session,
        arguments=arguments,
        pythons=(table.python,),
        runners=(table.runner,),
        minutes=_minutes(table.timeout),
    )


def _minutes(duration: Duration) -> int:
    """GitHub counts whole minutes."""
    return max(1, -(-milliseconds(duration) // 60_000))
