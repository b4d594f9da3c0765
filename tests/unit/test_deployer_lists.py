"""Lists of jobs, keys, cancelling, events, and what is held."""

import json
import re

import httpx

from asking import CANARY, asked, done, wish


async def pages(http: httpx.AsyncClient, path: str) -> list[list[str]]:
    """The ids of each page, as the links lead from one to the next."""
    found = []
    while path:
        answer = await http.get(path)
        assert 200 == answer.status_code, answer.text
        found.append([job["deploy_job_id"] for job in answer.json()])
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        path = link[1] if link else ""
    return found


def test_history() -> None:
    """S2-05: the jobs of a service, the newest first; a service of which there is none is 404."""

    async def act(http: httpx.AsyncClient) -> None:
        first, _, third = await done(http), await done(http, service_name="aegis"), await done(http)
        answer = await http.get("/deploy/history/pulse")
        assert [third, first] == answer.json()
        assert 404 == (await http.get("/deploy/history/none")).status_code
        assert 404 == (await http.get("/deploy/history/..%2F")).status_code

    asked().play(act)


def test_pages() -> None:
    """S2-05: each job is on one page, also when new ones come while somebody turns the pages."""

    async def act(http: httpx.AsyncClient) -> None:
        made = [(await done(http))["deploy_job_id"] for _ in range(5)][::-1]
        assert [made[:2], made[2:4], made[4:]] == await pages(http, "/deploy?limit=2")
        assert [made[:2], made[2:4], made[4:]] == await pages(http, "/deploy/history/pulse?limit=2")
        assert [made] == await pages(http, "/deploy?limit=5")
        begun = await http.get("/deploy?limit=2")
        await done(http)
        following = re.search("<(.+)>", begun.headers["link"])
        assert following
        assert [made[2:4], made[4:]] == await pages(http, following[1])

    asked().play(act)


def test_bad_paging() -> None:
    """S2-02: no page, a page that is too long, and one after a job that there is not, are 400."""

    async def act(http: httpx.AsyncClient) -> None:
        await done(http)
        for query in ("limit=0", "limit=201", "limit=x", "before=none", f"before={'x' * 65}"):
            for path in ("/deploy", "/deploy/history/pulse"):
                assert 400 == (await http.get(f"{path}?{query}")).status_code, query

    asked().play(act)


def test_key() -> None:
    """A request that is sent again with its key is the same job; another request with that key is 409."""

    async def act(http: httpx.AsyncClient) -> None:
        headers = {"Idempotency-Key": "4f1c"}
        first, again = [await http.post("/deploy", json=wish(), headers=headers) for _ in range(2)]
        assert (202, first.json()["deploy_job_id"]) == (again.status_code, again.json()["deploy_job_id"])
        other = await http.post("/deploy", json=wish(service_port=8011), headers=headers)
        assert 409 == other.status_code
        assert 1 == len((await http.get("/deploy")).json())
        for key in ("x" * 256, "a b", "ä"):
            answer = await http.post("/deploy", json=wish(), headers={"Idempotency-Key": key.encode()})  # type: ignore[dict-item]
            assert 400 == answer.status_code

    asked().play(act)


def test_cancel() -> None:
    """A job that is cancelled is failed, and its error says by whom; one that has ended stays as it is."""
    here = asked()
    here.desk.still = True

    async def act(http: httpx.AsyncClient) -> None:
        id = (await http.post("/deploy", json=wish())).json()["deploy_job_id"]  # noqa: A001 - the word of the model
        answer = await http.post(f"/deploy/{id}/cancel")
        job = answer.json()
        assert (200, "failed", "cancelled by ann") == (answer.status_code, job["status"], job["error"])
        assert (False, ["pending"] * 6) == (job["success"], [phase["status"] for phase in job["phases"]])
        assert job == (await http.post(f"/deploy/{id}/cancel")).json()

    here.play(act)


def events(text: str) -> list[tuple[int, str, dict[str, object]]]:
    """Each event with its id and kind."""
    found = []
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        found.append((int(lines.get("id", "0")), lines["event"], json.loads(lines["data"])))
    return found


def test_events() -> None:
    """Events have the numbers of news, go on after the last that came, and end with the job as it stands."""

    async def act(http: httpx.AsyncClient) -> None:
        id = (await http.post("/deploy", json=wish())).json()["deploy_job_id"]  # noqa: A001 - the word of the model
        answer = await http.get(f"/deploy/{id}/events")
        assert "text/event-stream" == answer.headers["content-type"].partition(";")[0]
        *found, last = events(answer.text)
        assert list(range(1, len(found) + 1)) == [number for number, _, _ in found]
        assert ("end", "completed") == (last[1], last[2]["status"])
        assert {"status", "phase"} == {kind for _, kind, _ in found}
        later = await http.get(f"/deploy/{id}/events", headers={"Last-Event-ID": "4"})
        assert [*found[4:], last] == events(later.text)
        for wrong in ("x", "-1", "9" * 30):
            assert 400 == (await http.get(f"/deploy/{id}/events", headers={"Last-Event-ID": wrong})).status_code

    asked().play(act)


def test_log_in_events() -> None:
    """A line of a log cannot make another event, whatever is in it."""
    here = asked()

    async def act(http: httpx.AsyncClient) -> None:
        job = await done(http)
        text = "a\n\nevent: end\ndata: {}\n\n\r\n\0☃ <script>"
        here.desk.tell(job["deploy_job_id"], "log", text, "Build")
        *_, told, last = events((await http.get(f"/deploy/{job['deploy_job_id']}/events")).text)
        assert ("log", text, "end") == (told[1], told[2]["text"], last[1])

    here.play(act)


def test_hold() -> None:
    """What is held is shown with its reason, and deploying to it is 409, until the hold is taken back."""

    async def act(http: httpx.AsyncClient) -> None:
        job = await done(http)
        assert 200 == (await http.put("/services/pulse/hold", json={"reason": "the audit"})).status_code
        (placed,) = (await http.get("/services")).json()
        assert ("the audit", "ann") == (placed["hold"]["reason"], placed["hold"]["by"])
        other = (await http.put("/services/atlas/hold", json={"reason": "not yet"})).json()
        assert [other, placed["hold"]] == (await http.get("/holds")).json(), "also of what runs nowhere"
        refused = await http.post("/deploy", json=wish())
        assert (409, True) == (refused.status_code, "the audit" in refused.text)
        assert 409 == (await http.post(f"/deploy/{job['deploy_job_id']}/rollback")).status_code
        assert [204, 404] == [(await http.delete("/services/pulse/hold")).status_code for _ in range(2)]
        assert "completed" == (await done(http))["status"]
        for reason in ("", " ", "a\nb", "a\x1bb", "\x1b", "x" * 501):
            assert 400 == (await http.put("/services/pulse/hold", json={"reason": reason})).status_code

    asked().play(act)


def test_canary() -> None:
    """The value of a variable is in no answer."""

    async def act(http: httpx.AsyncClient) -> None:
        job = await done(http)
        id = job["deploy_job_id"]  # noqa: A001 - the word of the model
        paths = ("/deploy", f"/deploy/{id}", "/deploy/history/pulse", f"/deploy/{id}/events", "/services", "/metrics")
        for path in (*paths, "/health", "/capabilities", "/openapi.json"):
            answer = await http.get(path)
            assert (200, False) == (answer.status_code, CANARY in answer.text), path

    asked().play(act)
