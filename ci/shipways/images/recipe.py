"""Whether a Dockerfile of the config can be built here, and from what."""

from dataclasses import dataclass

from shipways.config.recipes import filled, image_recipes
from shipways.config.schema import Config
from shipways.errors import ConfigError, Problem
from shipways.model.facts import Facts
from shipways.model.image import ImageBuild, needs_containers, not_locked
from shipways.model.names import image_step
from shipways.model.plan import Skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A build for each platform; none where there are problems, or a reason to skip the image."""

    builds: tuple[ImageBuild, ...] = ()
    skip: Skip | None = None
    problems: tuple[Problem, ...] = ()


def recipe(config: Config, facts: Facts, name: str) -> Recipe:
    """That of an image which has a Dockerfile."""
    path, texts = f"image.{name}.dockerfile", dict(facts.dockerfiles)
    builds: list[ImageBuild] = []
    problems: dict[Problem, None] = {}
    for build in image_recipes(config, name, facts.version(config.image[name].package).number):
        try:
            builds.append(filled(build, facts.source, texts, facts.lock))
        except ConfigError as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        return Recipe(problems=tuple(problems))
    if facts.engine == "host":
        return Recipe(skip=Skip(id=image_step(name), kind="engine", problem=needs_containers(path)))
    if unlocked := tuple(dict.fromkeys(image for build in builds for image in build.unlocked)):
        return Recipe(skip=Skip(id=image_step(name), kind="image", problem=not_locked(path, unlocked)))
    return Recipe(builds=tuple(builds))
