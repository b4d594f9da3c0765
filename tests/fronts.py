"""tender proxy at a socket of systemd, and toys behind it as releases."""

import json

from machines import PROGRAMS, Machine

_UNITS = {
    "front.socket": "[Socket]\nListenStream=127.0.0.1:8090\n",
    "front.service": f"""[Service]
Type=notify
RuntimeDirectory=front
StateDirectory=front
ExecStart={PROGRAMS}/tender proxy --http --control /run/front/control --state /var/lib/front/backend
""",
}


def begin(host: Machine) -> None:
    """Start the proxy at port 8090."""
    for name, text in _UNITS.items():
        host.out("sh", "-c", f"printf %s '{text}' > /run/systemd/system/{name}")
    host.out("systemctl", "daemon-reload")
    host.out("systemctl", "start", *_UNITS)


def release(host: Machine, number: int) -> None:
    """Start a release beside the one that serves, and switch to it."""
    port = 8090 + number
    unit = f"--unit=release-{number}"
    host.out("systemd-run", "--quiet", unit, f"--setenv=TOY_PORT={port}", f"{PROGRAMS}/toy")
    host.wait(f"{PROGRAMS}/tender", "probe", f"http://127.0.0.1:{port}/health")
    assert 0 == proxy(host, "switch", "--to", f"127.0.0.1:{port}")["cut"]


def proxy(host: Machine, order: str, *words: str) -> dict[str, object]:
    """What the proxy answers to an order."""
    argv = (f"{PROGRAMS}/tender", "proxy", order, "--control", "/run/front/control", *words)
    told: dict[str, object] = json.loads(host.out(*argv))
    return told


def end(host: Machine) -> None:
    """Stop the proxy."""
    host.out("systemctl", "stop", *_UNITS)
