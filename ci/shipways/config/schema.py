"""The config file as frozen models, one for each table. `reference.toml` beside this file explains every key."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, StringConstraints, model_validator

from shipways.config.deployment import Deployment
from shipways.config.deploys import Deploy, deploy_problems, image_deploy_problems
from shipways.config.engines import Engine
from shipways.config.formulas import Formula, FormulaName, formula_problems
from shipways.config.images import Image, image_problems
from shipways.config.kinds import Frozen, Name, TargetTriple, table
from shipways.config.packages import Package
from shipways.config.publish import Publish, attest_problems, homebrew_problems, registry_problems
from shipways.config.serve import Serve, serve_problems
from shipways.config.services import Service, ServiceName, service_problems
from shipways.config.workflows import Workflows, workflow_problems

Exact = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+([.+-][0-9A-Za-z.+-]+)?$")]
Algorithm = Literal["sha256", "sha512"]


class Project(Frozen):
    """`[project]`: what is said about the whole repository."""

    name: Name
    repository: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][\w.-]*/[\w.-]+)?$")] = ""
    branch: Annotated[str, StringConstraints(pattern=r"^\w[\w./-]*$")] = "main"
    description: str = ""
    homepage: Annotated[str, StringConstraints(pattern=r"^(https?://\S+)?$")] = ""
    license: str = ""
    targets: tuple[TargetTriple, ...] = get_args(TargetTriple)
    source_archive: bool = True


class Toolchain(Frozen):
    """`[toolchain]`: compilers at exactly these versions."""

    go: Exact = "1.27.3"
    zig: Exact = "0.17.0"
    bun: Exact = "1.4.4"
    cargo_zigbuild: Exact = Field(default="0.24.0", alias="cargo-zigbuild")
    cargo_xwin: Exact | None = Field(default=None, alias="cargo-xwin")
    rust: Exact | None = None


class Checksums(Frozen):
    """`[checksums]`: which sums are written, and where."""

    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("sha256",)
    combined: bool = True
    single: bool = False


class Config(Frozen):
    """The whole file."""

    project: Project
    toolchain: Toolchain = table()
    checksums: Checksums = table()
    engine: Engine = table()
    package: dict[Name, Package] = {}
    image: dict[Name, Image] = {}
    formula: dict[FormulaName, Formula] = {}
    publish: Publish = table()
    service: dict[ServiceName, Service] = {}
    deployment: Deployment = table()
    deploy: dict[Name, Deploy] = {}
    serve: Serve | None = None
    workflows: Workflows | None = None

    @model_validator(mode="after")
    def _references(self) -> Self:
        """A name of a package elsewhere in the file must be one, and one program cannot have several names."""
        wrong = [
            f"{table}.{name}.package: there is no [package.{entry.package}]"
            for table, entries in (("image", self.image), ("formula", self.formula))
            for name, entry in entries.items()
            if entry.package not in self.package
        ]
        wrong += [
            f"package.{name}.python.binary: there is no [package.{package.python.binary}]"
            for name, package in self.package.items()
            if package.python.binary and package.python.binary not in self.package
        ]
        wrong += [
            f"package.{name}.binaries: {maker} makes one program, not {len(package.binaries)}"
            for name, package in self.package.items()
            for maker in ("zig.main" if package.zig.main else "", "bun" if package.build == "bun" else "")
            if maker and package.binaries and len(package.binaries) > 1
        ]
        wrong += image_problems(self.image, self.package)
        wrong += formula_problems(self.formula, self.package, {name: self.targets(name) for name in self.package})
        wrong += attest_problems(self.publish)
        wrong += homebrew_problems(self.publish, self.formula)
        wrong += registry_problems(self.publish, self.made)
        wrong += service_problems(self.service, self.image)
        wrong += deploy_problems(self.deploy, self.service, self.deployment)
        wrong += image_deploy_problems(self.deploy, self.service, self.made)
        wrong += serve_problems(self.serve)
        wrong += workflow_problems(self.workflows, self.publish, self.project.branch)
        if self.formula and not self.project.repository:
            wrong.append("project.repository: is required, because a formula downloads from there")
        if self.publish.github and "/" not in self.project.repository:
            wrong.append("project.repository: is required, because [publish.github] makes releases there")
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    @property
    def made(self) -> Mapping[str, Image]:
        """The images that a release makes: those of some platform."""
        return {name: image for name, image in self.image.items() if image.platforms}

    def targets(self, package: str) -> tuple[str, ...]:
        """The triples that a package is built for, declared substitutes applied."""
        table = self.package[package]
        if table.build == "prebuilt":
            return tuple(table.prebuilt.files)
        triples = table.targets if table.targets is not None else self.project.targets
        declared = {str(triple): str(instead) for triple, instead in table.substitute.items()}
        return tuple(declared.get(triple, triple) for triple in triples)

    def toolchain_image(self, package: str) -> str:
        """The image that a package is built in where builds run in containers: a name, or `./` and a Dockerfile."""
        table = self.package[package]
        tool = next(iter(table.command.tools), "command") if table.build == "command" else table.build
        tool = "rust" if tool == "maturin" else tool
        name = table.image or tool
        versions = self.toolchain.model_dump()
        text = self.engine.images.model_dump().get(name, name)
        return str(text).replace("{version}", versions.get(name) or "latest")

    def built_in(self) -> frozenset[str]:
        """The images that packages are built in; one that only wraps what is built is built in none."""
        return frozenset(
            self.toolchain_image(name)
            for name, package in self.package.items()
            if package.build != "prebuilt" and not package.python.binary
        )
