"""A process that speaks to one engine: the SDK reads the address of its engine from the environment of its process."""

import re
import sys
from typing import TextIO, cast

import anyio
import dagger
from anyio import to_thread
from dagger import dag
from pydantic import TypeAdapter

from shipways.adapters.dagger.jobs import Answer, Ground, Job, Request
from shipways.adapters.dagger.printed import Printed, command_in

_REQUEST = TypeAdapter(Request)
_ANSWER = TypeAdapter(Answer)
_PATIENCE = 10.0
"""Seconds in which an engine that still lives tells its version."""
_SOON = 0.1
_BEHIND = 5.0
"""Seconds by which the log of a session comes after its errors, at most."""
_UNKEPT = "the engine could not keep how the command ended, as on a full disk"


async def work() -> None:
    """Do jobs from standard input until it ends, many at once."""
    printed = Printed()
    try:
        # With retries, a job on an engine that dies would never end.
        async with dagger.connection(dagger.Config(log_output=cast(TextIO, printed), retry=None)):
            _say(Answer(number=0, state="done", text=await dag.version()))
            async with anyio.create_task_group() as group:
                await _serve(group, printed)
                group.cancel_scope.cancel()
    except (dagger.DaggerError, OSError) as error:
        await anyio.sleep(_SOON)
        # The SDK does not always tell why the CLI has ended.
        said = re.findall(r"^Error: (.+)$", printed.text(), re.MULTILINE)
        _say(Answer(number=0, state="lost", text=_unmarked((said or [str(error)])[-1])))


async def _serve(group: anyio.abc.TaskGroup, printed: Printed) -> None:
    scopes: dict[int, anyio.CancelScope] = {}
    while line := await to_thread.run_sync(sys.stdin.readline):
        request = _REQUEST.validate_json(line)
        if request.job is None:
            scopes.pop(request.number).cancel()
        else:
            scopes[request.number] = anyio.CancelScope()
            group.start_soon(_attempt, request.number, request.job, scopes[request.number], printed)


async def _attempt(number: int, job: Job, scope: anyio.CancelScope, log: Printed) -> None:
    with scope:
        try:
            answer = Answer(number=number, state="done", text=await (_run(job) if job.command else _archive(job)))
        except dagger.ExecError as error:
            printed = f"{error.stdout}\n{error.stderr}"
            answer = Answer(number=number, state="failed", code=error.exit_code, text=printed)
            if error.exit_code < 0:  # not the command's: the engine could not do its own part
                answer = Answer(
                    number=number, state="refused", text=_unmarked(f"{printed}\n{error.message}\n{_UNKEPT}")
                )
        except (dagger.DaggerError, OSError) as error:
            answer = await _failed(number, str(error), log)
        _say(answer)


async def _failed(number: int, error: str, log: Printed) -> Answer:
    """A RUN line of the Dockerfile, or the engine itself."""
    command = command_in(error)
    if command is not None:
        text = await to_thread.run_sync(log.tail, command, _BEHIND)
        return Answer(number=number, state="failed", code=command.code, text=text, command=command.line)
    if await _lives():
        return Answer(number=number, state="refused", text=_unmarked(error))
    return Answer(number=number, state="lost")


def _unmarked(text: str) -> str:
    """The engine's words without the marks of its tracing."""
    return re.sub(r" \[traceparent:\S+\]", "", text).strip()


async def _lives() -> bool:
    try:
        with anyio.fail_after(_PATIENCE):
            await dag.version()
    except (dagger.DaggerError, OSError, TimeoutError):
        return False
    return True


async def _run(job: Job) -> str:
    container = _furnished(job).with_exec(list(job.command))
    printed = await container.combined_output()
    if job.bring:
        made = dag.directory().with_directory("/", container.directory(job.out), include=list(job.bring))
        await made.export(job.into)
    return printed


async def _archive(job: Job) -> str:
    return await _ground(job.ground).export(job.into)


def _furnished(job: Job) -> dagger.Container:
    container = _ground(job.ground)
    for folder in job.folders:
        container = container.with_mounted_directory(folder.place, dag.host().directory(folder.source))
    for copy in job.copies:
        mode = 0o755 if copy.executable else 0o644
        container = container.with_file(copy.place, dag.host().file(copy.source), permissions=mode)
    for text in job.texts:
        container = container.with_new_file(text.place, text.text, permissions=0o755 if text.executable else 0o644)
    for volume in job.volumes:
        container = container.with_mounted_cache(volume.place, dag.cache_volume(volume.name))
    for name, value in job.secrets:
        container = container.with_mounted_secret(f"/run/secrets/{name}", dag.set_secret(name, value))
    return container


def _ground(ground: Ground) -> dagger.Container:
    platform = dagger.Platform(ground.platform) if ground.platform else None
    if ground.image:
        return dag.container(platform=platform).from_(ground.image)
    arguments = [dagger.BuildArg(name=name, value=value) for name, value in ground.arguments]
    folder = dag.host().directory(ground.folder)
    for text in ground.texts:
        folder = folder.with_new_file(text.place, text.text)
    return folder.docker_build(
        dockerfile=ground.dockerfile, platform=platform, target=ground.target, build_args=arguments
    )


def _say(answer: Answer) -> None:
    sys.stdout.write(_ANSWER.dump_json(answer).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(work)
