"""What a client and the gateway say to each other of runs: both sides mean the same, and garbage is refused."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brownout.core.budget import wire
from brownout.core.budget.document import limits_from, run_document
from brownout.core.budget.limits import Limits
from brownout.core.budget.raising import raised
from brownout.core.budget.run import Checkpoint, Ending, RunRecord
from brownout.core.budget.usage import Usage
from brownout.core.errors import InvalidInput
from tests.core.budget import drawn

SECONDS = st.integers(0, 4_000_000_000).map(float)  # the wire has whole seconds
SESSIONS = st.none() | st.integers(0, 2**53)


def runs() -> st.SearchStrategy[RunRecord]:
    """Any run."""
    return st.builds(
        RunRecord,
        id=st.integers(1, 10**6),
        name=st.just("nightly"),
        limits=drawn.limits(),
        usage=drawn.usages(),
        opened_at=SECONDS,
        seen_at=SECONDS,
        ended_at=st.none() | SECONDS,
        stopped_by=st.none() | st.sampled_from(Ending),
        stop_asked_at=st.none() | SECONDS,
        checkpoints=st.integers(0, 100),
        checkpoint_at=st.none() | SECONDS,
        sessions=st.integers(0, 9),
    )


@given(runs())
def test_a_run_is_understood_as_it_was_said(run: RunRecord) -> None:
    """To the second."""
    assert wire.run_from(run_document(run)) == run


@given(drawn.limits(), st.booleans(), st.booleans(), st.floats(1.0, 86400.0))
def test_an_opening_is_understood(limits: Limits, fresh: bool, resume: bool, lease_s: float) -> None:  # noqa: FBT001
    """All of it; a name alone is an opening too."""
    opening = wire.Opening(name="agent 7", limits=limits, fresh=fresh, resume=resume, lease_s=lease_s)
    assert wire.opening_from(wire.opening_document(opening)) == opening
    assert wire.opening_from({"name": "agent 7"}) == wire.Opening(name="agent 7")


@given(drawn.usages(), SESSIONS)
def test_a_record_is_understood(used: Usage, session: int | None) -> None:
    """Tokens and calls; time is counted by whoever keeps the run."""
    assert wire.usage_from(wire.usage_document(used, session)) == (replace(used, elapsed_s=0.0), session)
    assert wire.usage_from({}) == (Usage(), None)


@given(st.binary() | st.sampled_from(['{"a":[1,null,"ü"]}', "null", "3", '""']), SESSIONS, SECONDS, drawn.usages())
def test_a_checkpoint_is_understood(state: str | bytes, session: int | None, at: float, usage: Usage) -> None:
    """JSON as JSON, bytes as bytes; with and without the state in the answer."""
    assert wire.state_from(wire.state_document(state, session)) == (state, session)
    made = Checkpoint(number=3, at=at, usage=usage, state=state)
    assert wire.checkpoint_from(wire.checkpoint_document(made, with_state=True)) == made
    assert wire.checkpoint_from(wire.checkpoint_document(made, with_state=False), state=state) == made


@given(st.integers(0, 2**53), st.none() | st.sampled_from(Ending))
def test_a_leaving_is_understood(session: int, ending: Ending | None) -> None:
    """With an ending or without."""
    leaving = wire.Leaving(session=session, ending=ending)
    assert wire.leaving_from(wire.leaving_document(leaving)) == leaving


@pytest.mark.parametrize(
    ("read", "document", "says"),
    [
        (wire.opening_from, [], "must be an object"),
        (wire.opening_from, {}, "name: Invalid value"),
        (wire.opening_from, {"name": 5}, "name: Invalid value: 5"),
        (wire.opening_from, {"name": "x", "limit": {}}, 'unknown field "limit": there are fresh'),
        (wire.opening_from, {"name": "x", "fresh": 1, "leaseSeconds": 0}, "fresh: .*; leaseSeconds: "),
        (wire.opening_from, {"name": "x", "limits": 3}, "limits: Invalid value: 3"),
        (wire.opening_from, {"name": "x", "limits": {"apiCalls": "5"}}, 'apiCalls: Invalid value: "5"'),
        (wire.usage_from, {"tokens": -1, "apiCalls": 0.5}, "tokens: .*; apiCalls: "),
        (wire.usage_from, {"session": "1"}, "session: Invalid value"),
        (wire.state_from, {}, "either state"),
        (wire.state_from, {"state": 1, "stateBase64": ""}, "either state"),
        (wire.state_from, {"stateBase64": "!"}, "must be bytes in base64"),
        (wire.state_from, {"stateBase64": 5}, "must be bytes in base64"),
        (wire.leaving_from, {"ending": None}, "session: Required value"),
        (wire.leaving_from, {"session": 1, "ending": "Gone"}, "must be one of Completed"),
        (wire.ending_from, {}, "ending: Invalid value: null"),
        (limits_from, None, "limits: Invalid value: null"),
    ],
)
def test_garbage_is_refused_with_what_is_allowed(read: object, document: object, says: str) -> None:
    """One clear error each, never a traceback."""
    assert callable(read)
    with pytest.raises(InvalidInput, match=says):
        read(document)


@given(drawn.limits(), drawn.limits())
def test_what_was_raised_is_nowhere_lower(before: Limits, wanted: Limits) -> None:
    """Either it is refused, or no limit is lower than it was; None takes a limit away."""
    changes: dict[str, Any] = {"duration_s": wanted.duration_s, "tokens": wanted.tokens, "api_calls": wanted.api_calls}
    lower = [
        name
        for name, value in changes.items()
        if value is not None and (was := getattr(before, name)) is not None and value < was
    ]
    if lower:
        with pytest.raises(InvalidInput, match="must not be lower"):
            raised(before, changes)
    else:
        assert raised(before, changes) == replace(before, **changes)
