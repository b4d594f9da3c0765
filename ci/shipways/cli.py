"""Verbs → functions → exit code. The only place that ends the program."""

import dataclasses
import difflib
import gc
import importlib
import io
import itertools
import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Final

import click
from click.shell_completion import CompletionItem

from shipways import __version__
from shipways.errors import Problem, ShipwaysError

# verb: (module, one line for `--help`); a verb's module is imported when the verb is used.
VERBS: Final[Mapping[str, tuple[str, str]]] = {
    "init": ("setup", "Write shipways.toml and a thin noxfile.py for this project."),
    "check": ("setup", "Check the config, the lock and the rendered files."),
    "lock": ("setup", "Write shipways.lock: digests of toolchains, build backends and images."),
    "plan": ("planning", "Print everything that a release would do, and what it would skip."),
    "build": ("make", "Build the programs into dist/."),
    "test": ("make", "Run the test commands of the packages."),
    "version": ("versioning", "Print the version that comes next, or set one."),
    "release": ("make", "Make the release: a snapshot, or the real one at a tag."),
    "rehearse": ("rehearsing", "Make the release against local stand-ins of every place, before there is a tag."),
    "doctor": ("publishing", "Ask every channel what would stop a release."),
    "verify": ("verifying", "Compare what every channel has with the manifest."),
    "rebuild": ("rebuilding", "Build a release again, and compare every byte."),
    "render": ("rendering", "Write the rendered files, or check them."),
    "migrate": ("migrating", "Turn a configuration of OpenClaw into one of aisopod."),
    "deploy": ("deploying", "Bring services to what was released, all of them healthy or none."),
    "rollback": ("deploying", "Return services to what ran before."),
    "deployments": ("deployments", "Show what runs of each deployment, whether it is healthy, and who holds it."),
    "logs": ("deployments", "Show the last lines that the services of a deployment printed."),
    "hold": ("deployments", "Let nothing be deployed for a while, with a reason; or take that back."),
    "serve": ("serving", "Serve the deployer: an API and a page that bring services to hosts."),
    "service": ("service", "Install services on this machine, and look after them; or run one."),
    "ci": ("ci", "List the jobs of the rendered workflows, or run one here."),
    "schema": ("reading", "Print the JSON Schema of the config, the plan, the manifest or a shard."),
    "explain": ("reading", "Explain a key of the config."),
    "cache": ("reading", "Show or prune the store."),
    "completion": ("completing", "Print the shell completion."),
}


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in VERBS:
            return None
        command = getattr(importlib.import_module(f"shipways.verbs.{VERBS[cmd_name][0]}"), cmd_name)
        if not gc.isenabled():  # a process of its own: what is imported stays, and is not looked at again
            gc.freeze()
            gc.enable()
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the verb that an unknown one was meant to be."""
        if args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, n=1, cutoff=0.5)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"There is no verb {args[0]!r}.{meant}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Before click has it, which would tell it by an empty line: that is none of JSON."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.Abort from None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The table above, so that completing a verb imports none."""
        verbs = [CompletionItem(name, help=line) for name, (_, line) in VERBS.items() if name.startswith(incomplete)]
        return verbs + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The table above, so that `--help` imports no verb."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="shipways", message="%(prog)s %(version)s")
def shipways() -> None:
    """Release and deploy software from one declarative file.

    Exit codes: 0 done, 2 usage or config, 3 preflight, 4 build, 5 not finished,
    6 conflict, 7 drift, 8 a deployment failed, 70 bug, 78 a service is misconfigured,
    130 interrupted.
    """


def run(words: Sequence[str]) -> int:
    """Run one verb and return the exit code. With `--log json` what it ends badly with is lines of JSON, too."""
    _prepare()
    say = _lines if "--log=json" in words or ("--log", "json") in itertools.pairwise(words) else _text
    try:
        result = shipways.main(args=list(words), prog_name="shipways", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.ClickException as error:
        say(_shown(error), Problem(what=error.format_message()))
        return 2
    except ShipwaysError as error:
        count = f"{len(error.problems)} problems\n" if len(error.problems) > 1 else ""
        say("".join(f"error: {problem}\n" for problem in error.problems) + count, *error.problems)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        told = "interrupted; nothing is half written, run the same command again"
        say(f"\n{told}\n", Problem(what=told))
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception:  # whatever is left is a bug of ours, and said so
        told, trace = (
            f"this is a bug in shipways {__version__}; please report it with the lines",
            traceback.format_exc(),
        )
        say(f"{trace}{told} above\n", Problem(what=f"{told} of `why`", why=trace))
        return ShipwaysError.exit_code


def _prepare() -> None:
    """SIGTERM, or a closed terminal, ends a run as Ctrl-C does; a letter that cannot be shown does not end it."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _shown(error: click.ClickException) -> str:
    """As click shows it: with the usage of the verb, where that is what was wrong."""
    text = io.StringIO()
    error.show(text)
    return text.getvalue()


def _text(text: str, *problems: Problem) -> None:
    del problems
    sys.stderr.write(text)


def _lines(text: str, *problems: Problem) -> None:
    """Of the same shape as events, on the same stream."""
    del text
    for problem in problems:
        sys.stderr.write(json.dumps({"event": "error", **dataclasses.asdict(problem)}) + "\n")
