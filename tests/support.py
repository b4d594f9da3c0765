"""What tests of real tools share: a missing tool is a loud skip, or a failure where CI has installed it."""

import os
import shutil

import pytest


def need(*programs: str) -> None:
    """Skip when a program is missing; fail when SHIPWAYS_REQUIRE (words, or `all`) names it."""
    required = os.environ.get("SHIPWAYS_REQUIRE", "").split()
    for program in programs:
        if shutil.which(program) is None:
            message = f"{program} is not on PATH"
            if program in required or "all" in required:
                pytest.fail(f"{message}, but SHIPWAYS_REQUIRE names it")
            pytest.skip(message)
