"""The `Engine` port by Dagger: each build is a container that starts from a locked image."""

import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import anyio

from shipways.adapters.dagger.grounds import Grounds
from shipways.adapters.dagger.jobs import Answer, Copy, Folder, Ground, Job, Text
from shipways.adapters.dagger.kit import QUESTION, Kit, KitCache, read
from shipways.adapters.dagger.pool import Pool
from shipways.adapters.dagger.script import Plan
from shipways.adapters.dagger.terminal import Client
from shipways.adapters.dagger.volumes import caches
from shipways.adapters.room import FETCHING, collect, failed_line, path_of, secrets_of
from shipways.adapters.toolchains import Toolchains, recipe
from shipways.errors import BuildError, Problem, Unavailable
from shipways.model.build import RUNTIME, Build, Tool
from shipways.model.digest import digest_of
from shipways.model.facts import Rust
from shipways.model.image import ImageBuild
from shipways.model.secret import masked
from shipways.model.source import SourceTree
from shipways.ports import Inbox, Shell, Sources
from shipways.rustfacts import SOURCES

_ROOT: Final = "/tmp/shipways"
"""The host engine's folder of all builds, so that a path that leaks into a result is the same one."""
_TOOLS: Final = "/opt/shipways"
_SDK: Final = "XWIN_CACHE_DIR"
_JOBS: Final = max(2, (os.cpu_count() or 2) // 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A tool in a container: the folder of its program, the same without symbolic links, and what has to be mounted."""

    folder: str
    real: str
    mount: tuple[Folder, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What every build of a run needs. `scratch` is a folder of this run; `kits` remembers what images have.

    `client` attaches terminals.
    """

    shell: Shell
    sources: Sources
    toolchains: Toolchains
    scratch: Path
    kits: Path
    client: Client
    volumes: bool = True


class DaggerEngine:
    """The `Engine` port. It connects when the first build misses the store."""

    name = "dagger"

    def __init__(self, setting: Setting, grounds: Grounds, pool: Pool, *, runners: int) -> None:
        self._setting = setting
        self._grounds = grounds
        self._pool = pool
        self._kits = KitCache(setting.kits)
        self._asking = anyio.Lock()
        self._exporting = anyio.Lock()
        self.host = setting.toolchains.host
        self.width = (os.cpu_count() or 2) * runners

    async def rust(self, version: str, image: str) -> tuple[Rust, ...]:
        """The compilers of the image, all of them. None when the image is not locked: that is told by who needs it."""
        del version
        try:
            ground = await self._ground(image)
        except Unavailable:
            return ()
        return tuple(replace(found.rust, image=image) for found in (await self._kit(image, ground)).rust)

    async def run(self, build: Build, inbox: Inbox) -> tuple[Path, ...]:
        """The files that match `build.outputs`, moved into the scratch folder."""
        plan, job = await self._planned(build, inbox)
        answer = await self._pool.do(job)
        printed = masked(answer.text, (value for _, value in job.secrets))
        inbox.say(printed)
        if answer.state == "failed":
            raise self._failed_line(build.image, answer) or plan.error(answer.code, printed)
        if answer.state == "refused":
            raise refused(build.name, answer)
        return collect(build, Path(job.into), inbox.scratch)

    async def shell(self, build: Build, inbox: Inbox) -> None:
        """A shell in a container like that of the build."""
        plan, job = await self._planned(build, inbox)
        inner = Text(place=f"{plan.root}/inner.sh", text=plan.shell())
        texts = [inner if text.place == inner.place else text for text in job.texts]
        folder = inbox.scratch / ".shell"
        folder.mkdir()
        if code := await self._setting.client.attach(replace(job, texts=tuple(texts)), folder):
            why = f"it ended with status {code}; what it says is above"
            raise BuildError(Problem(path=build.name, what="the dagger program cannot open a shell", why=why))

    async def _planned(self, build: Build, inbox: Inbox) -> tuple[Plan, Job]:
        ground = await self._ground(build.image)
        kit = await self._kit(build.image, ground)
        tools = {tool.name: await self._place(tool, kit) for tool in build.tools}
        return await self._job(build, inbox, ground, tools)

    async def image(self, build: ImageBuild, inbox: Inbox) -> Path:
        """The image as a tar of an OCI image layout, in the scratch folder."""
        ground = await self._built(build)
        place = inbox.scratch / "image.tar"
        answer = await self._pool.do(Job(ground=ground, into=str(place)))
        if answer.state == "failed":
            raise failed_line(build, answer.command, answer.code, answer.text)
        if answer.state == "refused":
            raise refused(build.name, answer)
        return place

    async def _ground(self, image: str) -> Ground:
        """What a build in this image starts from, the name of one or a Dockerfile."""
        build = self._grounds.dockerfiles.get(image)
        return await self._built(build) if build else self._grounds.ground(image)

    async def _built(self, build: ImageBuild) -> Ground:
        folder = await self._exported(build.source) / build.context
        folder.mkdir(parents=True, exist_ok=True)  # a context that no file is taken of is empty
        return self._grounds.dockerfile(build, folder)

    def _failed_line(self, image: str, answer: Answer) -> BuildError | None:
        """The error of an image that could not be built, in which nothing has run yet."""
        if not answer.command:
            return None
        return failed_line(self._grounds.dockerfiles[image], answer.command, answer.code, answer.text)

    async def _job(self, build: Build, inbox: Inbox, ground: Ground, tools: Mapping[str, Place]) -> tuple[Plan, Job]:
        root = f"{_ROOT}/{digest_of(build.record()).removeprefix('sha256:')[:16]}"
        sources = tools["rust-src"].real if "rust-src" in tools else ""
        kept = caches(build, root, sources=sources, volumes=self._setting.volumes)
        places = {name: f"{root}/{name}" for name in ("src", "out", "home")} | {"jobs": str(_JOBS)}
        places |= {f"tool:{name}": place.folder for name, place in tools.items()}
        places |= {f"real:{name}": place.real for name, place in tools.items()}
        places |= {f"cache:{variable}": folder for variable, folder in kept.folders}
        env = self._setting.shell.env()
        sdk = _sdk(build, env)
        passed = {name: value for name, value in env.items() if FETCHING.fullmatch(name)}
        plan = Plan(
            build=build,
            root=root,
            places=places,
            path=path_of(build, root, [place.folder for place in tools.values()]),
            env=passed | dict(kept.folders) | ({_SDK: sdk[0].place} if sdk else {}),
            before=(*kept.before, *self._anew(build)),
            after=kept.after,
        )
        into = inbox.scratch / ".container"
        source = await self._exported(build.source)
        if not (source / build.workdir).is_dir():
            raise BuildError(Problem(path=build.name, what=f"the source has no folder {build.workdir}"))
        mounts = tuple(folder for place in tools.values() for folder in place.mount)
        job = Job(
            ground=ground,
            command=("sh", f"{root}/outer.sh"),
            folders=(Folder(source=str(source), place=f"{root}/src"), *mounts, *sdk),
            copies=tuple(
                Copy(
                    source=str(inbox.path(mount.artifact)),
                    place=f"{root}/src/{mount.path}",
                    executable=mount.artifact.blob.executable,
                )
                for mount in build.mounts
            ),
            texts=(
                Text(place=f"{root}/outer.sh", text=plan.outer()),
                Text(place=f"{root}/inner.sh", text=plan.inner()),
                Text(place=f"{root}/requirements.txt", text="\n".join(build.requirements) + "\n"),
                *plan.programs(),
            ),
            volumes=kept.volumes,
            secrets=tuple(secrets_of(build, env).items()),
            out=f"{root}/out",
            bring=build.outputs,
            into=str(into),
            affinity=" ".join(volume.name for volume in kept.volumes),
        )
        return plan, job

    def _anew(self, build: Build) -> tuple[str, ...]:
        """What keeps the engine from answering with an earlier run: nobody wants to know how a test once ended."""
        return () if build.outputs and self._setting.volumes else (f": {uuid.uuid4()}",)

    async def _kit(self, image: str, ground: Ground) -> Kit:
        """What the image has, from the disk if it was ever asked."""
        async with self._asking:
            name = ground.image or ground.digest
            if (known := self._kits.load(name)) is not None:
                return known
            answer = await self._pool.do(Job(ground=ground, command=("sh", "-c", QUESTION)))
            if answer.state == "refused":
                raise refused(f"{ground.image or image} for {ground.platform}", answer)
            if answer.state == "failed":
                why = answer.text.strip()[-500:]
                raise self._failed_line(image, answer) or BuildError(
                    Problem(path=image, what="cannot be asked what it has", why=why, hint="it needs a shell")
                )
            kit = read(answer.text)
            self._kits.save(name, kit)
            return kit

    async def _place(self, tool: Tool, kit: Kit) -> Place:
        """A tool of exactly this version in the image, else its locked wheel.

        Raises Unavailable("toolchain") when there is neither.
        """
        if tool.name in ("rust", "rust-src"):
            return _rust(tool, kit)
        wanted = (recipe(tool).program, tool.version)
        own = next((t for t in kit.tools if (t.name, t.version) == wanted and tool.name != RUNTIME), None)
        if own:
            return Place(folder=own.folder, real=own.folder)
        top = await self._setting.toolchains.unpacked(tool)
        place = f"{_TOOLS}/{top.name}"
        folder = f"{place}/{recipe(tool).folder}"
        return Place(folder=folder, real=folder, mount=(Folder(source=str(top), place=place),))

    async def _exported(self, tree: SourceTree) -> Path:
        """The tree as a folder, once for all builds of it."""
        folder = self._setting.scratch / "sources" / tree.digest.removeprefix("sha256:")[:16]
        async with self._exporting:
            if not folder.exists():
                folder.mkdir(parents=True)
                await self._setting.sources.export(tree, folder)
        return folder


def refused(name: str, answer: Answer) -> BuildError:
    """The error of what the engine cannot run: an image that is not to be had, most of the time."""
    full = re.search(r"no space left on device|full disk", answer.text, re.IGNORECASE)
    hint = "make room on its disk: `dagger core engine local-cache prune` removes what it keeps" if full else ""
    return BuildError(Problem(path=name, what="the Dagger engine cannot run it", why=answer.text, hint=hint))


def _sdk(build: Build, env: Mapping[str, str]) -> tuple[Folder, ...]:
    """Microsoft's SDK, for the program that links with it: from where the caller has it, as on the host."""
    wanted = any(tool.name == "cargo-xwin" for tool in build.tools) and env.get(_SDK)
    return (Folder(source=env[_SDK], place=f"{_TOOLS}/xwin"),) if wanted else ()


def _rust(tool: Tool, kit: Kit) -> Place:
    for found in kit.rust:
        if tool == Tool(name="rust", version=found.rust.version, identity=found.rust.identity):
            return Place(folder=f"{found.sysroot}/bin", real=f"{found.sysroot}/bin")
        if tool == Tool(name="rust-src", version=found.rust.version, identity=found.rust.sources):
            return Place(folder=f"{found.sysroot}/{SOURCES}", real=found.sources)
    raise Unavailable(
        "toolchain", Problem(path=f"toolchain.{tool.name}", what=f"{tool.name} {tool.version} is not in the image")
    )
