"""Hosts as they are in production: systemd is PID 1, sshd answers, and each has an address of its own."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engines import layer
from machines import RIGHTS, Machine
from registries import docker_engine, need_dockerd
from shipways.deploy.sudoers import rule
from support import need

_PACKAGES = (
    *("ca-certificates", "dbus", "logrotate", "openssh-server", "procps"),
    *("sudo", "systemd", "systemd-sysv"),
)
_DOCKER = ("--device-cgroup-rule", "a *:* rwm", "--volume", "/var/lib/docker")
"""What an engine in a host needs; its layers lie on a disk of their own, since overlays do not stack."""
_RULES = '{"iptables": false, "ip6tables": false, "ip-forward": false}'
_DAEMON = f"""--customize-hook=mkdir -p "$1/etc/docker" && printf '%s' '{_RULES}' >"$1/etc/docker/daemon.json\""""
"""Its engine leaves the rules of the kernel alone."""
_HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
_KEYS = f"rm -f /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N '' -f {_HOST_KEY}; systemctl restart ssh"
_USER = (
    "useradd --create-home --shell /bin/sh deploy; printf '%s' \"$1\" >/etc/sudoers.d/deploy; "
    "for home in /root /home/deploy; do "
    'install -d -m 0700 $home/.ssh; printf "%s" "$0" >$home/.ssh/authorized_keys; done; chown -R deploy: /home/deploy'
)


@dataclass(frozen=True)
class Fleet:
    """The hosts by their addresses, the key that opens them, and the file of theirs."""

    hosts: dict[str, Machine]
    key: Path
    known: Path


@contextlib.contextmanager
def fleet(
    folder: Path, kept: Path, count: int, *, docker: bool = False, python: bool = False, disk: str = ""
) -> Iterator[Fleet]:
    """Hosts with root and a user `deploy`, who may by sudo what is printed for it. Needs root, or is a loud skip.

    With `docker` each has an engine of its own, with `python` that language and its environments, with `disk` that
    much ("700m") at /opt/services, so that it can be full.
    """
    need_dockerd()
    need("mmdebstrap", "ip", "ssh-keygen")
    more = (*(("docker.io",) if docker else ()), *(("python3", "python3-venv") if python else ()))
    files = layer(kept, (*_PACKAGES, *more), "--variant=minbase", *((_DAEMON,) if docker else ()))
    key, known = folder / "key", folder / "known_hosts"
    _here("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    made: dict[str, Machine] = {}
    with docker_engine() as engine:
        engine.docker("import", "--change", 'CMD ["/sbin/init"]', str(files), "host:1")
        try:
            names = [f"host-{number}" for number in range(1, count + 1)]
            for name in names:
                engine.docker(
                    *("run", "--detach", "--name", name, "--stop-signal", "SIGRTMIN+3"),
                    *(*RIGHTS, *(_DOCKER if docker else ()), *(_disk(folder / name, disk) if disk else ()), "host:1"),
                )
            for name in names:  # all boot at once
                host = Machine(engine, name, folder)
                made[_linked(host)] = host
                _opened(host, key.with_suffix(".pub").read_text(), docker=docker)
            known.write_text("".join(f"{address} {_shown(host)}\n" for address, host in made.items()))
            yield Fleet(made, key, known)
        finally:
            for host in made.values():
                engine.docker("rm", "--force", host.name)
                if disk:
                    _here("umount", str(folder / host.name))


def inside(host: Machine, *words: str) -> None:
    """Run a program of this machine in the network of a host: that has few of its own."""
    pid = host.docker.docker("inspect", "--format", "{{.State.Pid}}", host.name)
    _here("nsenter", "--target", pid, "--net", *words)


def link(host: Machine, state: str) -> None:
    """Its own end: nothing passes while it is "down"; "up" it does again."""
    inside(host, "ip", "link", "set", "eth0", state)


def rebooted(host: Machine) -> None:
    """Everything on it ends at once, as when its power fails; then it boots."""
    host.docker.docker("kill", host.name)
    host.docker.docker("start", host.name)
    _linked(host)
    host.booted(whole=False)
    host.out("mount", "--make-rshared", "/")


def _linked(host: Machine) -> str:
    """Its address, which a pair of devices joins to this machine; they end with it."""
    net, number = os.getpid() % 250, int(host.name.rpartition("-")[2])
    pid = host.docker.docker("inspect", "--format", "{{.State.Pid}}", host.name)
    here, there = f"swh{os.getpid() % 100000}.{number}", f"10.213.{net}.{number * 4 + 2}"
    subprocess.run(("ip", "link", "delete", here), capture_output=True, check=False)  # of before it was rebooted
    _here("ip", "link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", pid)
    _here("ip", "address", "add", f"10.213.{net}.{number * 4 + 1}/30", "dev", here)
    _here("ip", "link", "set", here, "up")
    for words in (("address", "add", f"{there}/30", "dev", "eth0"), ("link", "set", "eth0", "up")):
        inside(host, "ip", *words)
    return there


def _disk(place: Path, size: str) -> tuple[str, ...]:
    """Of the host: in memory, of a size that nobody else feels when it is full."""
    place.mkdir()
    _here("mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", str(place))
    return ("--volume", f"{place}:/opt/services")


def _opened(host: Machine, public: str, *, docker: bool) -> None:
    """It has booted, and lets in who has the key. Mounts spread as on a machine, where credentials are some."""
    host.booted(whole=not docker)
    if docker:
        host.wait("docker", "version", seconds=60)
    host.out("mount", "--make-rshared", "/")
    host.out("sh", "-c", f"{_USER}; {_KEYS}", public, rule("deploy", "/opt/shipways"))


def _shown(host: Machine) -> str:
    return host.out("cut", "-d", " ", "-f", "1-2", f"{_HOST_KEY}.pub")


def _here(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, (words, done.stderr)
