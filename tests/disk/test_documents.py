"""YAML text into documents: what is read, what is refused, and where it says the fault lies."""

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.disk.documents import dump_yaml, read_documents
from tests.strategies import json_objects, json_values

ALIAS_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{here}: &{here} [{','.join([f'*{before}'] * 9)}]\n" for before, here in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGE_BOMB = (
    "a0: &a0 {"
    + ", ".join(f"k{at}: 1" for at in range(100))
    + "}\n"
    + "".join(f"a{at}: &a{at}\n  <<: [{', '.join([f'*a{at - 1}'] * 50)}]\n" for at in range(1, 300))
)


def data_of(text: str | bytes) -> list[Any]:
    """Give the values of all documents of a text that has no problems."""
    documents, problems = read_documents(text, "a.yaml")
    assert not problems, [str(problem) for problem in problems]
    return [document.data for document in documents]


def problems_of(text: str | bytes) -> list[str]:
    """Give the sentences of all problems of a text."""
    return [str(problem) for problem in read_documents(text, "a.yaml")[1]]


@given(json_objects(json_values()))
def test_what_is_written_reads_back_as_it_was(data: dict[str, Any]) -> None:
    """read(dump(x)) == x for everything that JSON can hold; a word that looks like a number stays a word."""
    assert data_of(dump_yaml(data)) == [data]


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=8))
def test_a_word_stays_a_word(word: str) -> None:
    """No string is taken for something else after it was written, whatever it looks like."""
    assert data_of(dump_yaml({"word": word})) == [{"word": word}]


@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}#&*!|>'\"%@\t\n ,?<", max_size=60))
def test_no_text_can_crash_the_reader(text: str | bytes) -> None:
    """Whatever stands in a file, the reader gives documents and problems, each with a line of that file."""
    documents, problems = read_documents(text, "a.yaml")
    raw = text if isinstance(text, bytes) else text.encode()
    for problem in problems:
        assert problem.line is not None
        assert 1 <= problem.line <= raw.count(b"\n") + raw.count(b"\r") + 2
    assert all(document.line >= 1 for document in documents)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("12:30", "12:30"),
        ("2026-01-02", "2026-01-02"),
        ("010", "010"),
        ("0o10", "0o10"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("10", 10),
        ("-7", -7),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e400", "1e400"),
        ("~", None),
        ("", None),
        ("null", None),
        ("'10'", "10"),
        ("!!str 10", "10"),
        ("! 10", "10"),
        ("!!int 10", 10),
        ("!!float 10", 10.0),
        ("'<<'", "<<"),
    ],
)
def test_words_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    """Only true and false are booleans, only decimals are numbers, and nothing is a date."""
    (data,) = data_of(f"a: {text}\n")
    assert data == {"a": value}
    assert type(data["a"]) is type(value)


@pytest.mark.parametrize(
    "text",
    ["", "\n", "# nothing\n", "---\n", "---\n---\n", "--- # nothing\n...\n", "null\n", "%YAML 1.2\n---\n", "\ufeff"],
)
def test_nothing_is_no_fault(text: str) -> None:
    """An empty file, only comments and empty documents are neither documents nor problems."""
    assert data_of(text) == []


def test_each_field_knows_its_line() -> None:
    """The key tells where a field stands; what is missing stands where its surroundings do."""
    text = "# first\n---\nkind: A\nspec:\n  levels:\n    - name: full\n      memory:\n        4Gi\n---\nkind: B\n"
    first, second = read_documents(text, "a.yaml")[0]
    lines = {
        (): 3, ("kind",): 3, ("spec",): 4, ("spec", "levels"): 5, ("spec", "levels", 0): 6,
        ("spec", "levels", 0, "memory"): 7, ("spec", "missing", "deeper"): 4, ("spec", "levels", 7): 5,
    }  # fmt: skip
    assert {path: first.line_of(path) for path in lines} == lines
    assert (first.line, second.line, second.line_of(("kind",))) == (3, 10, 10)


def test_a_broken_document_hides_no_other() -> None:
    """The documents before and after it are read, and each broken one has its own problem."""
    text = "a: 1\n---\nb: [\n---\nc: 3\n---\nd: 1\nd: 2\n---\ne: 5\n"
    documents, problems = read_documents(text, "a.yaml")
    assert [document.data for document in documents] == [{"a": 1}, {"c": 3}, {"e": 5}]
    assert [problem.line for problem in problems] == [4, 8]


def test_aliases_and_merge_keys_work_within_reason() -> None:
    """What kubectl takes is taken: an alias repeats, a merge key adds what the object does not say itself."""
    text = "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\none: {<<: *base, b: 9}\ntwo:\n  <<: [*base, *other]\n"
    (data,) = data_of(text)
    assert data["one"] == {"a": 1, "b": 9}
    assert data["two"] == {"a": 1, "b": 2, "c": 4}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", 'a.yaml:3: cannot be read: the key "a" stands twice'),
        ("1: a\n", "a.yaml:1: cannot be read: the key 1 is not a word: put it in quotes"),
        ("true: a\n", "a.yaml:1: cannot be read: the key true is not a word: put it in quotes"),
        ("? [a]\n: b\n", "a.yaml:1: cannot be read: a key must be a word"),
        ("a:\n\tb: 1\n", "a.yaml:2: cannot be read: a tab indents this line; YAML wants spaces"),
        ("a: !!python/object/apply:os.system [ls]\n", ("a.yaml:1: cannot be read: the tag "
         "tag:yaml.org,2002:python/object/apply:os.system is not allowed")),
        ("a: !!binary aGk=\n", "a.yaml:1: cannot be read: the tag tag:yaml.org,2002:binary is not allowed here"),
        ("a: !!timestamp 2026-01-02\n", ("a.yaml:1: cannot be read: the tag "
         "tag:yaml.org,2002:timestamp is not allowed here")),
        ("a: !!int no\n", "a.yaml:1: cannot be read: the tag tag:yaml.org,2002:int is not allowed here"),
        ("a: *b\n", "a.yaml:1: cannot be read: the alias *b names nothing that stands before it"),
        ("a: &a [*a]\n", "a.yaml:1: cannot be read: the alias *a stands inside of what it names"),
        ("a: {<<: 1}\n", "a.yaml:1: cannot be read: a merge key (<<) must name an object"),
        ("a: 1\nb: \x00\n", "a.yaml:2: cannot be read: the character U+0000 is not allowed"),
        (b"a: 1\nb: \xff\n", "a.yaml:2: cannot be read: it must be UTF-8"),
        ("a: 1".encode("utf-16"), "a.yaml:1: cannot be read: it is UTF-16; it must be UTF-8"),
        ("[" * 100_000, "a.yaml:1: cannot be read: nested deeper than 50 levels"),
        ("\n".join(" " * at + "a:" for at in range(1000)), "a.yaml:52: cannot be read: nested deeper than 50 levels"),
        (b"a" * (2**20 + 1), "a.yaml:1: cannot be read: 1048577 bytes are more than the 1048576 that a file may have"),
        ("---\na: 1\n" * 2000, "a.yaml:1: cannot be read: more than 1000 documents in one file"),
        ("a: 'b\n", "a.yaml:2: cannot be read: while scanning a quoted scalar found unexpected end of stream"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_line(text: str | bytes, sentence: str) -> None:
    """One sentence, the file and the line; never a traceback."""
    assert problems_of(text) == [sentence]


@pytest.mark.parametrize(
    "text",
    [ALIAS_BOMB, MERGE_BOMB, "\n".join(f"k{at}: 1" for at in range(100_000)), "- " * 200_000, "{a: " * 10_000],
    ids=["aliases", "merge keys", "keys", "lists", "objects"],
)
def test_a_bomb_goes_off_without_harm(text: str) -> None:
    """What would fill memory is refused while it is small: far under 50 MB, before anything is written out."""
    tracemalloc.start()
    try:
        assert len(problems_of(text)) == 1
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


def test_line_ends_of_other_systems_are_line_ends() -> None:
    """CRLF and a byte order mark change nothing."""
    assert data_of(b"\xef\xbb\xbfa: 1\r\n---\r\nb: 2\r\n") == [{"a": 1}, {"b": 2}]


def test_what_is_written_uses_no_aliases() -> None:
    """An object that stands twice is written twice, as kubectl does."""
    shared = {"a": 1}
    assert dump_yaml({"one": shared, "two": shared}) == "one:\n  a: 1\ntwo:\n  a: 1\n"
