"""Secrets never show, under whatever name and in whatever form they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.telemetry.redact import HIDDEN, names_a_secret, redacted, redacted_text

CANARY = "cAnArY7f3e9b1d"

SECRET_NAMES = [
    "token", "TOKEN", "accessToken", "api_key", "apiKey", "API-KEY", "x-api-key", "password", "db_password",
    "PGPASSWORD", "DB_PWD", "passphrase", "clientSecret", "AWS_SECRET_ACCESS_KEY", "Authorization",
    "Proxy-Authorization", "cookie",
    "Set-Cookie", "credentials", "privateKey", "ssh_private_key", "signing_key",
]  # fmt: skip
PLAIN_NAMES = [
    "integration",
    "monkey",
    "PWD",
    "OLDPWD",
    "key",
    "tokenFile",
    "token_path",
    "passed",
    "author",
    "secretName",
]

TEXTS = [
    "password={}", "password = {}", "password: {}", '{{"password": "{}"}}', "{{'api_key': '{}', 'x': 1}}", "--token {}",
    "--token={}", "run --api-key {} --fast", "https://me:{}@example.org/x", "postgres://{}@db/x", "redis://:{}@cache:6379",
    "GET /x?access_token={}&y=1", "Authorization: Bearer {}", "authorization: bearer {}", "Authorization: Custom a {}",
    "Proxy-Authorization: Basic {}", "Cookie: a=b; session={}", "bearer {}", "Bearer%20{}", "export API_KEY={}; run",
    "MY_SECRET='{}'", 'MY_SECRET="a \\" {}"', "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}",
    "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n{}",
    "ghp_{}", "sk-{}",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_value_under_a_secret_name_is_hidden(name: str) -> None:
    """The name decides, in every usual spelling, whatever kind of value it is."""
    assert names_a_secret(name)
    for value in (CANARY, [CANARY], {"value": CANARY}, 12345678):
        assert redacted({name: value}) == {name: HIDDEN}


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_other_names_hide_nothing(name: str) -> None:
    """A log that hides what is needed is no help: paths, counts and common words stay."""
    assert redacted({name: "shown"}) == {name: "shown"}


@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_within_a_text_is_hidden(text: str) -> None:
    """URL userinfo, headers, assignments, options, tokens of a known shape: none comes through."""
    assert CANARY not in redacted_text(text.format(CANARY))


@pytest.mark.parametrize("text", TEXTS)
def test_redacting_twice_changes_nothing(text: str) -> None:
    """A text without secrets is left as it is, also the one that redaction made."""
    once = redacted_text(text.format(CANARY))
    assert redacted_text(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "RAM 78.9 % now and 84.1 % (82.0 to 86.2) in 5 min, over 80 %: disabled voice, which frees about 1.9 GiB",
        "used 900000 of 1000000 tokens",
        "tokens=900000 tokens: 12",
        "GET http://127.0.0.1:8321/v1/samples?since=30m",
        "mail to me@example.org",
    ],
)
def test_our_own_sentences_stay_whole(text: str) -> None:
    """What the controller says of itself holds no secret, and redaction finds none."""
    assert redacted_text(text) == text


def test_the_argument_of_a_secret_option_is_hidden() -> None:
    """An argv shows the option and not its value."""
    argv = ["serve", "--token", CANARY, "--port", "8080", f"--api-key={CANARY}", "-x"]
    assert redacted({"argv": argv}) == {
        "argv": ["serve", "--token", HIDDEN, "--port", "8080", f"--api-key={HIDDEN}", "-x"]
    }


def test_a_count_of_tokens_is_not_a_token() -> None:
    """Budgets count tokens; a number under that name is shown, a text is not."""
    assert redacted({"tokens": 5, "maxTokens": 7}) == {"tokens": 5, "maxTokens": 7}
    assert redacted({"tokens": CANARY}) == {"tokens": HIDDEN}


@given(st.recursive(st.text(max_size=20), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner)))
def test_a_canary_never_comes_through_however_deep(value: object) -> None:
    """Whatever else a document holds, what stands under a secret name in it does not show."""
    document = {"outer": [value, {"api_key": CANARY, "other": value}], "url": f"https://u:{CANARY}@host/"}
    assert CANARY not in repr(redacted(document))


@given(st.text(max_size=300))
def test_redaction_takes_any_text(text: str) -> None:
    """It never raises, and it never makes a secret of what follows the text."""
    assert isinstance(redacted_text(text), str)
    assert CANARY not in redacted_text(f"{text} password={CANARY}")
