"""Options that several verbs have."""

from typing import get_args

import click

from shipways.config.engines import EngineChoice

ENGINE = click.option(
    "--engine",
    type=click.Choice(get_args(EngineChoice)),
    envvar="SHIPWAYS_ENGINE",
    show_envvar=True,
    default=None,
    help="Where builds run; by default what engine.use says.",
)
