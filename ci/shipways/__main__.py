"""`python -m shipways` and the `shipways` program."""

import gc
import sys

from shipways import __version__


def main() -> None:
    """Answer `--version` before anything heavy is imported, else hand over to the command line."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"shipways {__version__}\n")
        return
    gc.disable()  # to look for garbage in what is imported would take a tenth of a plan; a verb turns it on
    from shipways.cli import run  # noqa: PLC0415 - this is what makes `--version` fast

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
