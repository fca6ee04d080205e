"""Budgets over REST: a client in any language opens a run, records, checkpoints, is warned, and stops in time."""

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from brownout.core.budget.limits import Limits
from brownout.core.budget.usage import Usage
from brownout.engine.budget_desk import BudgetDesk
from brownout.gateway.token import Token, made_token
from brownout.history.budgets import SqliteBudgets
from brownout.local.lane import Lane
from tests.builders import make_integration
from tests.gateway.served import NOW, Answer, FakeReadModel, Visitor, served

SECRET = "a-token-of-32-characters-or-more"
KEY = {"Authorization": f"Bearer {SECRET}"}
JSON = {"Content_Type": "application/json"}
LIMITS = {"duration": "1h", "tokens": 1000, "apiCalls": 10}


class Client:
    """Who knows the token, and speaks JSON."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request under /v1/budgets."""
        raw = None if body is None else json.dumps(body).encode()
        return self.visitor.get(f"/v1/budgets{path}", method=method, body=raw, **{**KEY, **JSON, **headers})

    def post(self, path: str, body: Any = None) -> Any:
        """A request that succeeds; its document."""
        answer = self.ask("POST", path, {} if body is None else body)
        assert answer.status in {200, 201}, answer.text
        return answer.document

    def open(self, name: str, limits: Any) -> Any:
        """A run that is opened."""
        return self.post("", {"name": name, "limits": limits})["run"]

    def get(self, path: str = "") -> Any:
        """A look that succeeds, without the token."""
        answer = self.visitor.get(f"/v1/budgets{path}")
        assert answer.status == 200, answer.text
        return answer.document


@contextmanager
def budgets(place: Path, *integrations: Any) -> Iterator[Client]:
    """A gateway on a store on disk."""
    lane = Lane("the disk")
    desk = BudgetDesk(lane, lambda: SqliteBudgets(place, on_fault=pytest.fail), kept=(place / "budgets.db").exists)
    with served(FakeReadModel(desk=desk, shown=integrations), token=Token(SECRET.encode())) as visitor:
        yield Client(visitor)
    lane.close()


def test_a_run_from_its_opening_to_its_end(tmp_path: Path) -> None:
    """Opened, used, warned at 80 %, told to finish or to stop by its progress, over at its limit, ended."""
    with budgets(tmp_path) as client:
        opened = client.post("", {"name": "nightly", "limits": LIMITS})
        session, path = opened["session"], f"/{opened['run']['id']}"
        assert (opened["run"]["state"], opened["joined"]) == ("OK", False)
        used = client.post(f"{path}/usage?progress=0.5", {"tokens": 799, "apiCalls": 1, "session": session})
        assert (used["state"], used["usage"]["tokens"]["remaining"]) == ("OK", 201)
        used = client.post(f"{path}/usage?progress=0.79", {"tokens": 1, "session": session})
        assert (used["state"], used["approaching"]) == ("Approaching", ["tokens"])
        assert used["advice"] == {"continue": False, "what": "StopGracefully", "progress": 0.79}
        assert client.get(f"{path}?progress=0.8")["advice"]["what"] == "Finish"
        made = client.ask("POST", f"{path}/checkpoint", {"state": {"page": 7}, "session": session})
        assert (made.status, made.document["number"]) == (201, 1)
        assert client.ask("GET", f"{path}/checkpoint").document["state"] == {"page": 7}
        over = client.post(f"{path}/usage", {"tokens": 200})
        assert (over["state"], over["exceeded"], over["usage"]["tokens"]["percent"]) == ("Exceeded", ["tokens"], 100.0)
        assert over["checkpoints"] == {"count": 1, "lastAt": "2026-01-02T03:04:05Z"}
        ended = client.post(f"{path}/leave", {"session": session, "ending": "StoppedExceeded"})
        assert ended["stoppedBy"] == "StoppedExceeded"
        assert [run["name"] for run in client.get()["items"]] == ["nightly"]


def test_limits_can_be_raised_while_it_runs(tmp_path: Path) -> None:
    """Those that are named are changed, null lifts one, and a run that was over is not any more."""
    with budgets(tmp_path) as client:
        path = f"/{client.open('nightly', LIMITS)['id']}"
        client.post(f"{path}/usage", {"tokens": 1000})
        raised = client.ask("PATCH", path, {"tokens": 2000, "duration": None})
        assert (raised.status, raised.document["state"]) == (200, "OK")
        assert {name: raised.document["limits"][name] for name in LIMITS} == {
            "duration": None, "tokens": 2000, "apiCalls": 10,
        }  # fmt: skip


def test_a_run_is_also_found_by_its_name(tmp_path: Path) -> None:
    """The newest of that name is meant; a name may hold what a path must quote."""
    with budgets(tmp_path) as client:
        first = client.post("", {"name": "default/voice"})
        client.post(f"/{first['run']['id']}/end", {"ending": "Completed"})
        second = client.open("default/voice", {})
        assert client.get("/default%2Fvoice")["id"] == second["id"] != first["run"]["id"]
        assert len(client.get("?name=default%2Fvoice&limit=1")["items"]) == 1
        assert client.visitor.get("/v1/budgets/nobody").status == 404
        assert client.visitor.get("/v1/budgets/99999").status == 404
        assert client.visitor.get(f"/v1/budgets/{'9' * 30}").status == 404


def test_who_is_asked_to_stop_is_told_so(tmp_path: Path) -> None:
    """The advice of the next answer is to stop gracefully."""
    with budgets(tmp_path) as client:
        path = f"/{client.open('nightly', LIMITS)['id']}"
        assert client.post(f"{path}/stop")["stopAskedAt"] is not None
        assert client.post(f"{path}/usage?progress=0.99")["advice"]["what"] == "StopGracefully"


def test_completion_is_estimated_from_the_progress_that_was_told(tmp_path: Path) -> None:
    """Ninety tokens for each tenth: it fits. Beside a limit that allows half of that it does not, and that is said."""
    with budgets(tmp_path) as client:
        path = f"/{client.open('nightly', {'tokens': 1000})['id']}"
        assert client.get(f"{path}?progress=0.0")["completion"]["possible"] is None
        told = [client.post(f"{path}/usage?progress={tenth / 10}", {"tokens": 90}) for tenth in range(1, 6)]
        assert told[-1]["completion"]["possible"] is True
        client.ask("PATCH", path, {"tokens": 600})
        found = client.get(f"{path}?progress=0.5")["completion"]
        assert (found["possible"], found["likelyStop"]) == (False, "tokens")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""), ("PATCH", "/1"), ("POST", "/1/usage"), ("POST", "/1/checkpoint"), ("POST", "/1/stop"),
        ("POST", "/1/leave"), ("POST", "/1/end"), ("GET", "/1/checkpoint"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("wrong", ["", "Bearer", "Bearer wrong", f"Basic {SECRET}", f"Bearer {SECRET}x", SECRET])
def test_what_changes_state_or_is_private_needs_the_token_also_on_loopback(
    tmp_path: Path, method: str, path: str, wrong: str
) -> None:
    """Every user of the machine can reach it, and every page that one of them has open: 401, and nothing is opened."""
    with budgets(tmp_path) as client:
        answer = client.ask(method, path, {"name": "x"}, Authorization=wrong)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert client.ask("POST", "", {"name": "x"}, Host="evil.example").status == 421
    assert not (tmp_path / "budgets.db").exists()


def test_a_page_of_another_origin_cannot_send_what_a_form_can(tmp_path: Path) -> None:
    """Forms and plain text need no leave of ours to be sent, so they are not read, with the token or without."""
    with budgets(tmp_path) as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            assert client.ask("POST", "", {"name": "x"}, Content_Type=kind).status == 415


def test_to_look_opens_nothing(tmp_path: Path) -> None:
    """Where nobody ever had a budget, a look finds none and leaves no file."""
    with budgets(tmp_path) as client:
        assert client.get() == {"items": []}
        assert client.visitor.get("/v1/budgets/1").status == 404
        assert client.ask("GET", "/1/checkpoint").status == 404
    assert not (tmp_path / "budgets.db").exists()


@pytest.mark.parametrize(
    ("path", "body", "problems"),
    [
        ("", {}, ["name: Invalid value"]),
        ("", {"name": "x", "limit": {}, "lease": "soon"}, ['unknown field "limit"', 'unknown field "lease"']),
        ("", {"name": "x", "fresh": 1, "leaseSeconds": 0}, ["fresh: Invalid value: 1", "leaseSeconds: Invalid value"]),
        ("", {"name": "\n"}, ["name: Invalid value"]),
        ("", {"name": "x", "limits": {"tokens": -1, "duration": "x", "warnAt": 0, "more": 1}},
         ["tokens: Invalid value: -1", "duration: ", "warnAt: ", 'unknown field "more"']),
        ("", {"name": "nobody", "resume": True}, []),
        ("/1/usage", {"tokens": -1, "apiCalls": 1.5}, ["tokens: ", "apiCalls: "]),
        ("/1/usage", {"tokens": True}, ["tokens: Invalid value: true: must be a whole number"]),
        ("/1/usage", [1], ["must be an object"]),
        ("/1/usage?progress=2", {}, ["parameter progress is not valid"]),
        ("/1/checkpoint", {}, ["state: Required value"]),
        ("/1/end", {"ending": "Perhaps"}, ["ending: Invalid value"]),
        ("/1/leave", {"ending": "Completed"}, ["session: Required value"]),
        ("/1/stop", {"now": True}, ["this takes no body"]),
    ],
)  # fmt: skip
def test_bad_input_is_one_answer_with_everything(tmp_path: Path, path: str, body: Any, problems: list[str]) -> None:
    """Each problem with its field, its value and what is allowed."""
    with budgets(tmp_path) as client:
        client.post("", {"name": "nightly"})
        answer = client.ask("POST", path, body)
        assert answer.status == (400 if problems else 404)
        for problem in problems:
            assert problem in answer.document["error"]


@pytest.mark.parametrize(
    "raw",
    [b"{", b"nope", b'{"name":"a","name":"b"}', b'{"tokens":NaN}', b"[" * 5000, b"\xff\xfe", b'{"a":' * 3000 + b"1"],
)
def test_what_is_not_json_is_refused(tmp_path: Path, raw: bytes) -> None:
    """Broken, doubled, without end: 400."""
    with budgets(tmp_path) as client:
        answer = client.visitor.get("/v1/budgets", method="POST", body=raw, **KEY, **JSON)
        assert (answer.status, answer.document["error"]) == (400, "the body is not JSON")


def test_a_body_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    """Also one that does not say how long it will be."""
    with budgets(tmp_path) as client:
        state = {"state": "x" * 70_000}
        assert client.ask("POST", "", state).status == 413
        head = (
            f"POST /v1/budgets HTTP/1.1\r\nHost: {client.visitor.authority}\r\nAuthorization: Bearer {SECRET}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        chunks = b"".join(b"2000\r\n" + b"x" * 0x2000 + b"\r\n" for _ in range(10))
        assert client.visitor.raw(head.encode() + chunks + b"0\r\n\r\n").split(b" ")[1] == b"413"


def test_an_integrations_budget_is_changed_in_its_spec(tmp_path: Path) -> None:
    """Its run may be told of use; its limits, its stop and its beginning are its owner's."""
    voice = make_integration("voice", budget={"tokens": 10})
    with budgets(tmp_path, voice) as client:
        client.post("", {"name": "voice", "limits": {"tokens": 10}})
        assert client.post("/voice/usage", {"tokens": 3})["usage"]["tokens"]["used"] == 3
        refused = [
            client.ask("PATCH", "/voice", {"tokens": 99}),
            client.ask("POST", "/voice/stop", {}),
            client.ask("POST", "/voice/end", {"ending": "Completed"}),
            client.ask("POST", "", {"name": "voice", "fresh": True}),
        ]
        assert [answer.status for answer in refused] == [409, 409, 409, 409]
        assert refused[0].document["allowed"] == "raise spec.budget of the integration"


def test_what_others_record_is_seen_at_once(tmp_path: Path) -> None:
    """The library in another process and REST work on one file."""
    with budgets(tmp_path) as client:
        number = client.open("nightly", LIMITS)["id"]
        other = SqliteBudgets(tmp_path, on_fault=pytest.fail)
        held = other.open("nightly", Limits(), now=NOW)
        other.record(held.run.id, Usage(tokens=5), now=NOW)
        assert client.get(f"/{number}")["usage"]["tokens"]["used"] == 5
        other.close()


def test_a_client_that_is_gone_is_known_by_its_silence(tmp_path: Path) -> None:
    """Its session ends with its lease: then the run is interrupted, and can be resumed."""
    with budgets(tmp_path) as client:
        opened = client.post("", {"name": "nightly", "leaseSeconds": 60})["run"]
        assert client.get(f"/{opened['id']}")["interrupted"] is False
        later = SqliteBudgets(tmp_path, on_fault=pytest.fail)
        assert later.find(opened["id"], now=NOW + 61.0).interrupted is True
        later.close()


def test_a_token_of_ones_own_is_made_once(tmp_path: Path) -> None:
    """Only its owner can read it, whatever the umask; over a restart it stays the same."""
    path = tmp_path / "token"
    first = made_token(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert first.opens(f"Bearer {path.read_text().strip()}")
    assert made_token(path).opens(f"Bearer {path.read_text().strip()}")
    assert [file.name for file in tmp_path.iterdir()] == ["token"]


@pytest.mark.parametrize(("content", "mode"), [(SECRET, 0o644), (SECRET, 0o660), ("short", 0o600)])
def test_a_token_that_others_could_read_is_replaced(tmp_path: Path, content: str, mode: int) -> None:
    """What is no secret any more opens nothing."""
    path = tmp_path / "token"
    path.write_text(content)
    path.chmod(mode)
    token = made_token(path)
    assert not token.opens(f"Bearer {content}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
