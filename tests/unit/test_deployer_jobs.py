"""The operations of the deployer on jobs, as its specification has them."""

import itertools
import json
from typing import Any

import httpx
import pytest

from asking import CANARY, asked, done, ended, wish
from shipways.errors import PreflightError, Problem
from shipways.model.job import Hold, Job
from shipways.testing.desk import MemoryDesk

SPECIFIED = ["Validation", "Transfer", "Build", "Start Service", "Verify Health", "Register"]


def problems(answer: httpx.Response, status: int) -> list[str]:
    """The paths of what is wrong; the answer is problem details."""
    assert (status, "application/problem+json") == (answer.status_code, answer.headers["content-type"]), answer.text
    assert status == answer.json()["status"]
    return [each["path"] for each in answer.json()["problems"]]


def test_deploy() -> None:
    """S2-01: a request is answered by 202 with the id of the job, its status and when it was made."""

    async def act(http: httpx.AsyncClient) -> None:
        answer = await http.post("/deploy", json=wish())
        assert 202 == answer.status_code
        assert ["deploy_job_id", "status", "created_at"] == list(answer.json())
        assert "pending" == answer.json()["status"]
        assert f"/deploy/{answer.json()['deploy_job_id']}" == answer.headers["location"]

    asked().play(act)


def test_arrives() -> None:
    """S2-01, S2-13: what is asked for is what the desk gets; registration is wanted unless it is said."""
    here = asked()
    values = {"A": "x=1 '\"$(id)`\n\t%n\\", "B": "", "Ü_"[1:]: "naïve ☃ 文"}

    async def act(http: httpx.AsyncClient) -> None:
        job = await done(http, environment_vars=values, deployment_method="docker")
        found = await here.desk.job(job["deploy_job_id"])
        assert found
        got = found.request
        assert values == {name: value.open() for name, value in got.environment.items()}
        assert ("/srv/services/pulse", "pulse", 24, 8010) == (
            got.service_path,
            got.service_name,
            got.droplet_id,
            got.service_port,
        )
        assert ("docker", True, "ann") == (got.method, got.auto_register, found.by)

    here.play(act)


BAD: list[tuple[str, object]] = [
    ("service_path", 1),
    ("service_path", "pulse"),
    ("service_path", ""),
    ("service_path", "/srv/services/../../etc"),
    ("service_path", "/srv/services/a\0b"),
    ("service_path", "/srv/services/a\nb"),
    ("service_path", "/" + "x" * 5000),
    ("service_name", None),
    ("droplet_id", "24"),
    ("droplet_id", 1.5),
    ("droplet_id", -1),
    ("droplet_id", 10**30),
    ("droplet_id", 1e300),
    ("droplet_id", True),
    ("service_port", 0),
    ("service_port", 65536),
    ("service_port", "8010"),
    ("deployment_method", "kubernetes"),
    ("deployment_method", "Docker"),
    ("auto_register", "yes"),
    ("environment_vars", []),
    ("environment_vars", {"A": 1}),
    ("environment_vars", {"A": None}),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_input(field: str, value: object) -> None:
    """S2-02: what is not as it should be is 400, not 422, with the path to it; no job is made."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        (path,) = problems(await http.post("/deploy", json=wish(**{field: value})), 400)
        assert field == path.partition(".")[0]
        assert [] == (await http.get("/deploy")).json()

    here.play(act)


def test_every_problem() -> None:
    """S2-02: everything that is wrong is told at once; what is missing, and what nobody knows, too."""

    async def act(http: httpx.AsyncClient) -> None:
        answer = await http.post("/deploy", json={"service_port": 0, "enviroment_vars": {"A": CANARY}})
        wrong = {"service_path", "service_name", "droplet_id", "deployment_method", "environment_vars"}
        assert wrong | {"service_port", "enviroment_vars"} == set(problems(answer, 400))
        assert CANARY not in answer.text

    asked().play(act)


NAMES = [
    *("a;reboot", "../etc", "-rm", "--help", "a b", "a/b", "a\\b", "$(id)", "`id`", "a|b", "a&b", "a\nb", "a\0", ""),
    *("PULSE", "pulsé", "ｐulse", "a" * 255, "a" * 41, ".", "..", "a.", "a-", "\ud800", "a\u202eb", "%2e%2e", "*"),
]


@pytest.mark.parametrize("name", NAMES)
def test_injected_name(name: str) -> None:
    """F26: a name that a shell, a path, a unit or an image would take for something else is refused."""

    async def act(http: httpx.AsyncClient) -> None:
        body = json.dumps(wish(service_name=name))
        answer = await http.post("/deploy", content=body, headers={"content-type": "application/json"})
        assert ["service_name"] == problems(answer, 400)

    asked().play(act)


def test_many_variables() -> None:
    """F25: a thousand variables arrive as they are, with newlines and whatever a shell or a unit would read in them."""
    here = asked()
    values = {f"V_{number}": f"{number}\n$(id)%n'\"\\\t{{port}}" for number in range(1000)}

    async def act(http: httpx.AsyncClient) -> None:
        job = await done(http, environment_vars=values)
        found = await here.desk.job(job["deploy_job_id"])
        assert found
        assert values == {name: value.open() for name, value in found.request.environment.items()}

    here.play(act)


@pytest.mark.parametrize(
    ("name", "value"),
    [("A", "a\0b"), ("A=B", "x"), ("", "x"), ("A B", "x"), ("1A", "x"), ("A\nB", "x"), ("A", "\udc80"), ("\ud800", "")],
)
def test_impossible_variable(name: str, value: str) -> None:
    """F25: a NUL, half a letter, and a name that no environment can have are refused."""

    async def act(http: httpx.AsyncClient) -> None:
        body = json.dumps(wish(environment_vars={name: value}))
        answer = await http.post("/deploy", content=body, headers={"content-type": "application/json"})
        assert ["environment_vars"] == [path.partition(".")[0] for path in problems(answer, 400)]

    asked().play(act)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a":1}x', b"[" * 100000, b'"x"'])
def test_no_request(body: bytes) -> None:
    """S2-02: what is no JSON, or no object, is 400."""

    async def act(http: httpx.AsyncClient) -> None:
        problems(await http.post("/deploy", content=body, headers={"content-type": "application/json"}), 400)
        problems(await http.post("/deploy", content=body), 400)

    asked().play(act)


def test_not_below_the_sources() -> None:
    """S2-02: what the desk finds wrong is 400 too."""

    async def act(http: httpx.AsyncClient) -> None:
        answer = await http.post("/deploy", json=wish(service_path="/etc/pulse"))
        assert ["service_path"] == problems(answer, 400)

    asked().play(act)


def test_not_written() -> None:
    """S2-02: a job that cannot be made is 500, and says why."""
    here = asked()
    here.desk.full = True

    async def act(http: httpx.AsyncClient) -> None:
        assert ["journal"] == problems(await http.post("/deploy", json=wish()), 500)

    here.play(act)


class Unknown(MemoryDesk):
    """A desk whose host has another key than the known one."""

    async def rollback(self, id: str, *, by: str) -> Job | None:  # noqa: A002 - the word of the model
        """It is asked what runs."""
        raise PreflightError(Problem(path="host-1", what="the key of this host is not the known one"))

    async def hold(self, service: str, *, reason: str, by: str) -> Hold:
        """It keeps the hold."""
        raise PreflightError(Problem(path="host-1", what="the key of this host is not the known one"))

    async def release(self, service: str, *, by: str) -> bool:
        """The same."""
        raise PreflightError(Problem(path="host-1", what="the key of this host is not the known one"))


def test_what_is_wrong_with_a_host(caplog: pytest.LogCaptureFixture) -> None:
    """S2-04: F17: it is no fault of who asks: 500, with the host, and in the log."""
    here = asked()
    here.app.state.house.desk = Unknown(clock=here.clock)

    async def act(http: httpx.AsyncClient) -> None:
        for method, path, body in (
            ("POST", "/deploy/1/rollback", None),
            ("PUT", "/services/pulse/hold", {"reason": "x"}),
            ("DELETE", "/services/pulse/hold", None),
        ):
            assert ["host-1"] == problems(await http.request(method, path, json=body), 500)

    here.play(act)
    assert 3 == caplog.text.count("not the known one")


def test_job() -> None:
    """S2-03: a job is told with phases, URL and registration; while it runs its phases only go on."""

    async def act(http: httpx.AsyncClient) -> None:
        id = (await http.post("/deploy", json=wish())).json()["deploy_job_id"]  # noqa: A001 - the word of the model
        order, seen = ("pending", "running", "success"), []
        while not seen or seen[-1]["status"] != "completed":
            seen.append((await http.get(f"/deploy/{id}")).json())
        ranks = [[order.index(phase["status"]) for phase in each["phases"]] for each in seen]
        assert all(
            one <= other
            for former, later in itertools.pairwise(ranks)
            for one, other in zip(former, later, strict=True)
        )
        assert {"pending", "running", "completed"} == {each["status"] for each in seen}
        last: dict[str, Any] = seen[-1]
        assert (True, None, "http://host-1:8010") == (last["success"], last["error"], last["service_url"])
        assert {"status": "registered"} == last["registration"]["registry_response"]
        assert last["service_url"] == last["registration"]["endpoint"]

    asked().play(act)


def test_phases() -> None:
    """S2-09: six phases with the names of the specification; after one that failed the later ones are pending."""
    here = asked()
    here.desk.sick.add("pulse")

    async def act(http: httpx.AsyncClient) -> None:
        job = await done(http)
        assert SPECIFIED == [phase["phase"] for phase in job["phases"]]
        assert [*["success"] * 4, "failed", "pending"] == [phase["status"] for phase in job["phases"]]
        assert ("failed", False, "answers 503") == (job["status"], job["success"], job["phases"][4]["error"])
        assert job["error"]

    here.play(act)


def test_unknown_job() -> None:
    """S2-03, S2-04: a job that there is not is 404, whatever is asked of it."""

    async def act(http: httpx.AsyncClient) -> None:
        for name in ("none", "%00", "..%2f..", "%F0%9F%9A%80", "x" * 500):
            problems(await http.get(f"/deploy/{name}"), 404)
            problems(await http.get(f"/deploy/{name}/events"), 404)
            problems(await http.post(f"/deploy/{name}/rollback"), 404)
            problems(await http.post(f"/deploy/{name}/cancel"), 404)

    asked().play(act)


def test_rollback() -> None:
    """S2-04: the first deployment has nothing to return to (409); after a second one the rollback is confirmed."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        first = await done(http)
        assert ["pulse"] == problems(await http.post(f"/deploy/{first['deploy_job_id']}/rollback"), 409)
        second = await done(http, service_path="/srv/services/pulse-2")
        before = (await http.get("/services")).json()[0]
        answer = await http.post(f"/deploy/{second['deploy_job_id']}/rollback")
        assert (200, "completed", True) == (answer.status_code, answer.json()["status"], answer.json()["success"])
        assert second["deploy_job_id"] == answer.json()["rolled_back_job_id"]
        after = (await http.get("/services")).json()[0]
        assert (before["previous_digest"], before["digest"]) == (after["digest"], after["previous_digest"])
        again = await http.post(f"/deploy/{second['deploy_job_id']}/rollback")
        assert [second["deploy_job_id"]] == problems(again, 409)
        assert "completed" == (await ended(http, answer.json()["deploy_job_id"]))["status"]

    here.play(act)
