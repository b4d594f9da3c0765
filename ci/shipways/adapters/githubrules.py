"""Whether GitHub lets a branch be pushed to: it tells rules to everybody, and of older protection only the checks."""

from typing import Final
from urllib.parse import quote

from github.GithubException import UnknownObjectException
from github.Repository import Repository

_CLOSING: Final = frozenset({"merge_queue", "pull_request", "required_deployments", "required_status_checks", "update"})
"""Rules that a commit by the API breaks (GitHub documentation, "Available rules for rulesets")."""
_OTHERS: Final = "non_admins"
"""How GitHub says that protection does not bind admins."""
_PASSES: Final = frozenset({"always", "exempt"})


def refusal(repository: Repository, branch: str) -> str:
    """The first rule that refuses a commit by this token; empty when there is none, or the server tells none."""
    place = f"{repository.url}/rules"
    try:
        _, rules = repository.requester.requestJsonAndCheck("GET", f"{place}/branches/{quote(branch)}")
        for rule in rules:
            if rule["type"] in _CLOSING:
                _, ruleset = repository.requester.requestJsonAndCheck("GET", f"{place}ets/{rule['ruleset_id']}")
                if ruleset.get("current_user_can_bypass", "always") not in _PASSES:
                    return f"{rule['type']}, of the ruleset {ruleset['name']}"
    except UnknownObjectException:
        return ""
    return ""


def protection(repository: Repository, branch: str) -> tuple[bool, str]:
    """Whether the branch is protected; and which status checks a commit by this token lacks, empty when none is told.

    (GitHub documentation, "Get a branch"; what else protects it only admins are told.)
    """
    _, said = repository.requester.requestJsonAndCheck("GET", f"{repository.url}/branches/{quote(branch)}")
    wanted = said.get("protection", {}).get("required_status_checks") or {}
    contexts, level = wanted.get("contexts", []), wanted.get("enforcement_level", "off")
    binds = bool(contexts) and level != "off" and not (level == _OTHERS and _is_admin(repository))
    return bool(said["protected"]), f"it needs the status checks {', '.join(contexts)}" if binds else ""


def _is_admin(repository: Repository) -> bool:
    return bool(repository.permissions and repository.permissions.admin)
