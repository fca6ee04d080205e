"""Laws of the picture: sound XML that says in words what it shows, and nothing that is told by colour alone."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from brownout.simulate.contender import Told
from brownout.simulate.loop import Tick
from brownout.simulate.picture import hours, picture
from brownout.simulate.plant import Thing
from brownout.simulate.strokes import text
from tests.simulate.boxes import VOICE, make_record, make_tick

SVG = "{http://www.w3.org/2000/svg}"
LADDER = Thing(name="<voice> & co", percent=20.0, levels=((8.0, 0.5),))


def drawn(*ticks_of: str) -> ET.Element:
    """The picture of a record for each text: 0 is on, 1 lowered, 2 off, at each tick."""
    records = [
        make_record(
            *(make_tick(60.0 + 5.0 * int(rung), rungs=(int(rung),), serving=(1.0,)) for rung in rungs),
            things=(LADDER,),
            contender=f"policy-{number}",
        )
        for number, rungs in enumerate(ticks_of)
    ]
    return ET.fromstring(picture(records))  # noqa: S314 - our own


def heights(root: ET.Element) -> list[float]:
    """Heights of the bars of all strips, without the background and the legend's four."""
    boxes = [float(box.attrib["height"]) for box in root.iter(f"{SVG}rect")]
    return boxes[1:-4]


def test_it_has_a_title_and_a_description_in_words() -> None:
    """For those who hear it: how long, and the figures of each policy."""
    root = drawn("0" * 120, "2" * 120)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] == "title desc"
    described = root.findtext(f"{SVG}desc") or ""
    assert described.startswith("1.0 hours. policy-0: J 0 a day, 0 minutes at or above 80 %")
    assert "policy-1: J " in described


def test_a_level_is_told_by_the_height_of_its_bar() -> None:
    """On is higher than lowered, lowered than off; each stretch is one bar."""
    on, lowered, off = heights(drawn("00112222"))
    assert on > lowered > off > 0.0


def test_each_line_of_the_legend_looks_different_without_colour() -> None:
    """The three thresholds and the forecast have dashes of their own."""
    dashes = [each.attrib.get("stroke-dasharray") for each in drawn("0" * 120).iter(f"{SVG}line")]
    assert {"2 3", "8 4", "12 3 2 3", "4 2"} <= set(dashes)


def test_names_are_escaped() -> None:
    """A name may hold what XML means something by."""
    words = [each.text for each in drawn("0").iter(f"{SVG}text")]
    assert "<voice> & co" in words
    assert text((0.0, 0.0), "a<b") == (
        '<text x="0.0" y="0.0" text-anchor="start" fill="#222222" font-size="12">a&lt;b</text>'
    )


def test_the_forecast_is_drawn_where_it_is_about() -> None:
    """Five minutes after it was made; its band is a surface, and one without a band is none."""
    told = Told(reason="x", value=70.0, lower=65.0, upper=75.0)
    ticks = [make_tick(60.0)] * 5 + [_telling(told)] * 10 + [make_tick(60.0)] * 20
    (band,) = ET.fromstring(picture([make_record(*ticks)])).iter(f"{SVG}polygon")  # noqa: S314
    places = [float(pair.split(",")[0]) for pair in band.attrib["points"].split()]
    step = (1200.0 - 170.0 - 60.0) / 34.0
    assert min(places) == round(170.0 + 15 * step, 1)
    assert max(places) == round(170.0 + 24 * step, 1)
    endless = Told(reason="x", value=70.0, lower=0.0, upper=float("inf"))
    assert "<polygon" not in picture([make_record(*[_telling(endless)] * 40)])


def test_nothing_to_show_is_shown() -> None:
    """One tick, and loads beyond the scale, are drawn all the same."""
    for ticks in ([make_tick(150.0)], [make_tick(50.0, base=0.0)] * 3):
        assert "nan" not in picture([make_record(*ticks, things=(VOICE,))])


@given(st.integers(1, 100_000))
def test_the_axis_has_few_marks(count: int) -> None:
    """Hours in steps that people count in, never more than fifteen marks, the first at 0."""
    marks = hours(count)
    assert marks[0] == 0
    assert len(marks) <= 15
    assert marks[-1] * 120 <= count


def _telling(told: Told) -> Tick:
    return replace(make_tick(60.0), told=told)
