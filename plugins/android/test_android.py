"""What a phone and the companion are promised: over real HTTP, on loopback."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from brownout.core.errors import InvalidInput
from brownout.pluginhost.trial import Trial

HERE = Path(__file__).parent
TOKEN = "a-token-for-the-app"
PATIENCE_S = 20.0


class Phone:
    """An app that has the token, and calls the server by its address."""

    def __init__(self, port: int, token: str = TOKEN) -> None:
        self.port = port
        self.headers = {"Authorization": f"Bearer {token}"}

    def asks(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One request with its answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            data = body if isinstance(body, bytes | None) else json.dumps(body)
            connection.request(method, f"/v1/{path}", data, {**self.headers, **headers})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def gets(self, path: str) -> Any:
        """What is found there."""
        status, document = self.asks("GET", path)
        assert status == 200, document
        return document


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port() -> int:
    """Where the plugin listens."""
    return free_port()


@pytest.fixture
def plugin(port: int, tmp_path: Path) -> Iterator[Trial]:
    """It, with room for two phones."""
    with Trial(HERE, {"port": port, "token": TOKEN, "devices": 2}, data_folder=tmp_path) as trial:
        yield trial


@pytest.fixture
def phone(plugin: Trial, port: int) -> Phone:
    """A phone that has said that it is there."""
    phone = Phone(port)
    assert phone.asks("PUT", "devices/pixel", {"name": "Ada's"})[0] == 200
    return phone


def test_the_devices_are_known_on_both_sides(plugin: Trial, phone: Phone) -> None:
    """A phone that says that it is there is seen by the app and by the companion, and can be removed again."""
    expected = [{"id": "pixel", "name": "Ada's", "seen": 0.0, "notifications": 0, "commands": 0}]
    assert phone.gets("devices") == {"devices": expected}
    assert plugin.ask({"operation": "devices"}).body == {"devices": expected}
    assert phone.asks("DELETE", "devices/pixel") == (200, {"removed": "Ada's"})
    assert phone.asks("DELETE", "devices/pixel")[0] == 404


def test_no_more_devices_than_are_allowed(phone: Phone) -> None:
    """A third one is told why; one that is known may come back."""
    assert phone.asks("PUT", "devices/two", {})[0] == 200
    status, answer = phone.asks("PUT", "devices/three", {})
    assert (status, answer["error"]) == (409, "there are 2 devices already: remove one first")
    assert phone.asks("PUT", "devices/two", {"name": "again"})[0] == 200


def test_a_notification_waits_until_it_was_fetched(plugin: Trial, phone: Phone) -> None:
    """It is there as often as it is asked for, until the app asks for what comes after it."""
    told = plugin.ask({"operation": "notify", "title": "Tea", "text": "is ready"}).body
    (number,) = [each["number"] for each in told["queued"]]
    for _ in range(2):
        (item,) = phone.gets("devices/pixel/notifications")["notifications"]
        assert (item["number"], item["title"], item["text"]) == (number, "Tea", "is ready")
    assert phone.gets(f"devices/pixel/notifications?after={number}") == {"notifications": []}
    assert phone.gets("devices/pixel/notifications") == {"notifications": []}


def test_an_app_may_wait_for_the_next(plugin: Trial, phone: Phone) -> None:
    """Its request stays open until something comes, and is answered with it."""
    with ThreadPoolExecutor(1) as app:
        waiting = app.submit(phone.gets, "devices/pixel/notifications?wait=15")
        while not waiting.done():
            plugin.ask({"operation": "notify", "text": "now"})
    assert waiting.result()["notifications"][0]["text"] == "now"


@pytest.mark.parametrize(
    "result", [b"NaN", b"-Infinity", b"1e999", b"[" * 9 + b"]" * 9, b"[" * 500 + b"]" * 500, b'"' + b"x" * 1000 + b'"']
)
def test_a_phone_hands_in_nothing_that_cannot_be_handed_on(plugin: Trial, phone: Phone, result: bytes) -> None:
    """What JSON cannot hold would fail the companion's question, and keep the next version from taking over."""
    (queued,) = plugin.ask({"operation": "command", "device": "pixel", "command": "ring"}).body["queued"]
    told = b'{"ok": true, "result": ' + result + b"}"
    status, answer = phone.asks("POST", f"devices/pixel/commands/{queued['number']}", told)
    assert (status, answer["error"]) == (400, "result must be JSON of at most 1000 characters and 8 levels")
    assert plugin.ask({"operation": "result", **queued}).body == {"done": False}
    assert plugin.export_state()["devices"]["pixel"]["results"] == {}


def test_a_command_goes_to_the_phone_and_its_result_comes_back(plugin: Trial, phone: Phone) -> None:
    """Only what the config lists; the result is there when the phone has told it."""
    asked = {"operation": "command", "device": "pixel", "command": "ring", "arguments": {"seconds": 3}}
    (queued,) = plugin.ask(asked).body["queued"]
    (command,) = phone.gets("devices/pixel/commands")["commands"]
    assert (command["command"], command["arguments"]) == ("ring", {"seconds": 3})
    question = {"operation": "result", **queued}
    assert plugin.ask(question).body == {"done": False}
    assert phone.asks("POST", f"devices/pixel/commands/{queued['number']}", {"ok": True, "result": "rang"})[0] == 200
    assert plugin.ask(question).body == {"done": True, "ok": True, "result": "rang", "at": 0.0}
    assert "command must be one of ring" in plugin.ask({**asked, "command": "format"}).refused
    assert "there is no such device; known are: pixel" in plugin.ask({**asked, "device": "other"}).refused


def test_what_a_phone_says_is_kept_for_the_companion(plugin: Trial, phone: Phone) -> None:
    """In its order, and asked for from a number on."""
    first, second = (phone.asks("POST", "devices/pixel/messages", {"text": text})[1]["number"] for text in ("a", "b"))
    said = plugin.ask({"operation": "messages"}).body["messages"]
    assert [(each["device"], each["text"], each["number"]) for each in said] == [
        ("pixel", "a", first),
        ("pixel", "b", second),
    ]
    assert [each["text"] for each in plugin.ask({"operation": "messages", "after": first}).body["messages"]] == ["b"]


def test_without_the_token_nothing_is_told(plugin: Trial, port: int) -> None:
    """Nor with another, nor with a part of it; and not to a page that calls us by a name of its own."""
    for headers in ({"Authorization": ""}, {"Authorization": TOKEN}, {"Authorization": f"Bearer {TOKEN[:-1]}"}):
        assert Phone(port).asks("GET", "devices", **headers)[0] == 401
    assert Phone(port).asks("GET", "devices", Host="evil.example")[0] == 421
    assert Phone(port).asks("GET", "devices", Host=f"localhost:{port}")[0] == 200


def test_without_a_token_in_the_config_one_is_made_and_kept(tmp_path: Path) -> None:
    """For its owner alone; it is the same after a restart, and never in a log."""
    tokens = []
    for _ in range(2):
        port = free_port()
        with Trial(HERE, {"port": port}, data_folder=tmp_path) as plugin:
            tokens.append((tmp_path / "token").read_text())
            assert Phone(port, tokens[-1]).gets("devices") == {"devices": []}
            assert tokens[-1] not in str(plugin.logged)
    assert tokens[0] == tokens[1]
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("GET", "devices/none/notifications", None, 404),
        ("GET", "devices/../../etc/passwd/notifications", None, 404),
        ("PUT", "devices/a%2fb", {}, 400),
        ("PUT", "devices/pixel", b"[1]", 400),
        ("PUT", "devices/pixel", b"{", 400),
        ("POST", "devices/pixel/messages", {}, 400),
        ("POST", "devices/pixel/messages", {"text": "x" * 1001}, 400),
        ("POST", "devices/pixel/messages", b"x" * 70_000, 413),
        ("POST", "devices/pixel/commands/first", {}, 400),
        ("GET", "devices/pixel/notifications?after=-1", None, 400),
        ("PATCH", "devices/pixel", {}, 404),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(phone: Phone, method: str, path: str, body: Any, status: int) -> None:
    """Each with the status for it and a sentence, and the server goes on."""
    found, answer = phone.asks(method, path, body)
    assert (found, bool(answer["error"])) == (status, True)
    assert phone.gets("devices")["devices"][0]["id"] == "pixel"


def test_what_is_no_http_is_answered_once_and_left(plugin: Trial, port: int) -> None:
    """A line that is none ends its own connection and nothing else."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as raw:
        raw.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        with raw.makefile("rb") as answer:
            said = answer.read()
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"hello" not in said
    assert plugin.health().ok


def test_queues_have_an_end(plugin: Trial, phone: Phone) -> None:
    """A phone that is never there again does not fill the memory: of many the last fifty are kept."""
    for at in range(60):
        plugin.ask({"operation": "notify", "text": str(at)})
    texts = [item["text"] for item in phone.gets("devices/pixel/notifications")["notifications"]]
    assert texts == [str(at) for at in range(10, 60)]


def test_a_restart_loses_nothing(plugin: Trial, phone: Phone, tmp_path: Path) -> None:
    """What waits for a phone stands on disk before the companion is told that it is queued."""
    plugin.ask({"operation": "notify", "text": "later"})
    port = free_port()
    with Trial(HERE, {"port": port, "token": TOKEN}, data_folder=tmp_path):
        assert Phone(port).gets("devices/pixel/notifications")["notifications"][0]["text"] == "later"


def test_a_new_version_listens_beside_the_old_one_and_takes_over(plugin: Trial, phone: Phone, port: int) -> None:
    """Both have the port while the book goes over; the old one sends phones away, so that nothing falls in between."""
    plugin.ask({"operation": "notify", "text": "before"})
    with Trial(HERE, {"port": port, "token": TOKEN}) as successor:
        successor.import_state({"devices": "nonsense"})
        successor.import_state(plugin.export_state())
        plugin.call("shutdown")
        assert phone.gets("devices/pixel/notifications")["notifications"][0]["text"] == "before"


def test_during_a_swap_the_old_one_sends_phones_away(plugin: Trial, phone: Phone) -> None:
    """For a few seconds: if the new version is broken, the old one goes on."""
    plugin.export_state()
    assert phone.asks("GET", "devices")[0] == 503


def test_a_config_that_opens_a_door_too_wide_is_refused() -> None:
    """A short token, a port that is none, an address that is a name."""
    with pytest.raises(InvalidInput) as refused:
        Trial(HERE, {"token": "short", "port": 0, "address": "my.house"})
    assert all(word in str(refused.value) for word in ("config.token", "config.port", "config.address"))
    assert "short" not in str(refused.value)
