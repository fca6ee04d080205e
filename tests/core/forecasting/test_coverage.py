"""Coverage: the band holds what it promises, whatever the load does."""

import math
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownout.core.forecasting.coverage import RATE, Coverage
from brownout.core.forecasting.residuals import Residuals
from tests.worlds import make_dice, make_residuals

CONFIDENCES = st.sampled_from([50.0, 80.0, 90.0, 99.0])
#: What an adversary may do who sees the band before he moves; "copy" repeats his last move.
MOVES = st.lists(st.sampled_from(["above", "below", "within", "far above", "copy"]), min_size=1, max_size=300)


def _against(band: tuple[float, float], move: str, last: float) -> float:
    """Give the residual that hurts most; where the band is infinite there is no way past it."""
    lower, upper = (max(-1e6, min(1e6, side)) for side in band)
    moves = {"above": upper + 1e-3, "far above": upper + 100.0, "below": lower - 1e-3, "within": (lower + upper) / 2.0}
    return moves.get(move, last)


@given(confidence=CONFIDENCES, moves=MOVES)
@settings(max_examples=60)
def test_no_adversary_makes_it_miss_more_than_the_bound(confidence: float, moves: list[str]) -> None:
    """After any T residuals the share of misses on either side differs from the promised one by at most
    (max(a, 1 - a) + rate) / (rate T), for a band that is judged before the next is made (Gibbs and Candes 2021,
    proposition 4.1).
    """
    coverage, residuals = Coverage.of(confidence), Residuals()
    promised, below, above, residual = coverage.promised, 0, 0, 0.0
    for move in moves:
        band = coverage.band(residuals)
        residual = _against(band, move, residual)
        below, above = below + (residual < band[0]), above + (residual > band[1])
        coverage, residuals = coverage.after(residual, band), residuals.add(residual)
    bound = (max(promised, 1.0 - promised) + RATE) / (RATE * len(moves))
    assert abs(below / len(moves) - promised) <= bound + 1e-9
    assert abs(above / len(moves) - promised) <= bound + 1e-9


@given(confidence=CONFIDENCES, moves=MOVES)
@settings(max_examples=30)
def test_what_it_leaves_out_stays_near_what_can_be_left_out(confidence: float, moves: list[str]) -> None:
    """Neither side wanders off: one miss under 0 and one hit over 1 at most, since nothing gets past no band."""
    coverage, residuals, residual = Coverage.of(confidence), Residuals(), 0.0
    for move in moves:
        band = coverage.band(residuals)
        residual = _against(band, move, residual)
        coverage, residuals = coverage.after(residual, band), residuals.add(residual)
        assert min(coverage.below, coverage.above) >= -RATE
        assert max(coverage.below, coverage.above) <= 1.0 + RATE


@pytest.mark.parametrize("confidence", [50.0, 80.0, 90.0])
@pytest.mark.parametrize("shape", ["gaussvariate", "expovariate"])
def test_it_covers_what_it_promises(confidence: float, shape: str) -> None:
    """With exchangeable residuals the share within the band is the promised one: 2000 draws, 3 sigma."""
    dice, coverage, residuals, hits = make_dice(), Coverage.of(confidence), Residuals(), []
    for _ in range(2000):
        residual = dice.gauss(0.0, 3.0) if shape == "gaussvariate" else dice.expovariate(1.0)
        band = coverage.band(residuals)
        hits.append(band[0] <= residual <= band[1])
        coverage, residuals = coverage.after(residual, band), residuals.add(residual)
    promised = confidence / 100.0
    assert fmean(hits) == pytest.approx(promised, abs=3.0 * math.sqrt(promised * (1.0 - promised) / len(hits)))


def test_a_band_is_an_order_statistic() -> None:
    """For 90 % half of what is left lies on each side: of 19 residuals the outermost two, of fewer no two at all."""
    coverage = Coverage.of(90.0)
    assert coverage.band(make_residuals(*range(1, 20))) == (1.0, 19.0)
    assert coverage.band(make_residuals(*range(1, 40))) == (2.0, 38.0)
    assert coverage.band(make_residuals(*range(1, 19))) == (-math.inf, math.inf)
    assert coverage.band(Residuals()) == (-math.inf, math.inf)


@given(errors=st.lists(st.floats(-50.0, 50.0), max_size=60), extra=st.floats(0.0, 50.0))
def test_more_confidence_is_never_narrower(errors: list[float], extra: float) -> None:
    """Each side reaches further with the confidence, and with a larger residual among the past ones."""
    residuals = make_residuals(*errors)
    (low_80, high_80), (low_90, high_90) = (Coverage.of(each).band(residuals) for each in (80.0, 90.0))
    assert low_90 <= low_80
    assert high_80 <= high_90
    if errors:
        larger = make_residuals(*sorted(errors)[:-1], max([*errors, extra]))
        assert Coverage.of(90.0).band(larger)[1] >= high_90


def test_a_miss_reaches_further_out() -> None:
    """After a miss above, that side leaves out less; the other, which was hit, a little more."""
    coverage = Coverage.of(90.0)
    after = coverage.after(5.0, (-1.0, 1.0))
    assert (after.above, after.below) == pytest.approx((0.05 - 0.95 * RATE, 0.05 + 0.05 * RATE))
