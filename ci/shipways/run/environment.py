"""The environment that a service starts with: checked before, and without its values in any message."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from shipways.errors import Misconfigured, Problem
from shipways.model.service import Service, Variable
from shipways.ports import Files


def environment(service: Service, env: Mapping[str, str], file: Mapping[str, str], files: Files) -> Mapping[str, str]:
    """All variables: those of `env` before those of a file before what the config says; an empty one is none.

    A secret, or whatever else has no value, may be in the file that NAME_FILE names. Raises Misconfigured with all
    that is missing.
    """
    given = {**service.environment, **_filled(file), **_filled(env)}
    problems = list(_problems(service, given, files))
    if problems:
        raise Misconfigured(*problems)
    read = {
        each.name: _text(files, given[f"{each.name}_FILE"]) for each in service.variables if _elsewhere(each, given)
    }
    return {name: value for name, value in given.items() if name.removesuffix("_FILE") not in read} | read


def _problems(service: Service, given: Mapping[str, str], files: Files) -> Iterator[Problem]:
    for each in service.variables:
        name = each.name
        if _elsewhere(each, given):
            if given.get(name):
                yield Problem(path=name, what=f"is set, and so is {name}_FILE", hint="unset one of them")
            elif why := _unreadable(files, given[f"{name}_FILE"]):
                yield Problem(path=f"{name}_FILE", what="names a file without a value", why=why)
        elif each.required and not given.get(name):
            hint = f"set it, or {name}_FILE to the path of a file that holds it, or put it into the file of --env-file"
            what = f"is not set, and {service.name} does not start without it"
            yield Problem(path=name, what=what, why=each.description, hint=hint)


def _elsewhere(variable: Variable, given: Mapping[str, str]) -> bool:
    """Whether a file of its own has its value."""
    return variable.value is None and bool(given.get(f"{variable.name}_FILE"))


def _unreadable(files: Files, path: str) -> str:
    try:
        value = _text(files, path)
    except OSError as error:
        return error.strerror or str(error)
    except UnicodeDecodeError:
        return "it is not UTF-8"
    return "" if value and "\0" not in value else "it is empty, or not text"


def _text(files: Files, path: str) -> str:
    return files.read(Path(path)).decode().rstrip("\r\n")


def _filled(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if value}
