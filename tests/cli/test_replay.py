"""`brownout replay`: the scores as programs and people read them, and every mistake on the way there."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from brownout.cli import replay as command
from brownout.simulate.rivals.roster import RIVALS
from tests.cli.loads import COSTS, write_integrations, write_policy, write_state, write_trace
from tests.cli.typed import rows_of, typed

ROW = [
    "trace", "mode", "policy", "days", "j", "minutes_80", "minutes_95", "lost_weighted", "lost_needlessly", "flips",
]  # fmt: skip
FORECAST_ROW = ["trace", "horizon", "model", "mase", "coverage_90", "width_90", "votes"]


def test_json_has_a_row_for_each_trace_mode_and_policy(home: Path) -> None:
    """With the rivals first, and the fields that programs rely on, in their order."""
    trace = write_trace(home / "day.csv")
    rows = rows_of(typed("replay", trace, "--rivals", "-o", "json", home=home))
    assert all(list(row) == ROW for row in rows)
    assert [row["policy"] for row in rows] == [*RIVALS, "thresholds", "expected-cost"] * 2
    assert [row["mode"] for row in rows] == ["native"] * 8 + ["interp"] * 8
    assert {row["trace"] for row in rows} == {"day"}
    assert {row["days"] for row in rows} == {round(400 / 2880, 4)}


def test_the_same_seed_gives_the_same_bytes_and_another_others(home: Path) -> None:
    """Chance is only in the noise of footprints, and that is seeded."""
    ask = ("replay", write_trace(home / "day.csv"), "--mode", "native", "-o", "json", "--seed")
    first, again, other = (typed(*ask, seed, home=home).out for seed in (3, 3, 4))
    assert first == again != other


def test_a_policy_of_ones_own_has_a_row_under_its_name(home: Path) -> None:
    """One that never acts loses nothing, and stands longest above 80 %."""
    lazy = write_policy(home / "lazy.yaml", "lazy", thresholds={"disable": 98.0, "emergency": 99.5})
    trace = write_trace(home / "day.csv")
    rows = rows_of(typed("replay", trace, "--mode", "native", "--policy", lazy, "-o", "json", home=home))
    found = {row["policy"]: row for row in rows}
    assert list(found) == ["thresholds", "expected-cost", "lazy"]
    assert found["lazy"]["lost_weighted"] == 0.0
    assert found["lazy"]["minutes_80"] > found["thresholds"]["minutes_80"]


def test_ones_own_integrations_run_in_place_of_the_four(home: Path) -> None:
    """25 % of voice and 1 % of stubs are another box than the benchmark's."""
    trace, folder = write_trace(home / "day.csv"), write_integrations(home / "mine")
    write_policy(folder / "policy.yaml", "default", memoryBudget="12Gi")
    ask = ("replay", trace, "--mode", "native", "-o", "json")
    four, mine = (rows_of(typed(*ask, *words, home=home)) for words in ((), ("--integrations", folder)))
    assert [row["policy"] for row in mine] == [row["policy"] for row in four]
    assert [row["j"] for row in mine] != [row["j"] for row in four]


def test_values_as_they_are_are_not_mapped(home: Path) -> None:
    """A flat 20 % is no load that could be mapped, and costs nothing as it is."""
    flat = write_trace(home / "flat.csv", *[20.0] * 50)
    rows = rows_of(typed("replay", flat, "--as-is", "-o", "json", home=home))
    assert {(row["mode"], row["j"]) for row in rows} == {("native", 0.0), ("interp", 0.0)}


def test_a_load_of_a_thousand_years_is_refused_and_its_middle_is_replayed(home: Path) -> None:
    """A file says how long it is; how long a replay takes, and what it holds in memory, is not for it to say."""
    trace = home / "long.csv"
    trace.write_text("timestamp_s,value_percent\n0,10\n1e300,90\n2e300,20\n")
    told = typed("replay", trace, "--as-is", home=home).refusal
    assert told.startswith("long is 2e+295 days of ticks long (interp): as they are at most 100000 ticks are replayed")
    rows = rows_of(typed("replay", trace, "--mode", "interp", "-o", "json", home=home))
    assert {row["days"] for row in rows} == {round(3000 / 2880, 4)}


def test_a_file_that_is_too_large_or_packed_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not read to its end: a device may have none."""
    packed = home / "day.csv.gz"
    packed.write_bytes(gzip.compress(write_trace(home / "day.csv").read_bytes()))
    assert typed("replay", packed, home=home).refusal == f"{packed}: is compressed: unpack it first (gunzip)"
    monkeypatch.setattr("brownout.cli.given.LARGEST_BYTES", 2**20)
    told = typed("replay", "/dev/zero", home=home).refusal
    assert told == "/dev/zero: is larger than 1 MiB: cut a part out of it"


def test_what_cannot_be_mapped_is_told_and_the_rest_is_replayed(home: Path) -> None:
    """A flat trace is a line on standard error; only where nothing is left it is an error."""
    flat, day = write_trace(home / "flat.csv", *[20.0] * 50), write_trace(home / "day.csv")
    both = typed("replay", flat, day, "--mode", "native", "-o", "json", home=home)
    assert both.code == 0
    assert both.err.startswith("note: flat is left out: its 95th percentile is 0.00 points above its median")
    assert {row["trace"] for row in json.loads(both.out)["rows"]} == {"day"}
    alone = typed("replay", flat, home=home)
    assert alone.code == 1
    assert alone.err.splitlines()[-1] == ("brownout: no trace is left to replay: --as-is takes the values as they are")


def test_the_table_has_both_modes_in_each_cell(home: Path) -> None:
    """A line for each policy, native before interpolated; what J is stands below."""
    out = typed("replay", write_trace(home / "day.csv"), "--rivals", home=home).out
    for policy in (*RIVALS, "thresholds", "expected-cost"):
        assert re.search(rf"^ *{policy} +\d+ / \d+ .* \d\.\d\d / \d\.\d\d *$", out, re.MULTILINE), policy
    assert "Per day; native / interp. J is what a day costs" in out


def test_all_mistakes_are_told_at_once(home: Path) -> None:
    """A missing file, a bad row with its line, an unknown field, and a file that holds no policy."""
    bad = home / "bad.csv"
    bad.write_text("timestamp_s,value_percent\n0,10\n30,ten\n60,-1\n")
    wrong = write_policy(home / "wrong.yaml", "wrong", colour="red")
    empty = home / "empty.yaml"
    empty.write_text("")
    answer = typed("replay", home / "none.csv", bad, "--policy", wrong, "--policy", empty, home=home)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines() == [
        f"brownout: {home}/none.csv: cannot be read: No such file or directory",
        f"brownout: {bad}, line 3: 'ten': must be a finite number",
        f"brownout: {bad}, line 4: -1: value_percent must be from 0 to 100",
        f'brownout: {wrong}:6: unknown field "spec.colour"',
        f"brownout: {empty}: holds no BrownoutPolicy",
    ]


def test_names_of_the_report_are_taken(home: Path) -> None:
    """A policy called oracle would be read as one; the same name twice as well."""
    trace = write_trace(home / "day.csv")
    oracle, mine = write_policy(home / "a.yaml", "oracle"), write_policy(home / "b.yaml", "mine")
    answer = typed("replay", trace, "--policy", oracle, "--policy", mine, "--policy", mine, home=home)
    assert answer.err.splitlines() == [
        f"brownout: {mine}: a policy named mine was given before",
        "brownout: metadata.name: oracle is a name of the report: give the policy another",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "nothing to replay: name TRACE..., --generate FAMILY, or --history (with --state for another folder)"),
        ("{trace} --history", "a trace and a history at once: name TRACE..., --generate FAMILY, or --history"),
        ("{trace} --generate leak", "a trace and a generated load at once: name TRACE..."),
        ("--generate busts", "'busts' is not one of"),
        ("{trace} --plugins .", "--plugins says where the plugins of --integrations lie: name those too"),
        ("{trace} --plot a.gif", "a.gif is not a picture that can be drawn: name a file that ends in .svg or .png"),
        ("{trace} -o xml", '"xml" is not an output: use one of table, json'),
        ("{trace} --since 5x", '"5x" is not a duration'),
        ("{trace} --forecast --policy {trace}", "--forecast scores forecasts, which no policy changes"),
        ("{trace} --forecast --plot a.svg", "--forecast scores forecasts, which no policy changes"),
        ("{trace} --mode rough", "'rough' is not one of 'native', 'interp', 'both'"),
    ],
)
def test_options_that_mean_nothing_end_with_2(words: str, said: str, home: Path) -> None:
    """It says what does not go together, and what would."""
    trace = write_trace(home / "day.csv")
    assert said in typed("replay", *words.format(trace=trace).split(), home=home).misuse


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Integration", "Required value"),
        ("{voice}", "nobody says how much memory voice takes: set spec.memory, or that of each level"),
        ("{off}", "no integration that is wanted on is declared: leave out --integrations"),
    ],
)
def test_integrations_that_cannot_be_replayed_are_told(text: str, said: str, home: Path) -> None:
    """They are read as the controller would read them, and must have a size."""
    spec = "spec: {workload: {command: {argv: [x]}}}"
    voice = f"apiVersion: brownout.dev/v1alpha1\nkind: Integration\nmetadata: {{name: voice}}\n{spec}\n"
    folder = home / "mine"
    folder.mkdir()
    off = voice.replace("workload", "enabled: false, workload")
    (folder / "a.yaml").write_text(text.format(voice=voice, off=off))
    answer = typed("replay", write_trace(home / "day.csv"), "--integrations", folder, home=home)
    assert answer.code == 1
    assert said in answer.err


def test_forecasts_have_a_row_for_each_candidate_the_plain_regression_and_the_live_one(home: Path) -> None:
    """At both horizons; last-value's error is that of last-value, and figures that do not exist are null."""
    rows = rows_of(typed("replay", "--forecast", write_trace(home / "day.csv"), "-o", "json", home=home))
    assert all(list(row) == FORECAST_ROW for row in rows)
    assert {row["horizon"] for row in rows} == {"10ticks", "5min"}
    models = [row["model"] for row in rows if row["horizon"] == "5min"]
    assert len(set(models)) == len(models)
    assert (models[0], models[-2:]) == ("last-value", ["plain-regression", "live"])
    assert {row["mase"] for row in rows if row["model"] == "last-value"} == {1.0}
    table = typed("replay", "--forecast", write_trace(home / "day.csv"), home=home).out
    assert table.splitlines()[0].split("  ")[0] == "TRACE"


def test_a_trace_that_is_too_short_for_a_forecast_is_told(home: Path) -> None:
    """Nothing of it is known ten ticks ahead; only where nothing is left it is an error."""
    answer = typed("replay", "--forecast", write_trace(home / "short.csv", 10.0, 20.0, 30.0), home=home)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines() == [
        "note: short (native) is left out: nothing of it lies 10 ticks ahead",
        "note: short (interp) is left out: nothing of it lies 10 ticks ahead",
        "brownout: no trace is left to forecast: give one with an hour at least",
    ]


def test_the_picture_is_sound_and_says_what_it_shows(home: Path) -> None:
    """XML with a title and a description in words, and a strip for each policy."""
    file = home / "day.svg"
    asked = typed("replay", write_trace(home / "day.csv"), "--mode", "native", "--plot", file, home=home)
    assert (asked.code, asked.err) == (0, "")
    root = ET.fromstring(file.read_text())  # noqa: S314 - our own
    space = "{http://www.w3.org/2000/svg}"
    described = root.findtext(f"{space}desc")
    assert described is not None
    assert root.findtext(f"{space}title") == "day (native): memory, and what ran under each policy"
    assert "thresholds: J " in described
    assert "expected-cost: J " in described


def test_a_picture_can_be_png(home: Path) -> None:
    """Twice as many dots as the SVG has pixels, and neither white nor black alone."""
    file = home / "day.png"
    asked = typed("replay", write_trace(home / "day.csv"), "--mode", "native", "--plot", file, home=home)
    assert (asked.code, asked.err) == (0, "")
    raw = file.read_bytes()
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(raw[16:20], "big") == 2400
    assert len(raw) > 50_000


def test_a_picture_that_cannot_be_drawn_is_told_before_anything_is_computed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after minutes: no folder, or nothing that draws PNG."""
    trace = write_trace(home / "day.csv")
    monkeypatch.setattr(command, "contest", None)
    lost = typed("replay", trace, "--plot", home / "no" / "a.svg", home=home)
    assert lost.refusal == f"{home}/no/a.svg cannot be written to: there is no folder {home}/no"
    monkeypatch.setattr("brownout.cli.replay_plot.find_spec", lambda _: None)
    without = typed("replay", trace, "--plot", home / "a.png", home=home)
    said = "what draws PNG is not installed: pip install 'brownout[png]', or name a .svg"
    assert without.refusal == f"{home}/a.png: {said}"


def test_a_picture_that_cannot_be_written_is_told(home: Path) -> None:
    """A folder stands where the file should."""
    (home / "a.svg").mkdir()
    asked = typed("replay", write_trace(home / "day.csv"), "--mode", "native", "--plot", home / "a.svg", home=home)
    assert asked.refusal == f"{home}/a.svg cannot be written to (Is a directory): name another file"


def test_ones_own_history_is_replayed_with_what_was_measured(home: Path) -> None:
    """Without a trace: the base of the samples, the integrations of the state folder at their measured size."""
    state = write_state(
        home / "state", lambda at: 50.0 + 5.0 * (at % 40 < 6), ticks=300, held={"voice": 25.0, "stubs": 1.0}
    )
    rows = rows_of(typed("replay", "--history", "--state", state, "-o", "json", home=home))
    assert [(row["trace"], row["mode"], row["policy"]) for row in rows] == [
        ("history", "native", "thresholds"),
        ("history", "native", "expected-cost"),
    ]
    assert rows[0]["days"] == round(225 / 2880, 4)
    assert rows[0]["lost_weighted"] > 0.0


def test_a_history_that_says_too_little_is_told(home: Path) -> None:
    """None, too short a one, and one in which nothing of ours was measured."""
    assert typed("replay", "--state", home, home=home).refusal.startswith(f"there is no history at {home}/history.db")
    short = write_state(home / "short", lambda _: 50.0, ticks=20, held={"voice": 5.0})
    said = typed("replay", "--state", short, home=home).refusal
    assert said == f"the history of {short} holds 10 minutes of this time: a replay needs an hour at least"
    bare = write_state(home / "bare", lambda _: 50.0, ticks=150, held={})
    said = typed("replay", "--state", bare, home=home).refusal
    assert said == f"the history of {bare} holds no measurement of an integration: nothing to replay"


def test_an_interruption_ends_with_130(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of it leaves no traceback."""
    import os  # noqa: PLC0415
    import signal  # noqa: PLC0415

    monkeypatch.setattr(command, "contest", lambda *_args, **_options: os.kill(os.getpid(), signal.SIGINT))
    answer = typed("replay", write_trace(home / "day.csv"), home=home)
    assert (answer.code, answer.out, answer.err) == (130, "", "")


def test_cells_with_one_mode_have_one_figure(home: Path) -> None:
    """Asked for one mode, nothing is repeated."""
    out = typed(
        "replay",
        write_trace(home / "day.csv"),
        "--mode",
        "interp",
        "--policy",
        write_policy(home / "c.yaml", "mine", **COSTS),
        home=home,
    ).out
    assert re.search(r"^ *mine +\d+ +[\d.]+ ", out, re.MULTILINE)
