"""Where a configuration is looked for, what it includes, and what is written."""

import json
import stat
from pathlib import Path

import pytest

from migrating import home, migrated
from shipways.adapters.files import DiskFiles
from shipways.errors import ConfigError
from shipways.migrate import finding, including, output, outside
from shipways.migrate.rules import State

FILES = DiskFiles()
HISTORIC = [
    f".{folder}/{name}.json"
    for folder in ("openclaw", "clawdbot", "moldbot", "moltbot")
    for name in ("openclaw", "clawdbot", "moldbot", "moltbot")
]


def whose(folder: Path, profile: str = "", **env: str) -> finding.Home:
    """The home of somebody with these variables."""
    return finding.home(env, folder, profile)


@pytest.mark.parametrize("name", HISTORIC)
def test_every_historic_place(tmp_path: Path, name: str) -> None:
    """Each folder with each name."""
    assert (home(tmp_path, "{}", name),) == finding.found(whose(tmp_path), FILES)


@pytest.mark.parametrize(
    ("env", "profile", "name"),
    [
        ({"OPENCLAW_CONFIG_PATH": "~/x.json"}, "", "x.json"),
        ({"CLAWDBOT_CONFIG_PATH": "~/x.json"}, "", "x.json"),
        ({"OPENCLAW_STATE_DIR": "~/s"}, "", "s/openclaw.json"),
        ({"CLAWDBOT_STATE_DIR": "~/s"}, "", "s/clawdbot.json"),
        ({"OPENCLAW_HOME": "~/other"}, "", "other/.openclaw/openclaw.json"),
        ({"OPENCLAW_PROFILE": "work"}, "", ".openclaw-work/openclaw.json"),
        ({}, "work", ".clawdbot-work/clawdbot.json"),
        ({"OPENCLAW_PROFILE": "work"}, "default", ".openclaw/openclaw.json"),
    ],
)
def test_what_variables_say(tmp_path: Path, env: dict[str, str], profile: str, name: str) -> None:
    """They come before the usual places, and profiles have their own."""
    home(tmp_path, "{}", ".moltbot/moltbot.json")
    expected = home(tmp_path, "{}", name)
    assert expected == finding.found(whose(tmp_path, profile, **env), FILES)[0]


def test_no_configuration(tmp_path: Path) -> None:
    """Says where it has looked, and what to do."""
    with pytest.raises(ConfigError, match=r"\.moldbot/.*(.|\n)*--config FILE"):
        finding.found(whose(tmp_path), FILES)
    with pytest.raises(ConfigError, match="--profile"):
        whose(tmp_path, "../x")


def test_the_port_of_a_profile(tmp_path: Path) -> None:
    """Follows from its name as in OpenClaw; without a profile aisopod's default is the same."""
    assert (0, True) == (finding.port(whose(tmp_path)), 20000 <= finding.port(whose(tmp_path, "work")) < 60000)


def test_includes(tmp_path: Path) -> None:
    """Objects are merged, lists joined, the including file wins, and each key knows its file."""
    home(tmp_path, "{gateway: {port: 1, bind: 'lan'}, agents: {list: [{id: 'a'}]}}", "base.json5")
    home(tmp_path, "{gateway: {port: 2}, agents: {list: [{id: 'b'}]}}", "sub/more.json5")
    root = home(tmp_path, "{$include: ['base.json5', './sub/more.json5'],\ngateway: {\nport: 3}}", "openclaw.json")
    node, read = including.load(root, FILES)
    assert isinstance(node.value, dict)
    gateway, agents = node.value["gateway"].value, node.value["agents"].value
    assert isinstance(gateway, dict)
    assert isinstance(agents, dict)
    assert [(3, "openclaw.json:3"), ("lan", "base.json5:1")] == [
        (gateway[key].value, gateway[key].at.removeprefix(f"{tmp_path}/")) for key in ("port", "bind")
    ]
    assert isinstance(agents["list"].value, tuple)
    assert 2 == len(agents["list"].value)
    assert {"openclaw.json", "base.json5", "more.json5"} == {path.name for path in read}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{$include: '/etc/hostname'}", "leaves the folder"),
        ("{$include: '../outside.json'}", "leaves the folder"),
        ("{$include: 'link.json'}", "leaves the folder"),
        ("{$include: 'openclaw.json'}", "includes it"),
        ("{$include: 'none.json'}", "cannot be read"),
        ("{$include: '.'}", "cannot be read"),
        ("{$include: 5}", "names no file"),
        ("{$include: ''}", "names no file"),
        ("{$include: 'list.json', a: 1}", "only objects"),
        ("{$include: 'list.json'}", "is no object"),
        ("{$include: 'latin.json'}", "not UTF-8"),
        ("{$include: 'x" + "y" * 300 + "'}", "cannot be read"),
        ("{a: " * 95 + "{$include: 'deep.json'}" + "}" * 95, "levels"),
    ],
)
def test_refused_includes(tmp_path: Path, text: str, why: str) -> None:
    """With the reason."""
    home(tmp_path, "{}", "outside.json")
    home(tmp_path, "[1]", "c/list.json")
    home(tmp_path, "{a: {b: {c: {d: {e: {f: {}}}}}}}", "c/deep.json")
    (tmp_path / "c/latin.json").write_bytes(b"{a: '\xe9'}")
    (tmp_path / "c/link.json").symlink_to(tmp_path / "outside.json")
    with pytest.raises(ConfigError, match=why):
        including.load(home(tmp_path, text, "c/openclaw.json"), FILES)


def test_further_roots(tmp_path: Path) -> None:
    """OPENCLAW_INCLUDE_ROOTS allows them."""
    home(tmp_path, "{meta: {}}", "shared/a.json")
    root = home(tmp_path, "{$include: '../shared/a.json'}", "c/openclaw.json")
    roots = finding.roots(whose(tmp_path, OPENCLAW_INCLUDE_ROOTS="relative:~/shared"), ":")
    assert (tmp_path / "shared",) == roots
    assert {"meta"} == set(including.load(root, FILES, roots)[0].value)  # type: ignore[arg-type] # an object, by load


def test_what_is_written(tmp_path: Path) -> None:
    """The configuration, its variables and files of secrets, for nobody else to read; twice is as once."""
    place = tmp_path / "out/aisopod.json"
    found = output.texts(migrated("{channels: {irc: {password: 'a b', token: 'ab'}}}"), place)
    for _ in range(2):
        output.write(found, FILES, frozenset(), force=False)
    written = {path.name: path for path in found}
    assert ["AISOPOD_CHANNELS_IRC_PASSWORD", "aisopod.env", "aisopod.json"] == list(written)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in found}
    assert "AISOPOD_CHANNELS_IRC_TOKEN=ab\n" == written["aisopod.env"].read_text()
    assert {"irc"} == set(json.loads(place.read_text())["channels"])


def test_nothing_is_replaced(tmp_path: Path) -> None:
    """What says something else stays without --force; what OpenClaw reads stays always."""
    place = home(tmp_path, "mine", "aisopod.json")
    found = output.texts(migrated("{}"), place)
    with pytest.raises(ConfigError, match="--force"):
        output.write(found, FILES, frozenset(), force=False)
    with pytest.raises(ConfigError, match="what OpenClaw reads"):
        output.write(found, FILES, frozenset((place,)), force=True)
    assert "mine" == place.read_text()
    output.write(found, FILES, frozenset(), force=True)
    assert found[place] == place.read_text()


def test_services_and_probes(tmp_path: Path) -> None:
    """Units by their names, with the command that stops each; probes with file and line. None of them is a loss."""
    names = {
        ".config/systemd/user/openclaw-gateway.service": "systemctl --user disable --now openclaw-gateway.service",
        ".config/systemd/user/openclaw-gateway-work.service": "systemctl --user disable --now openclaw-gateway-work",
        ".config/systemd/user/clawdbot-gateway.service": "systemctl --user disable --now clawdbot-gateway.service",
        "Library/LaunchAgents/ai.openclaw.gateway.plist": "launchctl bootout gui/$(id -u)/ai.openclaw.gateway",
        "Library/LaunchAgents/ai.openclaw.work.plist": "launchctl bootout gui/$(id -u)/ai.openclaw.work",
    }
    for name in (*names, ".config/systemd/user/other.service", "Library/LaunchAgents/com.other.plist"):
        home(tmp_path, "", name)
    rows = {row.key: row for row in outside.services(whose(tmp_path), FILES) if str(tmp_path) in row.key}
    assert {str(tmp_path / name) for name in names} == set(rows)
    assert [] == [name for name, command in names.items() if command not in rows[str(tmp_path / name)].note]
    home(tmp_path, "a = 1\npath = '/startupz'\n", "fly.toml")
    (probe,) = outside.probes(tmp_path, FILES)
    assert ("/startupz", "fly.toml:2", State.HUMAN, False) == (probe.key, probe.at, probe.state, probe.lossy)
