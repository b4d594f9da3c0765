"""Homebrew formulas: the one in hand from its archives, and the committed one of the last published release."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Final

from anyio import to_thread

from shipways.bundle.members import members
from shipways.config.packages import Package
from shipways.config.released import FILE_NAME, render_released
from shipways.config.schema import Config
from shipways.model.artifact import Kind, Output
from shipways.model.facts import Facts
from shipways.model.formula import FORMAT, BrewService, BrewTest, Download, Formula, Released
from shipways.model.manifest import Manifest
from shipways.model.names import FORMULAS, GITHUB, archive_step, forge_url, sdist_step, site_of
from shipways.model.rendered import Rendered
from shipways.model.step import Inputs, Spec, Work
from shipways.model.target import BY_TRIPLE
from shipways.model.version import is_prerelease, precedence
from shipways.ports import Inbox, World
from shipways.render.building import from_source
from shipways.render.formula import formula_text

_EXTRAS: Final = ("completions/", "man/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe:
    """One formula, whose downloads are the artifacts of its needs."""

    spec: Spec
    formula: Formula

    def inputs(self, inbox: Inbox) -> Inputs:
        """All that the formula says; the archives enter by name and digest."""
        return Inputs(recipe="bundle/formula 1", values=asdict(self.formula), artifacts=inbox.artifacts())

    async def run(self, world: World, inbox: Inbox) -> tuple[Output, ...]:
        """Write it down."""
        downloads = tuple(
            Download(name=file.blob.name, digest=file.digest, target=file.target.triple if file.target else "")
            for file in inbox.artifacts()
        )
        text = await to_thread.run_sync(formula_text, replace(self.formula, downloads=downloads))
        path = inbox.scratch / self.spec.outputs[0]
        with world.files.create(path) as stream:
            stream.write(text.encode())
        return (Output(name=path.name, kind=Kind.FORMULA, path=path),)


def plan(config: Config, facts: Facts) -> Iterator[Describe]:
    """A step for each formula. It takes the archives that there are: a snapshot may lack some."""
    for name, table in config.formula.items():
        package = config.package[table.package]
        number, tag = _version(facts, table.package, package)
        archives = tuple(
            archive_step(table.package, triple)
            for triple in config.targets(table.package)
            if BY_TRIPLE[triple].system != "windows"
        )
        yield Describe(
            spec=Spec(
                id=f"bundle/formula/{name}",
                work=Work.PACK,
                outputs=(f"{name}.rb",),
                folder=FORMULAS,
                needs=(sdist_step(table.package),) if package.build == "python" else archives,
                gathers=True,
                package=table.package,
            ),
            formula=replace(_formula(config, facts, name, archived=True), version=number, tag=tag),
        )


def rendered(config: Config, facts: Facts) -> Iterator[Rendered]:
    """`FOLDER/NAME.rb` for each formula: as it was last published, else one that builds the branch.

    What only a release has (command, prebuilt) has no file before the first one.
    """
    published = {formula.name: formula for formula in facts.released}
    for name, table in config.formula.items():
        path = f"{table.folder}/{name}.rb"
        if name in published:
            yield Rendered(path=path, text=formula_text(published[name]))
            continue
        formula, package = _formula(config, facts, name, archived=False), config.package[table.package]
        building = from_source(package, formula.programs, formula.extras, config.project.branch)
        if building:
            yield Rendered(path=path, text=formula_text(formula, building))


def released(config: Config, facts: Facts, manifest: Manifest) -> Iterator[Rendered]:
    """`FOLDER/released.json` as it has to be once this release is public, for each folder where it changes.

    A pre-release changes none; a formula that was published in a newer version stays, and one of another package.
    """
    before = {formula.name: formula for formula in facts.released if formula.name in config.formula}
    found = before | {formula.name: formula for formula in _published(config, facts, manifest)}
    for folder in sorted({table.folder for table in config.formula.values()}):
        mine = [name for name, table in config.formula.items() if table.folder == folder and name in found]
        if any(found[name] != before.get(name) for name in mine):
            record = Released(format=FORMAT, formulas=tuple(found[name] for name in mine))
            yield Rendered(path=f"{folder}/{FILE_NAME}", text=render_released(record))


def _published(config: Config, facts: Facts, manifest: Manifest) -> Iterator[Formula]:
    """The formulas that a release makes, but for those that were published in a newer version."""
    before = {formula.name: precedence(formula.version) for formula in facts.released}
    files = {
        entry.path: Download(name=entry.path, digest=entry.digest, target=entry.target) for entry in manifest.artifacts
    }
    made = {step.id: [files[path] for path in step.artifacts] for step in manifest.steps}
    for step in plan(config, facts):
        formula, downloads = step.formula, [file for need in step.spec.needs for file in made.get(need, ())]
        newer = before.get(formula.name, ()) > precedence(formula.version)
        if downloads and not newer and not is_prerelease(facts.version(step.spec.package).number):
            yield replace(formula, downloads=tuple(downloads))


def _formula(config: Config, facts: Facts, name: str, *, archived: bool) -> Formula:
    """What the config says; `extras` as they are called in the archive, or in the repository."""
    table, project = config.formula[name], config.project
    package = config.package[table.package]
    site = site_of(config.publish.github.api) if config.publish.github else GITHUB
    found = () if package.build == "python" else members(table.package, package, facts.source)[0]
    extras = [member for member in found if member.name.startswith(_EXTRAS)]
    return Formula(
        name=name,
        description=table.description,
        homepage=project.homepage or forge_url(project.repository, site),
        license=project.license,
        repository=project.repository,
        programs=package.binaries or (table.package,),
        test=tuple(BrewTest(run=test.run, output=test.output, status=test.status) for test in table.test),
        service=BrewService(run=table.service.run, keep_alive=table.service.keep_alive) if table.service else None,
        extras=tuple(member.name if archived else member.file.path for member in extras),
        site=site,
    )


def _version(facts: Facts, name: str, package: Package) -> tuple[str, str]:
    """The version that the programs tell, and the tag of its release. A snapshot's sdist has the manifest's version."""
    version = facts.version(name)
    if package.build == "python":
        return replace(version, number=version.base).pep440, version.tag
    return version.number, package.tag.format(version=version.number)
