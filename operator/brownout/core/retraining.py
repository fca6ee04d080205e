"""The strategy of training (requirement F5): when to train, and what makes a new model replace the old one. Pure.

    when                    first that holds                                                      then
    ----------------------  --------------------------------------------------------------------  -----------------
    not now                 the last attempt is younger than an hour, or than the backoff of      wait
                            failures (an hour, doubled with each in a row, at most a day)
    no model                there is no champion for such a series, and 6 hours of history        train
    not yet                 fewer than 240 new samples since the last training (2 h at 30 s)      wait
    drift                   the champion's error over last-value's is here and now 1.25 times     train
                            that of its backtest, on at least 600 resolved forecasts (see Track)
    age                     the last training is 24 hours old                                     train

Drift is told by the ratio to last-value's error: a restless day makes every model's errors larger, and no training
helps against that.

    what replaces what      a challenger is fitted on the older 70 % of the history; it and the champion are held to the
                            same origins, in the newest 30 %, on which neither was fitted. It replaces the champion if
                            its mean absolute error at the horizon is at least 2 % smaller; a tie keeps the champion,
                            and so do fewer than 100 origins. A first model has to beat nobody: the panel weighs it.
    what is kept            the champions, the last challenger with its figures, the last 20 reports
"""

from dataclasses import dataclass

from brownout.core.forecasting.model import Model
from brownout.core.forecasting.panel import Panel
from brownout.core.instant import Instant

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
LEAST_HISTORY_S = 6 * HOUR_S
NEW_SAMPLES = 240
DRIFTED = 1.25
DRIFT_TOLD_BY = 600  # by then a newcomer's bad name counts a sixteenth
MARGIN = 0.02
LEAST_ORIGINS = 100

_MOST_DOUBLINGS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What it depends on whether to train. `champion_ratio` is that of its backtest at the horizon, None: no champion;
    `live_ratio` that of here and now, None: not enough is resolved. `failures` are those in a row.
    """

    now: Instant
    attempted_at: Instant | None = None
    trained_at: Instant | None = None
    failures: int = 0
    history_s: float = 0.0
    new_samples: int = 0
    champion_ratio: float | None = None
    live_ratio: float | None = None


def due(seen: Circumstances) -> str:
    """Why to train now, in words; empty: not now."""
    if seen.attempted_at is not None and seen.now - seen.attempted_at < pause_s(seen.failures):
        return ""
    if seen.champion_ratio is None:
        return "there is no model yet" if seen.history_s >= LEAST_HISTORY_S else ""
    if seen.new_samples < NEW_SAMPLES:
        return ""
    if seen.live_ratio is not None and seen.live_ratio >= DRIFTED * seen.champion_ratio:
        return f"its errors are {seen.live_ratio:.2f} times last-value's, in its backtest {seen.champion_ratio:.2f}"
    if seen.trained_at is None or seen.now - seen.trained_at >= DAY_S:
        return "the last training is a day old"
    return ""


def pause_s(failures: int) -> float:
    """How long to wait after an attempt, by how many have failed in a row."""
    doubled: float = HOUR_S * 2.0 ** min(max(0, failures - 1), _MOST_DOUBLINGS)
    return min(DAY_S, doubled)


def replaces(challenger_error: float, champion_error: float, *, origins: int) -> bool:
    """Whether the challenger is better by enough, both errors being of the same origins."""
    return origins >= LEAST_ORIGINS and challenger_error < champion_error * (1.0 - MARGIN)


def live_ratio(panel: Panel | None) -> float | None:
    """The trained regression's error over last-value's at the horizon; None before enough is resolved."""
    if panel is None:
        return None
    places = [place for place, each in enumerate(panel.forecasters) if each.model is Model.TRAINED]
    track = panel.tracks[-1]
    if not places or len(track.errors) <= places[0] or track.resolved - track.joined < DRIFT_TOLD_BY:
        return None
    return track.errors[places[0]] / track.errors[0] if track.errors[0] > 0.0 else None
