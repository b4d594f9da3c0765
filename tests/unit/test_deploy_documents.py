"""Documents of deployments; tests/integration/test_documents.py runs what they say."""

import posixpath
import re

import pytest

from deploying import HEAD, SHOP, rendered
from shipways.config.deployment import Deployment
from shipways.config.load import parse
from shipways.deploy import documents

ALL = SHOP.replace("[service.shop.env]", 'metrics = "/metrics"\n[service.shop.env]')
DOCS = "deployment/docs"
KINDS = sorted(Deployment.model_fields)


def headings(text: str) -> list[str]:
    """The sections of a document."""
    return re.findall(r"^## (.*)$", text, re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_has_a_section(kind: str) -> None:
    """S0-AC10: each table of [deployment] has a section of its own, with its path, and none when it is not rendered."""
    whole = rendered(documents, ALL)[f"{DOCS}/README.md"]
    table = getattr(Deployment(), kind)
    key = "file" if hasattr(table, "file") else "folder"
    without = rendered(documents, f'{ALL}[deployment.{kind}]\n{key} = ""\n').get(f"{DOCS}/README.md", "")
    gone = [each for each in headings(whole) if each not in headings(without)]
    assert (1 if kind != "docs" else len(headings(whole))) == len(gone)
    place = str(getattr(table, key)).replace("{service}", "shop")
    section = whole.partition(f"## {gone[0]}\n")[2].partition("\n## ")[0]
    assert kind == "docs" or place in section


def test_tree() -> None:
    """S1-24: a README in every folder, and one for volumes, of which git has nothing else."""
    files = rendered(documents, ALL)
    kinds = {"config", "docker", "docs", "fly", "kubernetes", "monitoring", "render", "scripts", "volumes"}
    assert {f"deployment/{kind}/README.md" for kind in kinds} <= set(files)
    assert {"README.md", "TROUBLESHOOTING.md", "PRODUCTION.md"} == {
        path.removeprefix(f"{DOCS}/") for path in files if path.startswith(DOCS)
    }
    assert ["*", "!.gitignore", "!README.md"] == files["deployment/volumes/.gitignore"].splitlines()[1:]
    places = parse(HEAD + ALL, "shipways.toml").deployment.places
    assert [] == [
        path for path in places.values() if not any(f"{path}/".startswith(f"{posixpath.dirname(f)}/") for f in files)
    ]


def test_the_top_is_yours() -> None:
    """A file at the top of the repository makes no README there, and neither does what is not rendered."""
    files = rendered(
        documents,
        SHOP + '[deployment.compose]\nfile = "docker-compose.yml"\n[deployment.docker]\nfile = "Dockerfile"\n',
    )
    assert "README.md" not in files
    assert "deployment/docker/README.md" not in files
    assert "deployment/monitoring/README.md" not in files
    assert {} == rendered(documents, "")


def test_troubles() -> None:
    """S1-23: at least five, port and permission among them, with what this service really has."""
    text = rendered(documents, ALL)[f"{DOCS}/TROUBLESHOOTING.md"]
    assert 5 <= len(headings(text))
    assert "port 8080 is taken" in text
    assert "permission denied in /data" in text
    assert "sudo chown -R 65532:65532" in text
    assert "http://127.0.0.1:8080/health" in text
    assert "512 MB for shop" in text


def test_production() -> None:
    """S1-22, S1-23, S1-28: secrets by files, HTTPS, backups, big volumes, monitoring and logs."""
    text = rendered(documents, ALL)[f"{DOCS}/PRODUCTION.md"]
    assert [
        "Secrets and keys of APIs",
        "HTTPS",
        "Backups",
        "Volumes of more than 10 GB",
        "Monitoring",
        "Updates",
    ] == headings(text)
    assert "SHOP_TOKEN_FILE" in text
    assert "/data of shop is copied" in text
    assert "shipways service backup shop --compose --to DIR" in text
    assert "Logs are collected" in text


def test_pitfalls_of_fly() -> None:
    """S3-09: what stops, that a volume has a region, and that a deployment interrupts are said, where they are so."""
    fly = "deployment/fly/README.md"
    text = rendered(documents, ALL)[fly]
    assert "stopped, and started by the next request" in text
    assert "--region iad" in text
    assert "one Machine with a volume is down while it is deployed" in text
    assert "left running" in rendered(documents, ALL + '[service.shop.fly]\nauto_stop = "off"\n')[fly]


def test_what_people_write_is_shown() -> None:
    """A description is no markup, and no repository is an address to fill in."""
    env = 'A = { description = "a | b `c` <d>" }\n'
    assert "| a \\| b \\`c\\` \\<d\\> |" in rendered(documents, ALL + env)[f"{DOCS}/README.md"]


def test_commands_of_fly() -> None:
    """S3-08: from the app over its volume and secrets to what runs, in the order in which they are needed."""
    text = rendered(documents, ALL)[f"{DOCS}/README.md"]
    words = re.findall(r"^fly (\w+ ?\w*?)(?: --| \w+$| \S+ --|$)", text, re.MULTILINE)
    wanted = ["apps create", "volumes create", "secrets set", "config validate", "deploy", "status"]
    assert [*wanted, "machine list", "volumes list", "logs"] == [each.strip() for each in words]
    assert "--size 1\n" in text
