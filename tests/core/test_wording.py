"""Figures, times and lists as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core import explain
from brownout.core.plan import Action
from brownout.core.wording import duration, listing, percent, sentence, threshold
from tests.worlds import make_member, make_outlook


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.5, "0.5 s"),
        (9.5, "9.5 s"),
        (30, "30 s"),
        (59.6, "1 min"),
        (90, "1 min 30 s"),
        (300, "5 min"),
        (3599.7, "1 h"),
        (3605, "1 h 5 s"),
        (5400, "1 h 30 min"),
        (90_061, "25 h 1 min"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    """The two largest units, and a decimal only where seconds are few."""
    assert duration(seconds) == text


@given(seconds=st.floats(0.0, 1e6))
def test_every_duration_has_a_unit(seconds: float) -> None:
    """Never an empty word, never more than two units."""
    assert 2 <= len(duration(seconds).split()) <= 4


def test_percentages_and_thresholds() -> None:
    """What is measured has one decimal; a threshold stands as its owner wrote it."""
    assert (percent(84.06), threshold(80.0), threshold(72.5)) == ("84.1 %", "80 %", "72.5 %")


def test_lists_read_like_a_sentence() -> None:
    """With commas, and an `and` before the last."""
    assert [listing(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


@given(text=st.text(st.characters(), max_size=50), longest=st.integers(10, 40))
def test_a_sentence_fits_everywhere(text: str, longest: int) -> None:
    """Whatever a workload says of itself can be written and shown: one visible line, bounded; plain text stays."""
    found = sentence(text, longest=longest)
    assert len(found) <= longest
    assert found.replace("\u200c", "").replace("\u200d", "").isprintable()
    assert found.encode().decode() == found
    assert found == text or len(text) > longest or not text.isprintable()


def test_text_that_is_broken_is_made_whole() -> None:
    """A lone surrogate, as a file name may hold it, and a NUL are replaced; what is too long says so."""
    assert sentence("a\ud800b\x00c") == "a?b?c"
    assert sentence("a" * 5000).endswith("a ...")


def test_what_cannot_be_seen_is_seen_to_be_left_out() -> None:
    """Separators become spaces, what colours or turns a terminal question marks; what letters need stays."""
    assert sentence("a\nb\tc\u00a0d") == "a b c d"
    assert sentence("\x1b[31mred \u202e") == "?[31mred ?"
    assert sentence("\U0001f469\u200d\U0001f4bb") == "\U0001f469\u200d\U0001f4bb"


def test_what_is_unknown_says_why() -> None:
    """No figure is made up."""
    assert explain.ram(make_outlook(84.06)) == "RAM 84.1 %"
    assert explain.ram(make_outlook(None)) == "RAM unknown (memory cannot be read)"


def test_what_was_done_names_its_level() -> None:
    """A level is told where there is one; off needs none."""
    plain, levels = make_member("voice"), make_member("voice", (3.0, 2.0))
    assert explain.done(Action.START, plain, to_rung=0) == "started voice"
    assert explain.done(Action.LOWER, levels, to_rung=1) == "lowered voice to level-1"
    assert explain.done(Action.DISABLE, levels, to_rung=2) == "disabled voice"
    assert explain.done(Action.ENABLE, levels, to_rung=1) == "enabled voice at level-1"


def test_what_it_frees_is_honest() -> None:
    """Known, nothing, and not known are three different things."""
    assert explain.frees(2 * 2**30) == ", which frees about 2 GiB"
    assert explain.frees(0) == ", which frees nothing by itself"
    assert explain.frees(None) == "; what it frees is not known yet"
