"""Events are few: one integration says ten things at once and then one a minute, and nobody waits for them."""

from brownout.kube.client import Api
from brownout.kube.credentials import Credentials
from brownout.kube.events import Announcer, Notice
from tests.kube.objects import snapshot


class Watch:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.at = 1000.0

    def now(self) -> float:
        """What the test says."""
        return self.at


def accepted(announcer: Announcer, name: str, times: int) -> int:
    """Announce so often, in different words, and count what was taken up."""
    known = snapshot(name)
    notices = (Notice.about(known, reason="Emergency", message=f"RAM {at} %", warning=True) for at in range(times))
    return sum(announcer.announce(notice) for notice in notices)


def test_what_flaps_cannot_flood_the_cluster() -> None:
    """Ten at once, then one for each minute; another integration has its own ten."""
    watch = Watch()
    announcer = Announcer(Api(Credentials()), watch, "one")
    assert accepted(announcer, "voice", 100) == 10
    assert accepted(announcer, "android", 100) == 10
    watch.at += 120.0
    assert accepted(announcer, "voice", 100) == 2


def test_a_long_outage_keeps_the_latest_and_no_more() -> None:
    """What waits is bounded; the oldest goes first."""
    announcer = Announcer(Api(Credentials()), Watch(), "one")
    assert sum(accepted(announcer, f"i{at}", 10) for at in range(20)) == 200
    assert len(announcer._queue) == 64
    assert announcer._queue[-1].name == "i19"


def test_an_event_is_one_that_kubectl_describe_finds() -> None:
    """It names its object by uid, fits the API server's limits, and has a name of its own."""
    announcer = Announcer(Api(Credentials()), Watch(), "one")
    notice = Notice.about(snapshot("v" * 250), reason="Restored", message="x" * 5000, warning=False)
    event = announcer._event(notice)
    assert event["involvedObject"]["uid"] == notice.uid
    assert (event["type"], len(event["message"])) == ("Normal", 1024)
    assert len(event["metadata"]["name"]) <= 253


def test_a_write_that_is_tried_again_is_the_same_event() -> None:
    """The first may have been carried out though its answer never came; the next notice is another one."""
    announcer = Announcer(Api(Credentials()), Watch(), "one")
    first, other = (
        Notice.about(snapshot("voice"), reason="Emergency", message="RAM 96 %", warning=True) for _ in range(2)
    )
    names = [announcer._event(notice)["metadata"]["name"] for notice in (first, first, other)]
    assert names[0] == names[1] != names[2]
