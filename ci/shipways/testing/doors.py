"""An `Outside` whose doors are closed; `dataclasses.replace` opens those that a channel needs."""

from typing import Final, NoReturn

from shipways.outside.channels import Outside


def closed(*address: object) -> NoReturn:
    """A door that nobody may open."""
    raise AssertionError(address)


CLOSED: Final = Outside(
    artifact=closed,
    bucket=closed,
    crates=closed,
    forge=closed,
    notary=closed,
    pypi=closed,
    read=closed,
    registries=closed,
    tags=closed,
    tap=closed,
)
