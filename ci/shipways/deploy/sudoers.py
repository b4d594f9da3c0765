"""What a user on a host may run as root, so that services can be deployed there without logging in as root."""

from typing import Final

_PROGRAMS: Final = (
    *("cat", "cp", "docker", "find", "install", "journalctl", "ln", "mkdir", "python3", "readlink", "rm", "rmdir"),
    *("sh", "sha256sum", "systemctl", "systemd-run", "tar", "test", "touch", "true", "xargs"),
)
_RULE: Final = """\
# /etc/sudoers.d/shipways: what `shipways` runs on this host, and nothing else.
# It writes units and starts services, which is as much as root may: keep the key of this user as you keep root's.
{user} ALL=(root) NOPASSWD: {programs}
"""


def rule(user: str, root: str) -> str:
    """A file for sudo. `root` is the folder of releases on the host."""
    programs = (*(f"/usr/bin/{name}" for name in _PROGRAMS), f"{root}/bin/tender")
    return _RULE.format(user=user, programs=", ".join(programs))
