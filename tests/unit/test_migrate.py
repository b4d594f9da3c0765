"""What becomes of the keys of OpenClaw."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrating import migrated, row
from shipways.errors import ConfigError
from shipways.migrate.report import exit_code
from shipways.migrate.rules import State

CANARY = "canary-Zq81"
EVERYBODY = "0.0.0.0"  # noqa: S104 - what the user has set


def at(config: object, path: str) -> object:
    """What is at a dotted path."""
    for part in path.split("/"):
        config = (
            config[int(part)] if isinstance(config, list) else config.get(part) if isinstance(config, dict) else None
        )
    return config


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("{gateway: {port: 19001}}", "gateway/server/port", 19001),
        ("{gateway: {port: '${P}'}}", "gateway/server/port", 81),
        ("{gateway: {bind: 'loopback'}}", "gateway/bind/address", "127.0.0.1"),
        ("{gateway: {bind: 'lan'}}", "gateway/bind/address", EVERYBODY),
        ("{gateway: {bind: '0.0.0.0'}}", "gateway/bind/address", EVERYBODY),
        ("{gateway: {bind: 'custom', customBindHost: '10.0.0.1'}}", "gateway/bind/address", "10.0.0.1"),
        ("{gateway: {auth: {mode: 'none'}}}", "auth/mode", "none"),
        ("{logging: {level: 'trace'}}", "logging/level", "debug"),
        ("{models: {providers: {a: {api: 'openai'}}}}", "models/providers/0/api", "openai-completions"),
        ("{models: {providers: {a: {api: 'x'}}}}", "models/providers/0/id", "a"),
        ("{models: {providers: {a: {models: [{id: 'm'}]}}}}", "models/providers/0/models/0/id", "m"),
        ("{agents: {list: [{id: 'x', name: 'X'}]}}", "agents/entries/x/name", "X"),
        ("{agents: {list: [{id: 'x'}]}}", "agents/entries/x", {}),
        ("{agent: {workspace: '/w'}}", "agents/defaults/workspace", "/w"),
        ("{identity: {name: 'Sam'}}", "agents/entries/main/identity/name", "Sam"),
        ("{defaultModel: 'a/b'}", "agents/defaults/model", "a/b"),
        ("{heartbeat: {every: '30m'}}", "agents/defaults/heartbeat/every", "30m"),
        ("{routing: {allowFrom: ['+1']}}", "channels/whatsapp/allowFrom/0", "+1"),
        ("{web: {enabled: true}}", "channels/whatsapp/enabled", True),
        ("{telegram: {dmPolicy: 'open'}}", "channels/telegram/dmPolicy", "open"),
        (
            "{telegram: {enabled: true}, routing: {groupChat: {requireMention: true}}}",
            "channels/telegram/groups/*/requireMention",
            True,
        ),
        ("{channels: {telegram: {tokenFile: '/t'}}}", "channels/telegram/botToken/file", "/t"),
        ("{channels: {slack: {name: '$${NOT}'}}}", "channels/slack/name", "${NOT}"),
        ("{channels: {slack: {name: '${P}'}}}", "channels/slack/name/env", "P"),
        ("{gateway: {auth: {token: '${OPENCLAW_GATEWAY_TOKEN}'}}}", "auth/token/env", "AISOPOD_AUTH_TOKEN"),
        ("{gateway: {auth: {token: '${OTHER}'}}}", "auth/token/env", "OTHER"),
        (
            "{channels: {irc: {password: {source: 'file', provider: 'p', id: 'value'}}},"
            " secrets: {providers: {p: {source: 'file', path: '/k', mode: 'singleValue'}}}}",
            "channels/irc/password/file",
            "/k",
        ),
    ],
)
def test_a_key_and_its_place(text: str, path: str, expected: object) -> None:
    """Keys of today and of early 2026."""
    assert expected == at(migrated(text, env={"P": "81"}).config, path)


@pytest.mark.parametrize(
    ("text", "key", "state", "line"),
    [
        ("{\nmeta: {}}", "meta", State.DROPPED, 2),
        ("{gateway: {\nmode: 'remote'}}", "gateway.mode", State.HUMAN, 2),
        ("{gateway: {\nbind: 'tailnet'}}", "gateway.bind", State.HUMAN, 2),
        ("{gateway: {tls: {\nenabled: true}}}", "gateway.tls", State.HUMAN, 1),
        ("{gateway: {auth: {\nmode: 'password'}}}", "gateway.auth.mode", State.HUMAN, 2),
        ("{session: {\nidleMinutes: 5}}", "session.idleMinutes", State.HUMAN, 2),
        ("{session: {\nscope: 'x'}}", "session.scope", State.DROPPED, 2),
        ("{\nmemorySearch: {}}", "memorySearch", State.HUMAN, 2),
        ("{\n\nserver: {port: 1}}", "server.port", State.HUMAN, 3),
        ("{routing: {groupChat: {\nmentionPatterns: ['a']}}}", "routing.groupChat.mentionPatterns", State.HUMAN, 2),
        ("{channels: {irc: {\npassword: 'a${NONE}'}}}", "channels.irc.password", State.HUMAN, 2),
        ("{channels: {irc: {\npassword: {source: 'exec', id: 'x'}}}}", "channels.irc.password", State.HUMAN, 2),
        ("{channels: {irc: {\nhost: 'a', port: NaN}}}", "channels.irc.port", State.HUMAN, 2),
        ("{agent: {name: 'a'},\nagents: {defaults: {name: 'b'}}}", "agents.defaults.name", State.DROPPED, 2),
    ],
)
def test_what_is_not_mapped(text: str, key: str, state: State, line: int) -> None:
    """A row with its line says why."""
    found = row(migrated(text), key)
    assert (state, f"openclaw.json:{line}") == (found.state, found.at)
    assert found.note


def test_every_problem_at_once() -> None:
    """What OpenClaw refuses too is refused, all of it, with lines, and without the values."""
    text = "{gateway: {\nport: 70000,\nbind: 'canary', auth: {mode: 'canary', token: 7}},\nlogging: {level: 'canary'}}"
    with pytest.raises(ConfigError) as refused:
        migrated(text)
    found = [(problem.path, problem.place) for problem in refused.value.problems]
    expected = [("gateway.port", 2), ("gateway.bind", 3), ("gateway.auth.mode", 3), ("gateway.auth.token", 3)]
    assert [
        *((path, f"openclaw.json:{line}") for path, line in expected),
        ("logging.level", "openclaw.json:4"),
    ] == found
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("{}", "token"),
        ("{gateway: {auth: {mode: 'password', password: 'x'}}}", "token"),
        ("{gateway: {bind: 'lan', auth: {mode: 'none'}}}", "token"),
        ("{gateway: {bind: 'loopback', auth: {mode: 'none'}}}", "none"),
    ],
)
def test_no_door_is_opened(text: str, mode: str) -> None:
    """Only who says so, and listens to nobody else, gets a gateway that asks for no token."""
    found = migrated(text)
    assert mode == at(found.config, "auth/mode")
    assert (mode == "token") == any("AISOPOD_AUTH_TOKEN" in each.note for each in found.rows if each.lossy)


CLEAN = """{
  $schema: "x", meta: {at: 1},
  gateway: {port: 18789, mode: "local", bind: "loopback", auth: {mode: "token", token: "%s"}},
  channels: {telegram: {botToken: "%s", dmPolicy: "pairing"}},
}"""


def test_clean_and_lossy() -> None:
    """Bookkeeping loses nothing, another feature does."""
    assert 0 == exit_code(migrated(CLEAN % ("${T}", "${B}")).rows)
    assert 1 == exit_code(migrated("{cron: {enabled: true}}").rows)


def test_variables_beside_the_configuration() -> None:
    """They go to aisopod's environment file under its names; the first to say one holds."""
    text = "{env: {A: 'inline', vars: {B: 'b', C: 'two words'}}}"
    found = migrated(text, dotenv="# x\nexport A=beside\nCLAWDBOT_GATEWAY_PORT=1\nOPENCLAW_STATE_DIR=/s\nbroken line\n")
    assert {"A": "beside", "AISOPOD_GATEWAY_PORT": "1", "B": "b"} == found.variables
    assert ".env:3" == row(found, "CLAWDBOT_GATEWAY_PORT").at
    assert State.HUMAN == row(found, "env.vars.C").state


PLACES = (
    "{gateway: {auth: {token: %s}}}",
    "{channels: {telegram: {botToken: %s}}}",
    "{channels: {telegram: {accounts: {a: {webhookSecret: %s}}}}}",
    "{channels: {googlechat: {serviceAccount: {private_key: %s}}}}",
    "{channels: {slack: {webhookUrl: %s}}}",
    "{models: {providers: {x: {apiKey: %s}}}}",
    "{models: {providers: {x: {headers: {X: %s}}}}}",
    "{models: {providers: {x: {models: [{id: 'm', headers: {X: %s}}]}}}}",
    "{env: {vars: {X: %s}}}",
    "{env: {X: %s}}",
    "{gateway: {auth: {password: %s}}}",
    "{hooks: {token: %s}}",
    "{unknown: {key: %s}}",
    "{gateway: {port: %s}}",
    "{gateway: {bind: %s}}",
    "{logging: {level: %s}}",
    "{gateway: {port: 1, %s}",
)


@given(st.sampled_from(PLACES), st.text(max_size=5), st.text(max_size=5))
def test_no_secret_is_told(place: str, before: str, after: str) -> None:
    """Neither the report nor the configuration has it, nor an error; only variables and files of secrets do."""
    try:
        found = migrated(place % json.dumps(before + CANARY + after))
    except ConfigError as error:
        assert CANARY not in str(error)
        return
    assert CANARY not in json.dumps(found.config)
    assert CANARY not in str(found.rows)


SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(
    (
        "gateway",
        "auth",
        "token",
        "port",
        "channels",
        "telegram",
        "groups",
        "*",
        "agents",
        "list",
        "id",
        "entries",
        "main",
    )
) | st.text(max_size=4)
TREES = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@given(st.dictionaries(KEYS, TREES, max_size=4))
def test_any_configuration(tree: dict[str, object]) -> None:
    """It ends in a configuration that JSON can say, or in a ConfigError; and each time in the same."""
    text = json.dumps(tree)
    try:
        found = migrated(text)
    except ConfigError:
        return
    assert json.dumps(found.config, allow_nan=False)
    assert found == migrated(text)
