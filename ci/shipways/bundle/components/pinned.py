"""Requirements files as locks: every line pins a version and gives its hashes (pip, "Hash-checking mode")."""

import re
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from shipways.bundle.components.contents import Download, Part, Properties, Purl

_HASH: Final = re.compile(r"\s--hash[= ](sha(?:256|384|512)):([0-9a-f]+)")
_INDEX: Final = ("--index-url", "--extra-index-url", "-i ", "--find-links", "-f ", "--no-index", "--only-binary")


def pinned(text: str) -> tuple[Part, ...] | None:
    """A component for each line. None when a line leaves something open: then the file is no lock."""
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines()]
    parts = [_part(line) for line in lines if line and not line.startswith(_INDEX)]
    known = tuple(part for part in parts if part is not None)
    return known if len(known) == len(parts) else None


def _part(line: str) -> Part | None:
    try:
        requirement = Requirement(_HASH.sub("", line))
    except InvalidRequirement:
        return None
    specifiers, hashes = tuple(requirement.specifier), _HASH.findall(line)
    if not hashes or len(specifiers) != 1 or specifiers[0].operator != "==" or "*" in specifiers[0].version:
        return None
    purl = Purl(type="pypi", name=canonicalize_name(requirement.name), version=specifiers[0].version)
    marker: Properties = (("shipways:python:marker", str(requirement.marker)),) if requirement.marker else ()
    digests = tuple(f"{algorithm}:{value}" for algorithm, value in hashes)
    # Which file has which hash is not told, so they belong to the package as the index has it.
    download = Download(url=f"pkg:pypi/{purl.name}@{purl.version}", digests=digests)
    return Part(purl=purl, downloads=(download,), properties=marker)
