"""The Dagger engine: builds in containers, on one engine or several."""

from typing import Final

RUNNER: Final = "_EXPERIMENTAL_DAGGER_RUNNER_HOST"
"""The variable in which the SDK and the CLI find the address of an engine."""
CLI: Final = "_EXPERIMENTAL_DAGGER_CLI_BIN"
"""The variable in which the SDK finds the CLI that it starts."""
