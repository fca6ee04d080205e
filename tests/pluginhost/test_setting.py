"""The config of a plugin against what its manifest says of it."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.pluginhost.setting import Kind, Setting, check_config

SETTINGS = {
    "port": Setting(type=Kind.INTEGER, minimum=1, maximum=65535, default=8410),
    "every": Setting(type=Kind.DURATION, default="5s"),
    "room": Setting(type=Kind.MEMORY, default="1Mi"),
    "tone": Setting(type=Kind.STRING, enum=("loud", "quiet"), default="loud"),
    "code": Setting(type=Kind.STRING, pattern="[a-z]{3}"),
    "token": Setting(type=Kind.STRING, secret=True, required=True, pattern="[a-z]{8}"),
    "answers": Setting(type=Kind.MAP, items=Setting(type=Kind.LIST)),
}


def refused(config: dict[str, Any]) -> list[str]:
    """What is wrong with a config, which must be something."""
    found = check_config(SETTINGS, config)
    assert isinstance(found, tuple)
    return [problem.sentence for problem in found]


def test_a_config_is_given_with_its_defaults_in_plain_units() -> None:
    """Durations arrive as seconds and memory as bytes; what has neither value nor default is not there."""
    config = check_config(SETTINGS, {"token": "abcdefgh", "answers": {"hello": ["hi", "hey"]}})
    expected = {"port": 8410, "every": 5.0, "room": 2**20, "tone": "loud", "token": "abcdefgh"}
    assert config == {**expected, "answers": {"hello": ["hi", "hey"]}}


def test_every_problem_is_told_with_its_path() -> None:
    """Kinds, bounds, words, patterns, parts of lists and maps, what is missing and what nobody knows."""
    config = {"port": 0, "every": 5, "tone": "shrill", "code": "no", "answers": {"a": ["b", 3]}, "colour": "red"}
    assert [sentence.partition(":")[0] for sentence in refused(config)] == [
        "config.answers.a[1]",
        "config.code",
        'unknown field "config.colour"',
        "config.every",
        "config.port",
        "config.token",
        "config.tone",
    ]


def test_a_secret_is_never_shown() -> None:
    """What the manifest calls a secret is masked, whatever it is named."""
    (problem,) = refused({"token": "hunter2-hunter2"})
    assert problem == 'config.token: Invalid value: "******": must match [a-z]{8}'


def test_a_list_or_a_map_has_an_end() -> None:
    """A config is for people: a list of more than a thousand things is refused."""
    (problem,) = refused({"token": "abcdefgh", "answers": {str(at): [] for at in range(1001)}})
    assert problem.endswith("must hold at most 1000 items")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(list(Kind)), _JSON)
def test_a_value_is_taken_or_refused_and_never_bent(kind: Kind, value: Any) -> None:
    """Text, numbers and flags arrive as they were written; nothing is turned into another kind."""
    found = check_config({"x": Setting(type=kind)}, {"x": value})
    if isinstance(found, dict) and "x" in found and kind in (Kind.STRING, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN):
        assert found["x"] == value
    if kind is Kind.BOOLEAN and not isinstance(value, bool | None):
        assert isinstance(found, tuple)


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        ({"type": "string", "default": "a", "required": True}, "default"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "minimum"),
        ({"type": "integer", "enum": ["a"]}, "enum"),
        ({"type": "string", "pattern": "("}, "pattern"),
    ],
)
def test_a_setting_that_contradicts_itself_is_refused(setting: dict[str, Any], field: str) -> None:
    """Required with a default, bounds the wrong way round, words for a number, a pattern that is none."""
    with pytest.raises(ValueError, match=field):
        Setting.from_wire(setting)


def test_a_pattern_of_a_stranger_is_matched_in_the_time_of_its_text() -> None:
    """What Python's `re` would search for longer than the world stands is answered; nobody's `b` is an `a`."""
    slow = Setting(type=Kind.STRING, pattern="(a+)+$")
    assert check_config({"x": slow}, {"x": "a" * 4096}) == {"x": "a" * 4096}
    found = check_config({"x": slow}, {"x": "a" * 4095 + "b"})
    assert isinstance(found, tuple)
    assert "must match (a+)+$" in str(found[0])


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", "a)|(b", r"\w{250}{250}{250}", "(?x) a # c"])
def test_a_pattern_that_takes_more_than_its_text_is_none(pattern: str) -> None:
    """Look-around, back-references, what would reach beyond itself, and what would take more than some megabytes."""
    with pytest.raises(ValueError, match="must be a regular expression"):
        Setting.from_wire({"type": "string", "pattern": pattern})


@given(st.sampled_from(["[a-z]{3}", "a|bc", "(x|y)*z?", "a.c"]), st.text("abcxyz\n", max_size=4))
def test_a_pattern_matches_the_whole_of_a_string(pattern: str, text: str) -> None:
    """As Python's `fullmatch` does, also where a line ends at the end."""
    found = check_config({"x": Setting(type=Kind.STRING, pattern=pattern)}, {"x": text})
    assert isinstance(found, dict) == (re.fullmatch(pattern, text) is not None)
