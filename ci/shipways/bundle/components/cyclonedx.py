"""Contents as CycloneDX 1.6 JSON (ECMA-424, first edition), by the format's own library."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from shipways import __version__
from shipways.bundle.components.contents import Contents, Download, Part, Properties, Purl

_ALGORITHMS: Final = {
    "sha256": HashAlgorithm.SHA_256,
    "sha384": HashAlgorithm.SHA_384,
    "sha512": HashAlgorithm.SHA_512,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The artifact that is described: its file name and digest, the package in it, and the commit's time."""

    file: str
    digest: str
    package: str
    license: str
    epoch: int
    serial: UUID


def document(subject: Subject, contents: Contents) -> str:
    """The text of the file; the same values give the same bytes."""
    main = _main(subject, contents)
    parts = {part.purl: _component(part) for part in contents.parts}
    bom = Bom(
        serial_number=subject.serial,
        components=parts.values(),
        metadata=BomMetaData(
            timestamp=datetime.fromtimestamp(subject.epoch, UTC),
            tools=ToolRepository(
                components=[Component(name="shipways", version=__version__, type=ComponentType.APPLICATION)]
            ),
            component=main,
            properties=_properties((("shipways:components", contents.told),)),
        ),
    )
    for part, component in ((contents.main, main), *((part, parts[part.purl]) for part in contents.parts)):
        bom.register_dependency(component, [parts[need] for need in part.needs])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _main(subject: Subject, contents: Contents) -> Component:
    return Component(
        name=subject.package,
        version=contents.version,
        type=ComponentType.APPLICATION,
        bom_ref=str(_purl(contents.main.purl)),
        purl=_purl(contents.main.purl),
        hashes=_hashes((subject.digest,)),
        licenses=[LicenseExpression(subject.license)] if subject.license else [],
        properties=_properties((*contents.main.properties, ("shipways:file", subject.file))),
    )


def _component(part: Part) -> Component:
    return Component(
        name=part.purl.title,
        version=part.purl.version or None,
        type=ComponentType.LIBRARY,
        bom_ref=str(_purl(part.purl)),
        purl=_purl(part.purl),
        scope=ComponentScope.OPTIONAL if part.optional else ComponentScope.REQUIRED,
        hashes=_hashes(part.digests),
        external_references=[_reference(download) for download in part.downloads],
        properties=_properties(part.properties),
    )


def _reference(download: Download) -> ExternalReference:
    return ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION, url=XsUri(download.url), hashes=_hashes(download.digests)
    )


def _purl(purl: Purl) -> PackageURL:
    return PackageURL(
        type=purl.type,
        namespace=purl.namespace or None,
        name=purl.name,
        version=purl.version or None,
        qualifiers=dict(purl.qualifiers),
    )


def _hashes(digests: Iterable[str]) -> list[HashType]:
    """Those by algorithms that CycloneDX names."""
    pairs = (digest.split(":", 1) for digest in digests)
    return [HashType(alg=_ALGORITHMS[name], content=value) for name, value in pairs if name in _ALGORITHMS]


def _properties(properties: Properties) -> list[Property]:
    return [Property(name=name, value=value) for name, value in properties]
