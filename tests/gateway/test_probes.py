"""Liveness, readiness and metrics, as a supervisor asks for them."""

import pytest

from brownout.telemetry.redact import redacted
from tests.gateway.served import FakeReadModel, served


def test_live_and_ready_say_ok() -> None:
    """A controller that ticks and has no faults answers both probes with 200."""
    with served() as visitor:
        for path in ("/livez", "/readyz"):
            answer = visitor.get(path)
            assert (answer.status, answer.text) == (200, "ok\n")


def test_readiness_lists_every_fault() -> None:
    """503 with one line for each fault, whatever is in it."""
    faults = ("the disk is full", "the watch has been\nsilent for 90 s\x1b[31m")
    with served(FakeReadModel(faults=faults)) as visitor:
        answer = visitor.get("/readyz")
        assert answer.status == 503
        assert answer.text.splitlines() == ["the disk is full", "the watch has been silent for 90 s [31m"]
        assert visitor.get("/livez").status == 200


def test_a_fault_shows_no_secret() -> None:
    """Readiness is open to all, so what a fault quotes passes redaction."""
    with served(FakeReadModel(faults=("no answer from https://me:cAnArY@host/",)), redact=redacted) as visitor:
        assert visitor.get("/readyz").text == "no answer from https://***@host/\n"


def test_liveness_is_that_of_the_loop() -> None:
    """The server answers, but the decision loop hangs: that is not alive."""
    with served(FakeReadModel(ticking=False)) as visitor:
        answer = visitor.get("/livez")
        assert (answer.status, answer.text) == (503, "the loop has not ticked in time\n")


def test_metrics_come_as_they_are() -> None:
    """The exposition, to the byte, with its own content type."""
    with served(FakeReadModel(exposition=b"a 1\n" * 10_000)) as visitor:
        answer = visitor.get("/metrics")
        assert answer.body == b"a 1\n" * 10_000
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_a_head_request_has_no_body(path: str) -> None:
    """HEAD is GET without the body."""
    with served() as visitor:
        answer = visitor.get(path, method="HEAD")
        assert (answer.status, answer.body) == (200, b"")
