"""The command line: `aegis serve`."""

import argparse
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

import uvicorn
from fastapi import FastAPI

from aegis_qa.app import VERSION, create_app
from aegis_qa.config import ConfigError, database, load
from aegis_qa.history import History

EX_CONFIG: Final = 78
"""Something is wrong with the configuration (sysexits.h)."""


def main(words: Sequence[str] | None = None, serve: Callable[[FastAPI, str, int], None] | None = None) -> None:
    """Run the command line. Exits 78 where the configuration cannot be used."""
    said = _parser().parse_args(words)
    try:
        app = _app(said.config)
    except ConfigError as error:
        print(f"aegis: {error}", file=sys.stderr)
        sys.exit(EX_CONFIG)
    (serve or _serve)(app, said.host, said.port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aegis", description="Runs checks against services.")
    parser.add_argument("--version", action="version", version=f"aegis {VERSION}")
    serve = parser.add_subparsers(required=True, metavar="COMMAND").add_parser("serve", help="answer HTTP requests")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", default=8000, type=int, help="port to listen on (default: %(default)s)")
    serve.add_argument("--config", help="configuration file (default: AEGIS_CONFIG, else .aegis.yaml if it is there)")
    return parser


def _app(named: str | None) -> FastAPI:
    config = load(named, os.environ)
    path = database(config, os.environ)
    try:
        return create_app(config, History(path))
    except (OSError, sqlite3.Error) as error:
        message = f"history {path}: {error}"
        raise ConfigError(message) from None


def _serve(app: FastAPI, host: str, port: int) -> None:
    # uvicorn ends on SIGTERM once the open requests are answered, and then raises the signal again for whoever had
    # it before. As PID 1 of a container nothing else would end the program before uvicorn listens to it.
    signal.signal(signal.SIGTERM, _stopped)
    uvicorn.run(app, host=host, port=port, timeout_graceful_shutdown=8)


def _stopped(*_: object) -> NoReturn:
    sys.exit(0)
