"""What goes wrong in the middle of a deployment: each fault by its number in the list of practice, and how it ends."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from cells import Ground
from machines import Machine
from sshhosts import inside, link, rebooted

PHASES = ("Validation", "Transfer", "Build", "Start Service", "Verify Health")
BOTH = ("docker", "systemd")
_SICK = """
printf 'FROM python:1\\nENV SICK=yes\\n' | docker build --quiet --tag python:1 -
systemctl set-environment SICK=yes
"""
_WELL = "systemctl unset-environment SICK; ! docker image inspect well:1 >/dev/null || docker tag well:1 python:1"
_FULL = """
fallocate --length "$(df --output=avail --block-size=1 /opt/services | tail -n 1)" /opt/services/ballast
cat /dev/zero >/opt/services/ballast.more
"""
_READ_ONLY = "mount --bind /opt/services /opt/services && mount -o remount,bind,ro /opt/services"
_NO_INODES = 'mount -o remount,nr_inodes="$(df --output=iused /opt/services | tail -n 1 | tr -d " ")" /opt/services'
_WRITABLE = "! grep ' /opt/services ' /proc/mounts | sed 1d | grep . || umount --lazy /opt/services"
"""It is mounted once, as what all is written to, and a second time where it is read-only."""
_HALF_OPEN = """
ss --no-header --tcp --numeric state established sport = :22 | sed 's/.*:\\([0-9]*\\) *$/\\1/' | while read -r port; do
  iptables --append INPUT --protocol tcp --dport 22 --sport "$port" --jump DROP
  iptables --append OUTPUT --protocol tcp --sport 22 --dport "$port" --jump DROP
done
"""
_EDIT = 'for each in /etc/systemd/system/shop-*.service; do echo "# edited by hand" >>"$each"; done'
_MASK = """
for each in /etc/systemd/system/shop-*-proxy.service; do ln -sfT /dev/null "$each"; done
systemctl daemon-reload
"""
_ENGINE_KILLED = "systemctl reset-failed docker.service; systemctl kill --signal=KILL docker.service"
"""systemd starts it again, but not three times in a minute, and cells may be faster than that."""
_RELOAD = "for each in $(seq 40); do systemctl daemon-reload; sleep 0.1; done"
_SPOIL = """
while sleep 0.01; do
  for pack in /opt/services/*/releases/*/incoming/*; do
    [ ! -s "$pack" ] || { printf '!' | dd of="$pack" bs=1 seek=700 conv=notrunc status=none; touch /run/met; exit; }
  done
done
"""
"""One byte of what arrives, once."""
_CURE = f"""
systemctl stop fault.service
{_WRITABLE}
mount -o remount,nr_inodes=1000000 /opt/services
rm -f /run/met /opt/services/ballast /opt/services/ballast.more
{_WELL}
"""


class Bad(NamedTuple):
    """A release that does not do well, or not on every host: what it does, where that is seen, and who brings it.

    `by` is a deployer of the ground. Where it `fails` is nobody's choice, its job has to.
    """

    behaviour: str
    phase: str = "Verify Health"
    by: str = "hasty"
    fails: bool = True


class Injected(NamedTuple):
    """What is done to the service or to a host while a phase runs.

    One that `lurks` says by /run/met that it came; where it `keeps` what has come, that cannot be taken back at once.
    """

    act: Callable[[Ground, str], None]
    phases: tuple[str, ...] = PHASES
    methods: tuple[str, ...] = BOTH
    lurks: bool = False
    keeps: bool = False


BAD: Final[Mapping[str, Bad]] = {
    "F9 more than the quota": Bad("is too large", "Validation", "true"),
    "F12 wrong status": Bad("wrong status"),
    "F12 wrong body": Bad("wrong body"),
    "F12 wrong version": Bad("wrong version"),
    "F12 redirect": Bad("elsewhere"),
    "F12 hangs": Bad("hangs"),
    "F12 answer without end": Bad("endless"),
    "F12 listens too late": Bad("after 600"),
    "F12 flaps": Bad("flaps", fails=False),
    "F13 ends at once": Bad("ends at once"),
    "F13 ends soon": Bad("ends soon"),
    "F21 one host does not build it": Bad("does not build there", "Build", "three"),
    "F21 it ends at once on one host": Bad("ends at once there", "Start Service", "three"),
    "F21 wrong status on one host": Bad("wrong status there", "Verify Health", "three"),
    "F24 log of 100 MB": Bad("floods", by="true", fails=False),
}


def killed(ground: Ground, job: str) -> None:
    """The service dies at once, and is started again."""
    del job
    ground.true.end(signal.SIGKILL)
    ground.true.start()


def stopped(ground: Ground, job: str) -> None:
    """The service is asked to end, as where a new version of it comes (F31), and is started again."""
    del job
    ground.true.end(signal.SIGTERM)
    ground.true.start()


def cancelled(ground: Ground, job: str) -> None:
    """Somebody changes his mind."""
    ground.true.cancel(job)


def cut(ground: Ground, job: str) -> None:
    """Nothing passes for five seconds."""
    del job
    parted(ground.victim, 5)


def parted(host: Machine, seconds: float) -> None:
    """A host, from everybody."""
    link(host, "down")
    time.sleep(seconds)
    link(host, "up")


def _there(script: str, *, sure: bool = False) -> Callable[[Ground, str], None]:
    """On the victim, to its end, however that is; what has to be done is `sure`."""

    def act(ground: Ground, job: str) -> None:
        del job
        run = ground.victim.out if sure else ground.victim.run
        run("sh", "-c", script)

    return act


def _between(script: str) -> Callable[[Ground, str], None]:
    """On what the victim gets and sends."""

    def act(ground: Ground, job: str) -> None:
        del job
        inside(ground.victim, "sh", "-c", script)

    return act


def _beside(script: str) -> Callable[[Ground, str], None]:
    """On the victim, while all goes on."""

    def act(ground: Ground, job: str) -> None:
        del job
        ground.victim.out("systemd-run", "--quiet", "--collect", "--unit=fault", "sh", "-c", script)

    return act


def _paused(ground: Ground, job: str) -> None:
    """Who holds the lock stands still for a while, and goes on."""
    del job
    ground.victim.run("pkill", "-STOP", "-x", "tender")
    time.sleep(2)
    ground.victim.run("pkill", "-CONT", "-x", "tender")


def sicken(ground: Ground) -> None:
    """The victim is a host on which some releases do not do well."""
    ground.victim.out("sh", "-c", _SICK)


def cured(ground: Ground) -> None:
    """What a fault has left is taken away, as somebody does who has seen the error."""
    ground.victim.out("sh", "-c", _CURE)
    inside(ground.victim, "sh", "-c", "iptables --flush INPUT; iptables --flush OUTPUT")
    link(ground.victim, "up")


INJECTED: Final[Mapping[str, Injected]] = {
    "F1 kill -9": Injected(killed),
    "F2 sessions killed": Injected(_there("pkill -KILL -f '^sshd: root'")),
    "F3 cancelled": Injected(cancelled),
    "F3 F31 SIGTERM": Injected(stopped),
    "F4 reboot": Injected(lambda ground, _: rebooted(ground.victim), PHASES[2:]),
    "F5 engine killed": Injected(_there(_ENGINE_KILLED), methods=("docker",)),
    "F6 units read again and again": Injected(_beside(_RELOAD), PHASES[3:]),
    "F6 unit edited": Injected(_there(_EDIT), PHASES[:1]),
    "F6 unit masked": Injected(_there(_MASK), PHASES[3:4]),
    "F7 link cut for 5 s": Injected(cut),
    "F7 half open": Injected(_between(_HALF_OPEN), (PHASES[2], PHASES[4])),
    "F7 one packet of twenty lost": Injected(
        _between("iptables --append INPUT --match statistic --mode random --probability 0.05 --jump DROP"), PHASES[:1]
    ),
    "F8 disk full": Injected(_there(_FULL)),
    "F8 disk read-only": Injected(_there(_READ_ONLY, sure=True), PHASES[1:], keeps=True),
    "F8 no inodes": Injected(_there(_NO_INODES, sure=True), (PHASES[1], PHASES[3])),
    "F10 a bit flipped": Injected(_beside(_SPOIL), PHASES[1:2], lurks=True),
    "F13 killed, as by the kernel": Injected(_there("pkill -KILL -f [m]ain.py"), (PHASES[2], PHASES[4])),
    "F16 holder paused": Injected(_paused, PHASES[1:]),
}
"""Faults of the outside, with the phases in which they come, and the methods."""


def cells() -> Iterator[tuple[str, str, str]]:
    """The fault, the phase, the method."""
    for method in BOTH:
        for fault, bad in BAD.items():
            yield fault, bad.phase, method
        for fault, each in INJECTED.items():
            for phase in each.phases if method in each.methods else ():
                yield fault, phase, method
