"""One kind of object from three sources, and what each of them owes the others."""

import pytest

from brownout.core.errors import HomeUnavailable
from brownout.kube.endpoints import INTEGRATIONS
from brownout.kube.feed import Feed
from tests.kube.objects import body, listing, snapshot


def feed() -> Feed:
    """Give one with the usual patience."""
    return Feed(INTEGRATIONS, floor_s=15.0)


def test_what_a_listing_holds_must_come_through_the_watch() -> None:
    """An object that the watch never brings is a silence, one that it brings is not (an event that got lost)."""
    one = feed()
    one.listed(listing(9, body("a", version=7), body("b", version=8)), now=0.0)
    one.seen("ADDED", body("a", version=7), now=1.0)
    silence = one.silence(now=61.0, interval_s=30.0)
    assert silence is not None
    assert "home/b" in str(silence)
    assert sorted(kept.key for kept in one.shelf) == ["home/a", "home/b"]


def test_what_we_wrote_must_come_back() -> None:
    """Each write is a canary."""
    one = feed()
    one.heard(snapshot(version=5), now=0.0)
    assert one.silence(now=61.0, interval_s=30.0) is not None
    one.seen("MODIFIED", body(version=5), now=62.0)
    assert one.silence(now=1e6, interval_s=30.0) is None


def test_an_object_that_vanished_unseen_is_no_silence() -> None:
    """After a broken watch kopf lists again and never tells of what was deleted meanwhile: the listing does."""
    one = feed()
    one.seen(None, body("gone", version=3), now=0.0)
    one.heard(snapshot("gone", version=4), now=0.0)
    assert one.listed(listing(9), now=1.0)
    assert one.silence(now=1e6, interval_s=30.0) is None
    assert not list(one.shelf)


def test_time_that_runs_backwards_ends_the_home() -> None:
    """An etcd restored from a copy: the watch waits for versions that may never come."""
    one = feed()
    one.seen("ADDED", body(version=900), now=0.0)
    with pytest.raises(HomeUnavailable, match="went back from 900 to 500"):
        one.listed(listing(500, body(version=400)), now=1.0)


def test_a_deletion_is_a_change_and_is_owed_nothing() -> None:
    """What the watch saw go needs no further word."""
    one = feed()
    one.heard(snapshot(version=5), now=0.0)
    assert one.seen("DELETED", body(version=6), now=1.0)
    assert one.silence(now=1e6, interval_s=30.0) is None
