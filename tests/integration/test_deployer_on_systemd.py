"""The deployer as its rendered unit starts it, under a real systemd as PID 1."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from machines import PROGRAMS, Machine, machine
from toys import SHIPWAYS

pytestmark = [pytest.mark.integration, pytest.mark.long]

ROOT = Path(__file__).parent.parent.parent
UNIT = "/etc/systemd/system/deployer.service"
ASKING = """
import sys, urllib.error, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"authorization": "Bearer " + sys.argv[2]})
try:
    print(urllib.request.urlopen(request, timeout=30).read().decode())
except urllib.error.HTTPError as answer:
    print(answer.read().decode())
"""


def asked(host: Machine, path: str, token: str = "") -> str:
    """What it answers there."""
    return host.out("python3", "-c", ASKING, f"http://127.0.0.1:8007{path}", token)


def exposure(host: Machine) -> float:
    """What systemd rates the unit, from 0 (nothing can happen) to 10; it fails above 2."""
    said = host.out("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", UNIT)
    return float(said.partition("Overall exposure level for deployer.service: ")[2].split()[0])


def test_deployer(tmp_path: Path, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]) -> None:
    """S0-11, S1-01, S2-06: installed from our own config it is ready once it answers, works in its sandbox, and ends.

    The unit is the committed one, the config that of the package; no host can be reached from here, and it says so.
    """
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else tmp_path
    with machine(tmp_path, kept) as host:
        host.shared.chmod(0o755)
        for name in ("pyproject.toml", "shipways.lock", "packaging/config/shipways.toml"):
            (place := host.shared / "project" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place)
        (host.shared / "shipways").write_text(SHIPWAYS)
        host.out("install", "-m", "0755", "/srv/shipways", f"{PROGRAMS}/shipways")
        assert 0 == (ran := host.shipways("service", "install", "--system")).code, ran
        assert (ROOT / "deployment/systemd/deployer.service").read_text() == host.run("cat", UNIT).out
        assert ("active", "healthy") == (
            host.show("deployer.service", "ActiveState"),
            host.show("deployer.service", "StatusText"),
        )
        assert {"status": "alive"} == json.loads(asked(host, "/livez"))
        assert "unreachable" == json.loads(asked(host, "/health"))["ssh_status"]
        as_user = ("runuser", "-u", "deployer", "--", "shipways", "serve", "--config", "/etc/deployer/shipways.toml")
        token = host.out(*as_user, "--new-token", "prometheus", "--scopes", "read")
        assert 'route="/health",status="500"} 1.0' in asked(host, "/metrics", token)
        assert "deployer 600" == host.out("stat", "-c", "%U %a", "/var/lib/deployer/keys/tokens")
        assert "" == host.run("systemd-analyze", "verify", UNIT).err
        rated = exposure(host)
        with capsys.disabled():
            sys.stdout.write(f"\ndeployer.service: exposure {rated}\n")
        host.out("systemctl", "stop", "deployer.service")
        assert "success" == host.show("deployer.service", "Result")
