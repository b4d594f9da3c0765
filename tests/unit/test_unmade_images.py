"""An image of no platform: no release makes it, and its service is rendered all the same."""

import pytest

from deploying import HEAD, SHOP, rendered
from shipways.config.load import parse
from shipways.config.schema import Config
from shipways.deploy import dockerfile
from shipways.errors import ConfigError
from shipways.images import base, docker, image, index, layer
from shipways.publish import registry
from shipways.run.locking import wanted
from shipways.workflows.jobs import workflows
from support import facts

TENDER = "ghcr.io/shipways/tender:0.1.0"
TWO = '[image.two]\npackage = "shop"\nrepositories = ["ghcr.io/example/two"]\n'
REST = f"{SHOP}[publish.registry]\n[workflows]\n"
MAKERS = (base, docker, image, index, layer)


def head(*platforms: str) -> str:
    """The project, whose image has these platforms."""
    said = ", ".join(f'"{each}"' for each in platforms)
    return HEAD.replace("[image.shop]", f'[image.shop]\ntender = "{TENDER}"\nplatforms = [{said}]')


def config(*platforms: str, more: str = REST) -> Config:
    """A project with a service whose image has these platforms, and with an image for both."""
    return parse(f"{head(*platforms)}{TWO}{more}", "shipways.toml")


def planned(given: Config) -> set[str]:
    """The images that something is made, skipped or pushed of."""
    said = facts(shop="1.0.0")
    found = [getattr(each, "id", "") or each.spec.id for maker in MAKERS for each in maker.plan(given, said)]
    (channel,) = registry.plan(given, said)
    return {name.split("/")[1] for name in found} | {each.name for each in channel.images}


def jobs(given: Config) -> set[str]:
    """Those of CI that are about images."""
    return {job.id for job in workflows(given)[0].jobs if job.id.startswith("image-")}


def test_nothing_is_made() -> None:
    """Neither a step nor a skip, no push and no job of CI is for it; with a platform there is each of them."""
    assert {"two"} == planned(config())
    assert {"two", "shop"} == planned(config("linux/amd64"))
    assert [{"image-two"}, {"image-two", "image-shop"}] == [jobs(each) for each in (config(), config("linux/amd64"))]


def test_lock() -> None:
    """What its rendered Dockerfile names is locked where its registry is reached, and missed nowhere else."""
    names = wanted(config(), (), (), "host")
    assert (set(), {TENDER, "docker.io/library/debian:bookworm-slim"}) == (
        set(names.images),
        {name for name in names.optional if "golang" not in name},
    )
    assert (TENDER,) == wanted(config("linux/amd64"), (), (), "host").images


def test_dockerfile() -> None:
    """Its Dockerfile is rendered."""
    text, _ = rendered(dockerfile, SHOP, head=head()).values()
    assert f"COPY --from={TENDER} /usr/local/bin/tender" in text


@pytest.mark.parametrize(
    "kind", ['kind = "compose"', 'kind = "hosts"\nmethod = "docker"\nhosts = ["a"]\nssh.tender = "t"']
)
def test_no_image_to_deploy(kind: str) -> None:
    """A deployment of images says that there is none; one of programs does not ask."""
    with pytest.raises(ConfigError) as caught:
        config(more=f"{REST}[deploy.prod]\n{kind}\n")
    (problem,) = caught.value.problems
    assert ("image.shop.platforms", "there are none, and deploy.prod deploys its image") == (problem.path, problem.what)
    config(more=f"{REST}[deploy.prod]\n{kind.replace('docker', 'systemd').replace('compose', 'systemd')}\n")


def test_nowhere_to_push() -> None:
    """A registry for nothing but such an image is a mistake."""
    with pytest.raises(ConfigError) as caught:
        parse(head() + REST, "shipways.toml")
    assert "no image has repositories to push it to" in caught.value.problems[0].what
