"""The log of a Dagger session: which lines a failed RUN has printed."""

import threading
import time

import pytest

from shipways.adapters.dagger.printed import Printed, command_in

GREY, END = "\x1b[90m", "\x1b[0m"
TOLD = 'process "/bin/sh -c make \\"all\\"" did not complete successfully: exit code: 2'


def line(operation: int, text: str) -> str:
    """A line as the CLI prints it."""
    return f"\x1b[95m{operation:<4}: {END}\x1b[90;2m┆ ┆ {END}{text}\n"


def printed(operation: int, text: str, seconds: str = "1.2s") -> str:
    return line(operation, f"{GREY}[{seconds}] {END}{GREY}|{END} {text}")


def failed(operation: int) -> str:
    return line(operation, f"\x1b[33m! {TOLD}{END}")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (f"{TOLD} [traceparent:12-34]", ('/bin/sh -c make "all"', 2)),
        ('process "a\\x00b" did not complete successfully: exit code: 137', ('"a\\x00b"', 137)),
        ("no such image", None),
    ],
)
def test_command_in_an_error(error: str, expected: tuple[str, int] | None) -> None:
    """The engine quotes it as Go does."""
    found = command_in(error)
    assert expected == (found and (found.line, found.code))


def test_tail_of_a_failed_command() -> None:
    """Its own last lines, not those of others, nor those of what it is a part of."""
    log, command = Printed(), command_in(TOLD)
    assert command
    own = [printed(14, f"line {number}", "1m2.3s") for number in range(100)]
    log.writelines(
        [printed(13, "other"), *own, printed(13, "other"), line(14, "RUN make ERROR"), failed(14), failed(3)]
    )
    assert [f"line {number}" for number in range(50, 100)] == log.tail(command, 0).splitlines()


def test_log_that_comes_late() -> None:
    """The error of a command is known before the log tells of it; what never comes is nothing."""
    log, command = Printed(), command_in(TOLD)
    assert command
    assert "" == log.tail(command, 0.01)

    def later() -> None:
        time.sleep(0.05)
        log.writelines([printed(1, "late"), failed(1)])

    thread = threading.Thread(target=later)
    thread.start()
    assert "late" == log.tail(command, 10)
    thread.join()


def test_memory_is_bounded() -> None:
    """A session of many operations keeps the newest; the end of the log is kept as it is."""
    log, command = Printed(), command_in(TOLD)
    assert command
    log.writelines([printed(number, "x") for number in range(2000)] + [failed(1), "why it ends\n"])
    assert "" == log.tail(command, 0)
    assert log.text().endswith("why it ends\n")
    assert 200 == len(log.text().splitlines())
