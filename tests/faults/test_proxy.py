"""The fault proxy passes on what the real server says, and breaks exactly what a test asks it to break."""

from __future__ import annotations

import errno
import http.client
import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.cluster import ApiServer
from tests.apiserver.fixtures import kubectl_for
from tests.apiserver.users import ADMIN
from tests.eventually import eventually
from tests.faults.faults import (
    BlackHole,
    CutShort,
    Delay,
    Hide,
    Refuse,
    Repeat,
    Reset,
    Rewrite,
    Swap,
    Trickle,
    broken_json,
    error_event,
)
from tests.faults.kube_request import WATCHES, Match, parse_request
from tests.faults.proxy import FaultProxy
from tests.faults.raw_client import RawClient

pytestmark = pytest.mark.cluster

MAPS = Match(resource="configmaps")
NO_CLEAN_END = (ConnectionError, http.client.IncompleteRead)


@pytest.fixture
def proxy(api_server: ApiServer, tmp_path: Path) -> Iterator[FaultProxy]:
    """A proxy before the shared server, without any fault."""
    with FaultProxy(api_server, tmp_path) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: FaultProxy) -> RawClient:
    """A client that talks through the proxy."""
    return RawClient(proxy.kubeconfig(ADMIN))


@pytest.fixture
def maps(namespace: str) -> str:
    """The path of the ConfigMaps of this test's namespace."""
    return f"/api/v1/namespaces/{namespace}/configmaps"


def config_map(name: str) -> dict[str, Any]:
    """A small object to make."""
    return {"metadata": {"name": name}}


def event(watch: http.client.HTTPResponse) -> tuple[str, str]:
    """Type and name of the next event of a watch."""
    said = json.loads(watch.readline())
    return said["type"], said["object"]["metadata"]["name"]


def test_without_a_fault_it_is_as_if_it_were_not_there(
    proxy: FaultProxy, api_server: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """What kubectl writes and watches through it is what the server has."""
    kubectl = kubectl_for(api_server, proxy.kubeconfig(ADMIN), tmp_path / "home", namespace=namespace)
    kubectl("create", "configmap", "a", "--from-literal=k=v")
    assert kubectl.get("configmap", "a")["data"] == {"k": "v"}
    assert "condition met" in kubectl("wait", "--for=jsonpath={.data.k}=v", "configmap/a", "--timeout=5s")
    assert api_server.request("GET", f"/api/v1/namespaces/{namespace}/configmaps/a").body["data"] == {"k": "v"}
    assert proxy.count(Match(verb="create", resource="configmaps", namespace=namespace)) == 1


@pytest.mark.parametrize(("code", "reason"), [(500, "InternalError"), (503, "ServiceUnavailable"), (403, "Forbidden")])
def test_a_refusal_befalls_what_it_matches_and_nothing_else(
    proxy: FaultProxy, client: RawClient, maps: str, code: int, reason: str
) -> None:
    """The code and the Status that Kubernetes would send, until it is lifted."""
    with proxy.fault(Refuse(code), Match(verb="list", resource="configmaps")) as rule:
        status, _, body = client.ask("GET", maps)
        assert (status, body["kind"], body["reason"], body["code"]) == (code, "Status", reason, code)
        assert client.code("POST", maps, config_map("a")) == 201
    assert (client.code("GET", maps), rule.hits) == (200, 1)


@pytest.mark.parametrize("after", ["5", "0", "-1", "1000000000", "Wed, 21 Oct 2015 07:28:00 GMT", "soon"])
def test_too_many_requests_carries_any_retry_after(proxy: FaultProxy, client: RawClient, maps: str, after: str) -> None:
    """The header arrives as it was written, sense or nonsense."""
    proxy.arm(Refuse(429, retry_after=after), times=1)
    status, headers, _ = client.ask("GET", maps)
    assert (status, headers["Retry-After"]) == (429, after)
    assert client.code("GET", maps) == 200


def test_every_second_write_can_conflict(proxy: FaultProxy, client: RawClient, maps: str) -> None:
    """A rule may befall each n-th request only."""
    proxy.arm(Refuse(409), Match(verb="create"), every=2)
    assert [client.code("POST", maps, config_map(name)) for name in "abcd"] == [201, 409, 201, 409]


def test_an_error_event_ends_open_watches_and_new_ones_while_it_is_armed(
    proxy: FaultProxy, client: RawClient, maps: str
) -> None:
    """410 in the stream, as after a compaction, at once in a watch that is open."""
    with client.watch(maps) as watch:
        eventually(lambda: proxy.open_streams(MAPS))
        rule = proxy.arm(error_event(410), MAPS, times=2)
        said = json.loads(watch.readline())
        assert (said["type"], said["object"]["code"], said["object"]["reason"]) == ("ERROR", 410, "Expired")
        assert watch.readline() == b""
    with client.watch(maps) as watch:
        assert json.loads(watch.readline())["object"]["code"] == 410
    assert rule.spent


def test_a_broken_line_arrives_and_the_stream_goes_on(proxy: FaultProxy, client: RawClient, maps: str) -> None:
    """Half an event as a line; the next event is whole."""
    proxy.arm(broken_json(), WATCHES, times=1)
    with client.watch(maps) as watch:
        with pytest.raises(json.JSONDecodeError):
            json.loads(watch.readline())
        client.ask("POST", maps, config_map("a"))
        assert event(watch) == ("ADDED", "a")


def test_events_can_be_hidden_repeated_and_swapped(proxy: FaultProxy, client: RawClient, maps: str) -> None:
    """By type and name; the others arrive as they are."""
    proxy.arm(Hide(type="ADDED", name="b"), WATCHES)
    proxy.arm(Repeat(type="DELETED"), WATCHES)
    proxy.arm(Swap(name="c"), WATCHES, times=1)
    with client.watch(maps) as watch:
        for name in "abcd":
            client.ask("POST", maps, config_map(name))
        client.ask("DELETE", f"{maps}/b")
        expected = [("ADDED", "a"), ("ADDED", "d"), ("ADDED", "c"), ("DELETED", "b"), ("DELETED", "b")]
        assert [event(watch) for _ in expected] == expected


def test_a_delay_holds_a_request_until_it_is_lifted(proxy: FaultProxy, client: RawClient, maps: str) -> None:
    """A client that waits for less than the delay gives up; one that waits is served as soon as it is over."""
    patient, hasty = client, RawClient(proxy.kubeconfig(ADMIN), timeout_s=0.2)
    proxy.arm(Delay(for_s=60))
    with pytest.raises(TimeoutError):
        hasty.ask("GET", maps)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(patient.code, "GET", maps)
        eventually(lambda: proxy.count(MAPS) == 2)
        proxy.heal()
        assert answer.result() == 200


def test_a_black_hole_swallows_requests_and_open_streams_until_it_is_healed(
    proxy: FaultProxy, client: RawClient, api_server: ApiServer, maps: str
) -> None:
    """Nothing arrives, not even an end; afterwards what was lost in between arrives."""
    hasty = RawClient(proxy.kubeconfig(ADMIN), timeout_s=0.3)
    with client.watch(maps) as watch, hasty.watch(maps) as impatient_watch:
        proxy.arm(BlackHole())
        assert api_server.request("POST", maps, config_map("a")).status == 201
        with pytest.raises(TimeoutError):
            impatient_watch.readline()
        with pytest.raises(TimeoutError):
            hasty.ask("GET", maps)
        proxy.heal()
        assert event(watch) == ("ADDED", "a")


def test_a_reset_ends_requests_and_open_streams_hard(proxy: FaultProxy, client: RawClient, maps: str) -> None:
    """The client sees neither an answer nor a clean end."""
    with client.watch(maps) as watch:
        eventually(lambda: proxy.open_streams(MAPS))
        with proxy.fault(Reset()):
            with pytest.raises(NO_CLEAN_END):
                watch.read()
            with pytest.raises(ConnectionError):
                client.ask("GET", maps)
    assert client.code("GET", maps) == 200


def test_a_reset_is_one_of_tcp(proxy: FaultProxy, client: RawClient) -> None:
    """Below TLS, which tells a reset from an end badly, the connection is reset and not closed."""
    with client.connection() as secure, socket.socket(fileno=os.dup(secure.fileno())) as plain:
        plain.settimeout(5)
        proxy.arm(Reset())
        secure.sendall(b"GET /readyz HTTP/1.1\r\nHost: proxy\r\n\r\n")
        # Not the first thing that can be read: that may be a session ticket, sent after the handshake.
        eventually(lambda: plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET, within_s=5)


def test_a_body_can_end_in_the_middle_of_an_event(proxy: FaultProxy, client: RawClient, maps: str) -> None:
    """After so many bytes the connection is gone: what came is no JSON, and no clean end follows."""
    client.ask("POST", maps, config_map("a"))
    proxy.arm(CutShort(after_bytes=50), WATCHES)
    with client.watch(maps) as watch:
        assert len(watch.read(50)) == 50
        with pytest.raises(NO_CLEAN_END):
            watch.read()


def test_a_body_can_come_byte_by_byte(proxy: FaultProxy, client: RawClient, maps: str) -> None:
    """In pieces of one byte it is still the same list."""
    proxy.arm(Trickle(piece_bytes=1, every_s=0.0001), MAPS)
    assert client.ask("GET", maps)[2]["kind"] == "ConfigMapList"


def test_an_answer_can_be_rewritten(proxy: FaultProxy, client: RawClient, maps: str) -> None:
    """A discovery that lacks a resource, a list that lacks its items."""
    client.ask("POST", maps, config_map("a"))
    with proxy.fault(Rewrite(lambda body: {**body, "items": []}), MAPS):
        assert client.ask("GET", maps)[2]["items"] == []
    names = [item["metadata"]["name"] for item in client.ask("GET", maps)[2]["items"]]
    assert "a" in names


def test_streams_can_be_ended_as_the_server_ends_them(proxy: FaultProxy, client: RawClient, maps: str) -> None:
    """A clean end without an error, and the proxy forgets the stream; it also does when the client leaves."""
    with client.watch(maps) as watch:
        eventually(lambda: proxy.open_streams(MAPS))
        assert proxy.end_streams(MAPS) == 1
        assert watch.readline() == b""
    with client.watch(maps):
        assert eventually(lambda: proxy.open_streams(MAPS))
    assert eventually(lambda: proxy.open_streams(MAPS) == 0)


def test_a_server_that_is_away_is_no_answer(own_api_server: ApiServer, tmp_path: Path) -> None:
    """While the server is stopped the proxy gives resets, not codes of its own; afterwards all is as before."""
    with FaultProxy(own_api_server, tmp_path) as proxy:
        client = RawClient(proxy.kubeconfig(ADMIN))
        with client.watch("/api/v1/namespaces") as watch:
            watch.readline()
            own_api_server.stop()
            with pytest.raises(ConnectionError):
                client.ask("GET", "/api/v1/namespaces")
            with pytest.raises(NO_CLEAN_END):
                watch.read()
        own_api_server.start()
        assert client.code("GET", "/api/v1/namespaces") == 200


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/api/v1/namespaces", {}, ("list", "", "namespaces", "")),
        ("GET", "/api/v1/namespaces/x", {}, ("get", "", "namespaces", "x")),
        ("GET", "/api/v1/namespaces/x/pods", {"watch": "1"}, ("watch", "x", "pods", "")),
        ("PATCH", "/apis/g/v1/namespaces/x/widgets/w/status", {}, ("patch", "x", "widgets/status", "w")),
        ("PUT", "/apis/g/v1/brownoutpolicies/default", {}, ("update", "", "brownoutpolicies", "default")),
        ("DELETE", "/apis/g/v1/namespaces/x/widgets", {}, ("deletecollection", "x", "widgets", "")),
        ("GET", "/readyz", {}, ("get", "", "", "")),
    ],
)
def test_a_request_is_named_as_rbac_names_it(
    method: str, path: str, query: dict[str, str], expected: tuple[str, str, str, str]
) -> None:
    """Verb, namespace, resource with subresource, and name, from method and path."""
    request = parse_request(method, path, query)
    assert (request.verb, request.namespace, request.resource, request.name) == expected
