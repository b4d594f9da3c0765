"""The Dockerfiles that the config names, as values: which files each may see, and what the images that it names are."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from shipways.config.dockerfile import bases, sees_context
from shipways.config.engines import DOCKERFILE
from shipways.config.schema import Config
from shipways.errors import ConfigError, Problem
from shipways.model.image import ImageBuild
from shipways.model.lock import Lock
from shipways.model.names import image_step
from shipways.model.source import EMPTY, SourceTree


def toolchain_recipes(config: Config) -> Iterator[ImageBuild]:
    """Those of images to build in, by the name that `engine.images` or a package has for them; nothing is read yet."""
    for image in sorted(config.built_in()):
        if image.startswith(DOCKERFILE):
            path = image.removeprefix(DOCKERFILE)
            yield ImageBuild(name=image, dockerfile=path, context=str(PurePosixPath(path).parent))


def image_recipes(config: Config, image: str, version: str = "{version}") -> Iterator[ImageBuild]:
    """One for each platform of an image with a Dockerfile, by the names of their steps; nothing is read yet."""
    table = config.image[image]
    for platform in dict.fromkeys(table.platforms if table.dockerfile else ()):
        yield ImageBuild(
            name=image_step(image, platform),
            dockerfile=table.dockerfile or "",
            context=table.context,
            platform=platform,
            target=table.target or "",
            arguments=tuple((name, value.replace("{version}", version)) for name, value in table.args.items()),
        )


def recipes(config: Config) -> tuple[ImageBuild, ...]:
    """All of them."""
    return (*toolchain_recipes(config), *(build for image in config.image for build in image_recipes(config, image)))


def unmade_bases(config: Config) -> frozenset[str]:
    """What is below the images that no release makes: a rendered Dockerfile has its digest where a lock does."""
    found = (config.image[service.image] for service in config.service.values())
    docker = config.deployment.docker
    return frozenset(
        name
        for image in found
        for name in (docker.python if config.package[image.package].build == "python" else docker.runtime, image.tender)
        if name and not image.platforms
    )


def is_rendered(config: Config, path: str) -> bool:
    """Whether a Dockerfile is written by shipways, with the digests of the lock."""
    return any(
        path == config.deployment.docker.path(name, image, config.package[image.package].build)
        for name, service in config.service.items()
        for image in (config.image[service.image],)
    )


def read_for(builds: Iterable[ImageBuild]) -> tuple[str, ...]:
    """The files whose text decides what the builds are, where they are there."""
    return tuple(dict.fromkeys(path for build in builds for path in (build.dockerfile, *_ignores(build))))


def filled(build: ImageBuild, source: SourceTree, texts: Mapping[str, str], lock: Lock) -> ImageBuild:
    """The build with what is in the repository and in the lock. Raises ConfigError for what cannot be built.

    `texts` has those of `read_for` that there are.
    """
    text = texts.get(build.dockerfile)
    if text is None:
        raise ConfigError(_lacking(build.dockerfile, "the config names it as a Dockerfile"))
    named = bases(text, build.dockerfile, build.values)
    files = source.below((build.context,)) if sees_context(text) else EMPTY
    if sees_context(text) and not files.files:
        raise ConfigError(_lacking(build.context, f"the config names it as the context of {build.dockerfile}"))
    locked = {name: image.digest for name in named if (image := lock.image(name))}
    return replace(
        build,
        source=files,
        text=text,
        ignore=next((texts[path] for path in _ignores(build) if texts.get(path)), ""),
        bases=tuple((name, locked.get(name, "")) for name in named),
    )


def _ignores(build: ImageBuild) -> tuple[str, str]:
    """Where a .dockerignore may be, the first one that says something goes (Docker, "Build context")."""
    return f"{build.dockerfile}.dockerignore", str(PurePosixPath(build.context, ".dockerignore"))


def _lacking(path: str, why: str) -> Problem:
    return Problem(path=path, what="is not in the repository", why=why, hint="git does not have it, or ignores it")
