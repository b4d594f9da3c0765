"""What goes into packages, and what lies in deployment/ beside what is rendered: it says what the program does."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from shipways.cli import VERBS
from shipways.config.explain import example
from shipways.config.load import parse
from shipways.config.serve import Serve
from shipways.errors import ConfigError
from shipways.verbs.serving import serve

ROOT = Path(__file__).parent.parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXAMPLE = "deployment/config/config.toml.example"
HEAD = """# Every key that the deployer service reads, with its default: what `shipways explain serve --toml` prints.
# packaging/config/shipways.toml is a shorter one to begin with. Copied to /etc/deployer/shipways.toml, it is read.
[project]
name = "deployer"

"""
TREE = (
    *("systemd/deployer.service", "systemd/README.md", "launchd/com.shipways.deployer.plist", "launchd/README.md"),
    *("docker/deployer/Dockerfile", "docker/docker-compose.yml", "docker/README.md"),
    *("config/.env.example", "config/config.toml.example", "config/prometheus.yml", "config/README.md"),
    *("config/grafana/dashboards/shipways.json", "scripts/install-daemon-linux.sh", "scripts/install-daemon-macos.sh"),
    *("scripts/daemon-ctl.sh", "scripts/health-check.sh", "scripts/build-all.sh", "scripts/deploy.sh"),
    *("scripts/README.md", "docs/README.md", "docs/TROUBLESHOOTING.md", "docs/PRODUCTION.md", "volumes/README.md"),
    *("fly/deployer/fly.toml", "render/render.yaml", "kubernetes/base/deployer.yaml", "monitoring/alerts.yml"),
)


def page(name: str) -> str:
    """A manual page."""
    return (ROOT / "packaging/man" / name).read_text()


def test_tree() -> None:
    """S1-24: deployment/ has the tree of the specification, config.toml.example too, and what was added to it."""
    assert [] == [path for path in TREE if not (ROOT / "deployment" / path).is_file()]


def test_example(request: pytest.FixtureRequest) -> None:
    """S1-24: config.toml.example is what the program itself says of its config."""
    path, text = ROOT / EXAMPLE, f"{HEAD}{example('serve')}\n"
    if request.config.getoption("--update-golden"):
        path.write_text(text)
    assert text == path.read_text()


def test_example_is_a_config() -> None:
    """S1-07: it is taken as it is; with every comment that is a key uncommented, what a default is stays what it is."""
    text = (ROOT / EXAMPLE).read_text()
    said, _, _ = text.partition("\n# What is known of a service")
    whole = re.sub(r"^# (?=[a-z_]+ = )", "", said, flags=re.MULTILINE)
    plain, full = (parse(each, "shipways.toml").serve for each in (text, whole))
    assert full is not None
    assert plain == full
    assert set(Serve.model_fields) - {"service"} <= full.model_fields_set


@pytest.mark.parametrize("key", ["", "serve.listen", "serve.nothing"])
def test_no_table(key: str) -> None:
    """Only a table can be begun with."""
    with pytest.raises(ConfigError) as caught:
        example(key)
    assert "is no table" == caught.value.problems[0].what


def test_names_are_comments() -> None:
    """A table below a name is one that nobody has to have."""
    lines = [line for line in example("deploy").splitlines() if not line.startswith("#")]
    assert [] == [line for line in lines if line]


@pytest.mark.parametrize("verb", VERBS)
def test_page_has_verbs(verb: str) -> None:
    """shipways(1) has each verb with what `--help` says of it."""
    assert f".It Cm {verb}\n{VERBS[verb][1]}\n" in page("shipways.1")


def test_page_has_options() -> None:
    """shipways-serve(1) has each option of the verb, and no other."""
    options = {option.removeprefix("--") for each in serve.params for option in each.opts}
    assert options == set(re.findall(r"^\.It Fl -([\w-]+)", page("shipways-serve.1"), re.MULTILINE))


def test_wheel_has_them() -> None:
    """Manual pages and completions are in the wheel, but for tender's, which is in its archive."""
    shared = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    there = {path.relative_to(ROOT).as_posix() for folder in ("man", "completions") for path in lying(folder)}
    assert there - {"packaging/man/tender.1"} == set(shared)
    assert ["packaging/man/tender.1"] == PYPROJECT["tool"]["shipways"]["package"]["tender"]["archive"]["man"]


def lying(folder: str) -> list[Path]:
    """The files in a folder of packaging/."""
    return list((ROOT / "packaging" / folder).iterdir())


def test_pins() -> None:
    """requirements.txt, which an image is installed from, pins what pyproject.toml asks for, with hashes."""
    text = (ROOT / "requirements.txt").read_text()
    pins = dict(re.findall(r"^([\w.-]+)==([^ ;]+).* \\\n    --hash=sha256:", text, re.MULTILINE))
    wanted = [Requirement(each) for each in PYPROJECT["project"]["dependencies"]]
    assert [] == [str(each) for each in wanted if pins.get(canonicalize_name(each.name), "0") not in each.specifier]


def test_tender_in_the_image() -> None:
    """The image of the deployer has the tender of the same release."""
    ours = PYPROJECT["tool"]["shipways"]
    assert ours["package"]["tender"]["version"] == ours["image"]["deployer"]["tender"].rpartition(":")[2]
