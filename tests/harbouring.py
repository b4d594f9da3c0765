"""Projects that are rehearsed, and what a rehearsal is made of, for tests in this process."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from crating import packed, written
from programs import smallest
from sandbox import Repository
from shipways.adapters.shell import OsClock
from shipways.config.load import parse
from shipways.config.manifestfile import FILE_NAME, manifest_text
from shipways.model.manifest import Manifest
from shipways.pipeline.publishers import PUBLISHERS
from shipways.rehearse.berth import Builder
from shipways.rehearse.harbour import BERTHS, harbour
from shipways.rehearse.rehearsal import Rehearsal

CRATES = """
[project]
name = "pair"

[package.core]
build = "rust"
[package.app]
build = "rust"

[publish.crates]
registry = "{registry}"

[publish.files]
folder = "/nonexistent/mirror"
"""


def crates(folder: Path) -> Manifest:
    """A release of two crates, of which one needs the other and one of somebody else; they lie in the folder."""
    data = {"app": (packed("app", "1.0.0", needs=("core", "serde")), ("core",)), "core": (packed("core", "1.0.0"), ())}
    made = written(folder, "1.0.0", data)
    (folder / FILE_NAME).write_text(manifest_text(made))
    return made


@contextlib.contextmanager
def rehearsal(text: str, folder: Path, *builders: Builder) -> Iterator[Rehearsal]:
    """The rehearsal of the release of the two crates by a config."""
    (dist := folder / "dist").mkdir()
    config, manifest = parse(text, "shipways.toml"), crates(dist)
    with harbour(config, manifest, folder / "harbour", builders or BERTHS) as port:
        channels = [channel for publisher in PUBLISHERS for channel in publisher.plan(port.config, None)]
        yield Rehearsal(channels=channels, manifest=manifest, dist=dist, harbour=port, clock=OsClock(), seed=1)


PULSE = """
[project]
name = "pulse"
repository = "example/pulse"
description = "Says that it is so"
license = "MIT"
source_archive = false

[package.pulse]
build = "prebuilt"
version = "1.2.3"
sbom = false

[package.pulse.prebuilt.files]
x86_64-unknown-linux-musl = "bin/pulse"

[package.py-pulse]
build = "python"
sbom = false
python = { binary = "pulse", distribution = "pulse" }

[image.pulse]
package = "pulse"
platforms = ["linux/amd64"]
docker_archive = false
repositories = ["registry.example/team/pulse"]

[formula.pulse]
package = "pulse"
description = "Says that it is so"
test = [{ run = ["pulse"] }]

[publish.files]
folder = "/nonexistent/mirror"
[publish.attest]
signer = "sigstore"
identity = "https://github.com/example/pulse/.github/workflows/release.yml@refs/tags/{tag}"
issuer = "https://token.actions.githubusercontent.com"
[publish.github]
[publish.homebrew]
tap = "example/homebrew-tap"
[publish.pypi]
[publish.registry]
"""


def pulse(repository: Repository) -> Repository:
    """A committed program that was built elsewhere, with a wheel and an image, for five places; there is no tag."""
    place = repository.root / "bin" / "pulse"
    place.parent.mkdir(parents=True)
    place.write_bytes(smallest())
    place.chmod(0o755)
    repository.file("shipways.toml", PULSE)
    repository.file("README.md", "# pulse\n")
    repository.file(".gitignore", "/dist/\n")
    return repository.commit()


def rows(printed: str) -> Sequence[Sequence[str]]:
    """The words of each line of the matrix: channel, fault, cases, converged, tries, seconds."""
    return [words for line in printed.splitlines() if len(words := line.split()) == 6 and words[2].isdigit()]
