"""schema, explain, cache: what can be read without a project."""

import json
import re
from typing import Final

import click

from shipways import wire
from shipways.adapters.console import table_text
from shipways.config.explain import example
from shipways.config.explain import explain as explanation
from shipways.config.jsonschema import SCHEMAS
from shipways.model.event import Table
from shipways.render.sizes import human_size

_AGE: Final = re.compile(r"(\d{1,5})([hdw])")
_SECONDS: Final = {"h": 3600, "d": 86400, "w": 7 * 86400}


def _age(context: click.Context, parameter: click.Parameter, value: str) -> int:
    """Hours, days or weeks (`12h`, `30d`, `8w`) in seconds."""
    match = _AGE.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"{value!r} is not an age such as 12h, 30d or 8w", context, parameter)
    return int(match[1]) * _SECONDS[match[2]]


@click.command()
@click.argument("which", type=click.Choice(list(SCHEMAS)), default="config")
def schema(which: str) -> None:
    """Print the JSON Schema (draft 2020-12) of the config, of `plan --json`, of dist/manifest.json, or of a shard."""
    wire.console("plain").print(json.dumps(SCHEMAS[which](), indent=2, sort_keys=True, ensure_ascii=False))


@click.command()
@click.argument("key", default="")
@click.option("--toml", is_flag=True, help="Print a table, and those below it, as a file to begin with.")
def explain(key: str, toml: bool) -> None:
    """Explain a KEY of the config, such as package.NAME.go.main, or a table; without one, list the tables.

    Any name may stand for NAME.
    """
    wire.console("plain").print(example(key) if toml else explanation(key))


@click.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """Show what the store holds, or prune it."""
    if context.invoked_subcommand is None:
        usage = wire.store().usage()
        rows = tuple((part, str(files), human_size(size)) for part, (files, size) in usage.items() if files)
        title = f"{wire.cache_folder()}  {human_size(sum(size for _, size in usage.values()))}"
        wire.console("plain").print(table_text(Table(title=title, columns=("part", "#files", "#size"), rows=rows)))


@cache.command()
@click.option(
    "--older-than", callback=_age, default="30d", show_default=True, metavar="AGE", help="Results not used for so long."
)
@click.option("--all", "everything", is_flag=True, help="Everything, toolchains and compiler caches too.")
def prune(older_than: int, everything: bool) -> None:
    """Remove results that have not been used for a while."""
    store = wire.store()
    files, size = store.clear() if everything else store.prune(wire.clock().now() - older_than)
    wire.console("plain").print(f"removed {files} files, {human_size(size)}")


@cache.command()
def path() -> None:
    """Print where the store is."""
    wire.console("plain").print(str(wire.cache_folder()))
