"""Whether GitHub's rules let a branch be pushed to: it tells them to everybody, other protection only to admins."""

from typing import Final
from urllib.parse import quote

from github.GithubException import UnknownObjectException
from github.Repository import Repository

_CLOSING: Final = frozenset({"merge_queue", "pull_request", "required_deployments", "required_status_checks", "update"})
"""Rules that a commit by the API breaks (GitHub documentation, "Available rules for rulesets")."""
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
