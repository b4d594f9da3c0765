"""What Warehouse accepts as an upload: the form, the file, and that the two speak of the same release."""

import io
import re
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Final

from packaging.metadata import Metadata
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version
from starlette.datastructures import FormData, UploadFile

_EXTENSIONS: Final[Mapping[str, str]] = {"sdist": ".tar.gz", "bdist_wheel": ".whl"}
_VERSIONS: Final = frozenset({"1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"})
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


class Refusal(Exception):  # noqa: N818 - it is an answer
    """A status, and the reason in the words of Warehouse."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def validated(form: FormData) -> Mapping[str, str]:
    """The text fields of an upload (forklift/forms.py, metadata.py). Raises Refusal for the first wrong one."""
    fields = {key: value for key, value in form.multi_items() if isinstance(value, str) and value.strip() != "UNKNOWN"}
    if fields.get(":action") != "file_upload":
        raise Refusal(404, "Not Found")
    if fields.get("protocol_version", "1") != "1":
        raise Refusal(400, "Unknown protocol version.")
    version, kind = fields.get("version", ""), fields.get("filetype", "")
    if fields.get("metadata_version") not in _VERSIONS:
        raise Refusal(400, f"{fields.get('metadata_version')!r} is not a valid metadata version.")
    wrong = {
        "name": not _NAME.fullmatch(fields.get("name", "")),
        "version": _is_no_version(version),
        "filetype": kind not in _EXTENSIONS,
        "pyversion": (fields.get("pyversion", "source") == "source") != (kind == "sdist"),
        "sha256_digest": not _SHA256.fullmatch(fields.get("sha256_digest", "")),
    }
    for field, is_wrong in wrong.items():
        if is_wrong:
            raise Refusal(400, f"Invalid value for {field}. Error: {fields.get(field, '')!r}")
    if Version(version).local:
        raise Refusal(400, f"The use of local versions in '{version}' is not allowed.")
    return fields


async def content(form: FormData) -> tuple[str, bytes]:
    """The file of an upload, and its name."""
    file = form.get("content")
    if not isinstance(file, UploadFile):
        raise Refusal(400, "Upload payload does not have a file.")
    name = file.filename or ""
    if not name.isprintable() or "/" in name or "\\" in name:
        raise Refusal(400, "Cannot upload a file with '/' or '\\' in the name.")
    if not name.endswith(_EXTENSIONS[str(form["filetype"])]):
        raise Refusal(400, "Invalid file extension: Use .tar.gz, .whl or .zip extension.")
    return name, await file.read()


def metadata_problem(name: str, data: bytes, project: str, version: str) -> str:
    """Why a file is no distribution of this release; empty when it is one."""
    try:
        named = parse_wheel_filename(name)[:2] if name.endswith(".whl") else parse_sdist_filename(name)
    except (InvalidWheelFilename, InvalidSdistFilename) as error:
        return str(error)
    if named[0] != project:
        return f"Start filename for {project!r} with {project.replace('-', '_')!r}."
    if named[1] != Version(version):
        return f"Version in filename should be {version!r} not {str(named[1])!r}."
    try:
        inside = _metadata(name, data)
        said = Metadata.from_email(inside, validate=False)
    except (zipfile.BadZipFile, tarfile.TarError, KeyError, EOFError, OSError):
        return "Invalid distribution file."
    if (canonicalize_name(said.name), said.version) != named:
        return "Invalid distribution file. Its metadata is of another release."
    return ""


def metadata_text(name: str, data: bytes) -> bytes:
    """The core metadata of a wheel, which is served beside it (PEP 658); empty for anything else."""
    try:
        return _metadata(name, data) if name.endswith(".whl") else b""
    except (zipfile.BadZipFile, KeyError):
        return b""


def _is_no_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return True
    return False


def _metadata(name: str, data: bytes) -> bytes:
    """METADATA of a wheel, PKG-INFO of an sdist. Raises KeyError where it is not."""
    if name.endswith(".whl"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            folder = "-".join(name.split("-")[:2]) + ".dist-info"
            archive.getinfo(f"{folder}/WHEEL")
            return archive.read(f"{folder}/METADATA")
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        file = archive.extractfile(f"{name.removesuffix('.tar.gz')}/PKG-INFO")
        return file.read() if file else b""
