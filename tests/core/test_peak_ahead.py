"""The daily peak on its way from what training made to the decision."""

from dataclasses import replace

from brownout.api.reasons import Reason
from brownout.core.decide import decide
from brownout.core.gather import snapshot_of
from brownout.core.ledger import Ledger, sampled
from brownout.core.snapshot import Snapshot
from brownout.core.triggers import Load, triggers_of
from tests.champions import make_champions, make_daily
from tests.worlds import NOW, POLICY, make_hold, make_member, make_samples

# Seven in the morning UTC of the day of NOW: until eight the sine of the day rises by 1.3 points.
SEVEN = NOW - NOW % 86400.0 + 7 * 3600.0


def _snapshot(ledger: Ledger) -> Snapshot:
    """Voice is held off, and it has been calm for long."""
    calm = replace(ledger, calm_since=SEVEN - 7200.0)
    members = (make_member("voice", 10.0, hold=make_hold(1, since=SEVEN - 7200.0)),)
    return snapshot_of(POLICY, calm, members, in_flight=frozenset(), now=SEVEN)


def _ledger(percent: float) -> Ledger:
    ledger = Ledger()
    for sample in make_samples(f"flat {percent} x10", end=SEVEN, android=5.0):
        ledger = sampled(ledger, sample, POLICY)
    return replace(ledger, champions=make_champions(daily=make_daily()))


def test_the_peak_is_of_the_total() -> None:
    """What the profile announces of the base stands in the outlook with what ours hold; without champions nothing."""
    seen, known = _ledger(60.0), make_champions()
    peak = _snapshot(seen).outlook.peak
    assert known.daily is not None
    assert peak is not None
    assert 61.0 < peak.value < 62.0
    assert peak.at == SEVEN + 3600.0
    assert _snapshot(replace(seen, champions=None)).outlook.peak is None


def test_nothing_returns_before_a_peak() -> None:
    """At 64 % voice would return; with a peak ahead that may take it over 80 % it waits, and says why."""
    steep = make_daily(shrink=12.0)  # the same shape, and 15 points by eight
    ledger = replace(_ledger(64.0), champions=make_champions(daily=steep))
    calm = _snapshot(ledger)
    assert decide(_snapshot(replace(ledger, champions=None)), now=SEVEN).reason is Reason.RESTORED
    triggers = triggers_of(Load(peak=calm.outlook.peak), POLICY, now=SEVEN)
    decision = decide(replace(calm, triggers=triggers), now=SEVEN)
    assert (decision.holds, decision.reason) == (True, Reason.DAILY_PEAK_AHEAD)
    assert "the daily peak in 1 h" in decision.message
