"""kopf's settings: retries that never end, and nothing that writes to users' objects."""

import itertools
import logging

from brownout.kube.operator import BACKOFFS_S, EndlessBackoff, _quieten, _settings


def test_retries_never_end_and_never_wait_longer_than_10_s() -> None:
    """The first 1000 delays exist, rise to 10 s, and a second iteration starts afresh."""
    backoff = EndlessBackoff()
    delays = list(itertools.islice(backoff, 1000))
    assert delays[: len(BACKOFFS_S)] == list(BACKOFFS_S)
    assert max(delays) == delays[-1] == 10.0
    assert next(iter(backoff)) == BACKOFFS_S[0]


def test_the_retries_have_no_length() -> None:
    """Kopf counts what has one, and gives up at its end."""
    assert not hasattr(EndlessBackoff(), "__len__")


def test_kopf_writes_nothing_and_scans_nothing() -> None:
    """No events of its own, no listing of namespaces and CRDs, no SIGKILL after a clean end."""
    settings = _settings(BACKOFFS_S)
    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert settings.process.ultimate_exiting_timeout is None
    assert settings.networking.request_timeout is not None
    assert 10 <= settings.networking.request_timeout <= 30


def test_what_ends_kopf_is_logged_without_a_traceback() -> None:
    """And only once is the filter put in place, however often the home starts."""
    _quieten()
    _quieten()
    logger = logging.getLogger("kopf._core.reactor.running")
    assert len(logger.filters) == 1
    record = logger.makeRecord("x", logging.ERROR, __file__, 1, "failed", (), (ValueError, ValueError("x"), None))
    assert logger.filter(record)
    assert record.exc_info is None
