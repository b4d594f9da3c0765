"""What becomes of each key of OpenClaw, those of early 2026 included; the first rule that fits decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """What became of a key."""

    MAPPED = "mapped"
    RENAMED = "renamed"
    DROPPED = "dropped"
    HUMAN = "needs a human"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A key and its fate.

    In `key`, `a|b` and `*` stand for one name, `**` at the end for anything below, each value by itself; without it
    the rule is about the key with all that is below. `to` is the new place, in which `{0}`, `{1}` … are what such
    names were. `kind` says which code makes the value.
    """

    key: tuple[str, ...]
    state: State = State.MAPPED
    to: tuple[str, ...] = ()
    note: str = ""
    lossy: bool = False
    kind: str = ""


def _keep(key: str, to: str = "", kind: str = "", note: str = "") -> Rule:
    return Rule(key=tuple(key.split(".")), to=tuple((to or _same(key)).split(".")), kind=kind, note=note)


def _same(key: str) -> str:
    """The place of the same name."""
    parts, number = [], 0
    for part in key.removesuffix(".**").split("."):
        free = part == "*" or "|" in part
        parts.append(f"{{{number}}}" if free else part)
        number += free
    return ".".join(parts)


def _drop(key: str, note: str) -> Rule:
    return Rule(key=tuple(key.split(".")), state=State.DROPPED, note=f"{note}; nothing is lost")


def _lose(key: str, note: str) -> Rule:
    return Rule(key=tuple(key.split(".")), state=State.DROPPED, note=note, lossy=True)


def _human(key: str, note: str) -> Rule:
    return Rule(key=tuple(key.split(".")), state=State.HUMAN, note=note, lossy=True)


CHANNELS: Final = (
    "telegram|discord|slack|whatsapp|signal|imessage|googlechat|msteams|matrix|mattermost|irc|line|feishu|nostr"
    "|twitch|zalo"
)
_ACCOUNT: Final = (
    "enabled|name|mode|allowFrom|dmPolicy|groups|groupAllowFrom|groupPolicy|guilds|requireMention|defaultAccount"
    "|botToken|token|appToken|userToken|signingSecret|accessToken|appPassword|appId|appSecret|applicationId|clientId"
    "|clientSecret|channelAccessToken|channelSecret|privateKey|serviceAccount|verificationToken|encryptKey|password"
    "|username|homeserver|userId|baseUrl|account|host|port|tls|nick|channels|relays|tenantId|webhookUrl|webhookPath"
    "|webhookSecret"
)
_AGENT: Final = "name|default|identity|workspace|model|models|timeoutSeconds|heartbeat|description"
_PROVIDER: Final = "baseUrl|apiKey|models|headers|timeoutSeconds|region|auth|authHeader|maxTokens|params"

RULES: Final[Sequence[Rule]] = (
    _drop("$schema|meta|wizard|update", "OpenClaw's own bookkeeping"),
    # the gateway
    _keep("gateway.port", "gateway.server.port", "port"),
    _keep("gateway.bind", "gateway.bind.address", "bind"),
    _keep("gateway.customBindHost", "gateway.bind.address", "custom"),
    _keep("gateway.host|bindHost", "gateway.bind.address", "bind"),
    _keep("gateway.auth.mode", "auth.mode", "auth"),
    _keep("gateway.auth.token", "auth.token", "secret"),
    _keep("gateway.token", "auth.token", "secret"),
    _keep("gateway.mode", "", "mode"),
    _human("gateway.auth.password", "aisopod asks for a token: give clients one, and set AISOPOD_AUTH_TOKEN"),
    _human("gateway.auth.*", "aisopod knows the modes none and token only"),
    _human("gateway.tls", "aisopod speaks plain HTTP: end TLS in a proxy before it"),
    _human("gateway.tailscale|remote", "set up the network without aisopod"),
    _human("gateway.nodes.allowCommands", "later releases say commands.allow; aisopod has no such setting"),
    _lose("gateway.**", "aisopod has no such setting"),
    # logging
    _keep("logging.level", kind="level"),
    _human("logging.file", "aisopod logs to stderr: the service manager keeps it"),
    _lose("logging.**", "aisopod has no such setting"),
    # channels; before they were put together they stood at the root
    _keep(f"channels.{CHANNELS}.tokenFile", "channels.{0}.botToken", "file"),
    _keep(f"channels.{CHANNELS}.accounts.*.tokenFile", "channels.{0}.accounts.{1}.botToken", "file"),
    _keep(f"channels.{CHANNELS}.{_ACCOUNT}.**"),
    _keep(f"channels.{CHANNELS}.accounts.*.{_ACCOUNT}.**"),
    _keep(f"{CHANNELS}.tokenFile", "channels.{0}.botToken", "file"),
    _keep(f"{CHANNELS}.{_ACCOUNT}.**", "channels.{0}.{1}"),
    _keep("routing.allowFrom", "channels.whatsapp.allowFrom"),
    _keep("routing.groupChat.requireMention", "channels.telegram.groups.*.requireMention", "mention"),
    _human("routing.groupChat.**", "later releases say messages.groupChat; aisopod has no such setting"),
    _keep("web.enabled", "channels.whatsapp.enabled"),
    # agents
    _keep(f"agents.defaults.{_AGENT}.**"),
    _keep(f"agents.entries.*.{_AGENT}.**"),
    _keep("agents.list.*.id", kind="id"),
    _keep(f"agents.list.*.{_AGENT}.**", "agents.entries.{0}.{1}"),
    _keep(f"agent.{_AGENT}.**", "agents.defaults.{0}"),
    _keep("identity.**", "agents.entries.main.identity"),
    _keep("defaultModel", "agents.defaults.model"),
    _keep("heartbeat.**", "agents.defaults.heartbeat"),
    # models
    _keep("models.providers.*.api", "models.providers.{0}.api", "api"),
    _keep(f"models.providers.*.{_PROVIDER}.**"),
    # variables
    _keep("env.vars.*", kind="variable"),
    _lose("env.shellEnv", "aisopod reads no login shell: put what it needs into the environment file"),
    _keep("env.*", kind="variable"),
    _drop("secrets", "each reference to it says itself where its secret is"),
    # where newer releases have them, which aisopod has not
    _human("auth", "logins of model providers: put their keys into models.providers"),
    _human("memorySearch", "later releases say memory.search; aisopod has no such setting"),
    _human("session.idleMinutes", "later releases say session.reset.idleMinutes; aisopod has no such setting"),
    _lose("media", "later releases say attachments; aisopod has no such feature"),
    _lose("audit", "later releases say logging.audit; aisopod has no such feature"),
    _lose("messages.tts", "later releases say tts; aisopod has no such feature"),
    _lose("messages|session|web.**", "aisopod has no such feature"),
    *(
        _lose(key, "aisopod has no such feature")
        for key in (
            "diagnostics|telemetry|browser|ui|acp|nodeHost|worktreeRoot|worktreeAcceleration|security|broadcast"
            "|attachments|tts|transcripts|discovery|talk|cloudWorkers|desktop|surfaces|canvasHost|audio|media",
            "accessGroups|tools|bindings|commands|approvals|cron|hooks|memory|mcp|skills|plugins|proxy",
        )
    ),
)


def matched(rule: Rule, path: Sequence[str | int], *, leaf: bool) -> tuple[str, ...] | None:
    """What the free names of a rule are at this path, None where it does not fit."""
    below = rule.key[-1] == "**"
    key = rule.key[:-1] if below else rule.key
    if (below and not leaf) or len(path) < len(key) or (not below and len(path) != len(key)):
        return None
    free = []
    for pattern, part in zip(key, path, strict=False):
        if pattern == "*" or ("|" in pattern and part in pattern.split("|")):
            free.append(str(part))
        elif pattern != part:
            return None
    return tuple(free)
