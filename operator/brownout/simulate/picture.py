"""A picture of a replay, as SVG text: the load with its forecast above, and below a strip for each policy.

No policy differs by colour alone: lines differ by their dashes, and a level by the height of its bar. The colours are
Okabe and Ito's, which people with any colour vision can tell apart.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from brownout.simulate.loop import Record, Tick
from brownout.simulate.plant import Thing
from brownout.simulate.score import score
from brownout.simulate.strokes import BLUE, GREY, INK, ORANGE, SKY, VERMILLION, line, path, rect, text
from brownout.simulate.traces import TICK_S

WIDTH, LEFT, RIGHT, TOP, CHART = 1200.0, 170.0, 60.0, 70.0, 300.0
LANE, GAP, STRIP_GAP = 14.0, 3.0, 30.0
#: What a forecast is about lies this far ahead of where it was made.
AHEAD_TICKS = 10
THRESHOLDS = ((95.0, VERMILLION, "2 3"), (80.0, ORANGE, "8 4"), (65.0, BLUE, "12 3 2 3"))
_HOURS = (1, 2, 3, 6, 12, 24, 48, 96, 168)


def picture(records: Sequence[Record]) -> str:
    """The picture of one base load under these policies; load and forecast are those of the first that tells a band."""
    shown = next((record for record in records if any(map(banded, record.ticks))), records[0])
    chart = _Chart(shown)
    strips, y = [], TOP + CHART + 46.0
    for record in records:
        strips += list(_strip(chart, record, y))
        y += STRIP_GAP + (LANE + GAP) * len(record.things)
    body = [*chart.body(), *strips, *_legend(y)]
    return "\n".join((*_head(records, shown, y + 40.0), *body, "</svg>")) + "\n"


class _Chart:
    """The upper part, and where an instant and a percent lie in it."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.count = max(2, len(record.ticks))
        lowest = min(60.0, *(tick.base for tick in record.ticks))
        self.floor = max(0.0, 10.0 * math.floor(lowest / 10.0))

    def x(self, tick: float) -> float:
        """The place of a tick."""
        return LEFT + (WIDTH - LEFT - RIGHT) * min(tick, self.count - 1.0) / (self.count - 1.0)

    def y(self, percent: float) -> float:
        """The place of a percent."""
        clipped = min(100.0, max(self.floor, percent))
        return TOP + CHART * (100.0 - clipped) / (100.0 - self.floor)

    def body(self) -> Iterator[str]:
        """Axes, band, lines and thresholds, in the order in which they cover each other."""
        yield from self._axes()
        yield from self._forecast()
        yield path([(self.x(at), self.y(it.base)) for at, it in enumerate(self.record.ticks)], GREY, width=1.0)
        yield path([(self.x(at), self.y(it.total)) for at, it in enumerate(self.record.ticks)], INK, width=1.4)
        for percent, colour, dash in THRESHOLDS:
            yield line((LEFT, self.y(percent)), (WIDTH - RIGHT, self.y(percent)), colour, dash=dash, width=1.6)
            yield text((WIDTH - RIGHT + 6.0, self.y(percent) + 4.0), f"{percent:g} %", bold=True)

    def _axes(self) -> Iterator[str]:
        bottom = TOP + CHART
        for percent in range(int(self.floor), 101, 10):
            yield line((LEFT, self.y(percent)), (WIDTH - RIGHT, self.y(percent)), "#dddddd")
            yield text((LEFT - 8.0, self.y(percent) + 4.0), f"{percent} %", anchor="end")
        for hour in hours(self.count):
            at = self.x(hour * 3600.0 / TICK_S)
            yield line((at, bottom), (at, bottom + 5.0), INK)
            yield text((at, bottom + 19.0), f"{hour} h", anchor="middle")
        yield line((LEFT, bottom), (WIDTH - RIGHT, bottom), INK)

    def _forecast(self) -> Iterator[str]:
        for _, run in groupby(enumerate(self.record.ticks), key=lambda pair: banded(pair[1])):
            points = [(self.x(at + AHEAD_TICKS), tick.told) for at, tick in run if at + AHEAD_TICKS < self.count]
            told = [(x, it) for x, it in points if it and it.value is not None]
            upper = [(x, self.y(it.upper)) for x, it in told if it.upper is not None and math.isfinite(it.upper)]
            lower = [(x, self.y(it.lower)) for x, it in told if it.lower is not None and math.isfinite(it.lower)]
            if len(upper) == len(lower) == len(told) and len(told) > 1:
                yield path([*upper, *reversed(lower)], "none", fill=SKY)
            if len(told) > 1:
                yield path([(x, self.y(it.value or 0.0)) for x, it in told], BLUE, width=1.0, dash="4 2")


def hours(count: int) -> range:
    """The hours at which the axis of so many ticks is marked: 14 marks at most."""
    whole = count * TICK_S / 3600.0
    step = next((each for each in _HOURS if whole / each <= 14.0), _HOURS[-1] * math.ceil(whole / _HOURS[-1] / 14.0))
    return range(0, math.floor(whole) + 1, step)


def banded(tick: Tick) -> bool:
    """Whether a forecast with a band was told at this tick."""
    told = tick.told
    return told is not None and told.upper is not None and math.isfinite(told.upper)


def _strip(chart: _Chart, record: Record, y: float) -> Iterator[str]:
    found = score(record)
    figures = f"J {found.j:.0f} a day, {found.minutes_80:.0f} min at or above 80 %, {found.flips:.0f} flips"
    yield text((LEFT, y), f"{record.contender}: {figures}", bold=True)
    for place, thing in enumerate(record.things):
        top = y + 7.0 + place * (LANE + GAP)
        yield text((LEFT - 8.0, top + LANE - 3.0), thing.name, anchor="end")
        yield from _lane(chart, record, place, top)


def _lane(chart: _Chart, record: Record, place: int, top: float) -> Iterator[str]:
    """One integration over time: a full bar on, a lower one lowered, a thin line off."""
    thing, start = record.things[place], 0
    for rung, run in groupby(tick.rungs[place] for tick in record.ticks):
        length = len(list(run))
        left, right = chart.x(start), chart.x(start + length)
        height, colour = _bar(thing, rung)
        yield rect(left, top + LANE - height, max(0.4, right - left), height, colour)
        start += length


def _bar(thing: Thing, rung: int) -> tuple[float, str]:
    if rung >= thing.off:
        return 1.5, VERMILLION
    # Clearly less than on and clearly more than off: from 8 to 3 tenths of the lane.
    return (LANE, BLUE) if rung == 0 else (LANE * (0.3 + 0.5 * (thing.off - rung) / thing.off), ORANGE)


def _legend(y: float) -> Iterator[str]:
    x = LEFT
    for name, height, colour in (("on", LANE, BLUE), ("lowered", LANE / 2.0, ORANGE), ("off", 1.5, VERMILLION)):
        yield rect(x, y + LANE - height, 30.0, height, colour)
        yield text((x + 36.0, y + LANE - 3.0), name)
        x += 110.0
    for name, colour, dash in (("total", INK, ""), ("without ours", GREY, ""), ("forecast 5 min before", BLUE, "4 2")):
        yield line((x, y + LANE / 2.0), (x + 30.0, y + LANE / 2.0), colour, dash=dash, width=1.6)
        yield text((x + 36.0, y + LANE - 3.0), name)
        x += 140.0
    x += 40.0
    yield rect(x, y, 30.0, LANE, SKY)
    yield text((x + 36.0, y + LANE - 3.0), "its 90 % band")


def _head(records: Sequence[Record], shown: Record, height: float) -> Iterator[str]:
    size = f'width="{WIDTH:.0f}" height="{height:.0f}" viewBox="0 0 {WIDTH:.0f} {height:.0f}"'
    label = 'role="img" aria-labelledby="title desc" font-family="DejaVu Sans, Helvetica, Arial, sans-serif"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label} font-size="12">'
    title = f"{shown.trace} ({shown.mode}): memory, and what ran under each policy"
    yield f'<title id="title">{escape(title)}</title>'
    yield f'<desc id="desc">{escape(_described(records))}</desc>'
    yield rect(0.0, 0.0, WIDTH, height, "#ffffff")
    yield text((LEFT, 28.0), title, bold=True, size=16)
    yield text((LEFT, 48.0), f"The load and the forecast are those under {shown.contender}.")


def _described(records: Sequence[Record]) -> str:
    """The picture in words."""
    ticks = len(records[0].ticks)
    parts = [f"{ticks * TICK_S / 3600.0:.1f} hours."]
    for record in records:
        found = score(record)
        parts.append(
            f"{record.contender}: J {found.j:.0f} a day, {found.minutes_80:.0f} minutes at or above 80 %, "
            f"{found.minutes_95:.0f} at or above 95 %, {found.flips:.0f} flips."
        )
    return " ".join(parts)
