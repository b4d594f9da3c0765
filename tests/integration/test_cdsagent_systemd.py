"""cdsagent without containers of its own: the same config, as daemons of a real systemd."""

import json
import secrets
import shutil
from collections.abc import Iterator

import pytest

from cdsagent import KEY, Programs
from machines import PROGRAMS, Machine, Ran, machine

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.long]

SERVICES = ("index-service", "cli-tools", "agent")
_ASK = """
import json, sys, urllib.request
body = json.dumps(json.loads(sys.argv[2])).encode()
print(urllib.request.urlopen("http://127.0.0.1:" + sys.argv[1], body, timeout=20).read().decode())
"""


@pytest.fixture(scope="module")
def host(
    cdsagent: Programs, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Machine]:
    """A machine with the programs and the project; the services are installed, and their only secret is a file."""
    kept = pytestconfig.cache.mkdir("images") if pytestconfig.cache else tmp_path_factory.mktemp("images")
    with machine(tmp_path_factory.mktemp("machine"), kept) as made:
        made.shared.chmod(0o755)
        shutil.copytree(
            cdsagent.repository.root, made.shared / "project", ignore=shutil.ignore_patterns("dist", ".git")
        )
        for program in (cdsagent.index, cdsagent.cds, cdsagent.agent):
            shutil.copy(program, made.shared / program.name)
            made.out("install", "-m", "0755", f"/srv/{program.name}", f"{PROGRAMS}/{program.name}")
        made.out("mkdir", "-p", "/etc/agent")
        made.out("sh", "-c", "umask 077; echo ANTHROPIC_API_KEY_FILE=/etc/agent/key > /etc/agent/environment")
        made.out("sh", "-c", f"echo {KEY} > /etc/agent/key")
        ran = made.shipways("service", "install", "--system")
        assert 0 == ran.code, (ran, [state(made, name) for name in SERVICES])
        yield made


def state(host: Machine, service: str) -> Ran:
    """What systemd says of a service, with the end of its log."""
    return host.run("sh", "-c", f"systemctl status {service}; journalctl --namespace={service} -n 20")


def post(host: Machine, place: str, body: object) -> dict[str, object]:
    """The answer to a question there."""
    answer: dict[str, object] = json.loads(host.out("python3", "-c", _ASK, place, json.dumps(body)))
    return answer


def test_the_chain(host: Machine) -> None:
    """S1-11, S1-28: as daemons the agent runs the command line, which asks the index; the nonce comes back."""
    for name in SERVICES:
        assert "active" == host.show(f"{name}.service", "ActiveState"), state(host, name)
    nonce = secrets.token_hex(8)
    instance = post(host, "3030/v1/documents", {"id": nonce, "text": f"only {nonce} says it"})["instance"]
    found = post(host, "3031/search", {"question": nonce})["found"]
    assert isinstance(found, dict)
    assert (instance, nonce) == (found["instance"], found["hits"][0]["id"])
    assert nonce in host.out("cat", "/var/lib/agent/agent_logs/agent.log")


def test_indexes_survive_a_restart(host: Machine) -> None:
    """S1-10, S1-28: the folders of the service are those of the config, below /var/lib."""
    nonce = secrets.token_hex(8)
    before = post(host, "3030/v1/documents", {"id": nonce, "text": nonce})["instance"]
    host.out("systemctl", "restart", "index-service.service")
    host.out("systemctl", "start", "agent.service")
    found = post(host, "3031/search", {"question": nonce})["found"]
    assert isinstance(found, dict)
    assert (nonce, True) == (found["hits"][0]["id"], before != found["instance"])
    for folder in ("graph_index", "bm25_index"):
        assert nonce in host.out("sh", "-c", f"cat /var/lib/index-service/{folder}/*.json")


def test_the_key_stays_in_its_file(host: Machine) -> None:
    """S1-16: no unit, no environment of a process and no log has it."""
    said = host.out(
        "sh", "-c", "cat /etc/systemd/system/*.service; cat /proc/[0-9]*/environ; journalctl --namespace='*'"
    )
    assert "ANTHROPIC_API_KEY_FILE" in said
    assert KEY not in said
