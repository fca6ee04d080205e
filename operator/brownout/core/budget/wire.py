"""What a client and the gateway say to each other of runs: both sides of every document, beside each other.

    POST  /v1/budgets                 opening_document   -> held_document
    GET   /v1/budgets[?name=NAME]                        -> {"items": [run_document, ...]}
    GET   /v1/budgets/ID                                 -> run_document
    PATCH /v1/budgets/ID              limits_document, or a part of one -> run_document
    POST  /v1/budgets/ID/usage        usage_document     -> run_document
    POST  /v1/budgets/ID/checkpoint   state_document     -> checkpoint_document
    GET   /v1/budgets/ID/checkpoint                      -> checkpoint_document with the state, 404 where there is none
    POST  /v1/budgets/ID/stop         {}                 -> run_document: asked to stop
    POST  /v1/budgets/ID/leave        leaving_document   -> run_document
    POST  /v1/budgets/ID/end          {"ending": ENDING} -> run_document

A session that the gateway holds for a client has a lease of `leaseSeconds`: signs of life are any of its posts. A
document that is none raises InvalidInput with all that is wrong.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from brownout.api.problems import shown
from brownout.core.budget.document import limits_document, limits_from, run_document
from brownout.core.budget.limits import Limits, is_count, is_number
from brownout.core.budget.run import Checkpoint, Ending, RunRecord, checked_name
from brownout.core.budget.usage import Usage
from brownout.core.errors import InvalidInput
from brownout.core.instant import from_rfc3339, to_rfc3339

DEFAULT_LEASE_S: Final = 600.0  # a client that thinks longer than that without a sign is taken for dead


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a client wants to open. `resume` continues a run, and then there are no limits."""

    name: str
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    fresh: bool = False
    resume: bool = False
    lease_s: float = DEFAULT_LEASE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A client that lets go of its session, and how its run ended; None: it is to be resumed."""

    session: int
    ending: Ending | None


def opening_document(opening: Opening) -> dict[str, Any]:
    """What a client sends to open a run."""
    rest = {"fresh": opening.fresh, "resume": opening.resume, "leaseSeconds": opening.lease_s}
    return {"name": opening.name, "limits": limits_document(opening.limits), **rest}


def opening_from(document: object) -> Opening:
    """What it means."""
    fields = _fields(document, {"name", "limits", "fresh", "resume", "leaseSeconds"})
    lease_s = fields.get("leaseSeconds", DEFAULT_LEASE_S)
    flags = {name: fields.get(name, False) for name in ("fresh", "resume")}
    problems = [f"{name}: Invalid value: {shown(v)}: must be true or false" for name, v in flags.items() if _no_flag(v)]
    if not is_number(lease_s) or not 1.0 <= lease_s <= 86400.0:
        problems.append(f"leaseSeconds: Invalid value: {shown(lease_s)}: must be seconds from 1 to 86400")
    if problems:
        raise InvalidInput("; ".join(problems))
    limits = limits_from(fields.get("limits") or {})
    return Opening(name=checked_name(fields.get("name", "")), limits=limits, lease_s=float(lease_s), **flags)


def held_document(run: RunRecord, *, session: int, joined: bool) -> dict[str, Any]:
    """The answer to an opening."""
    return {"run": run_document(run), "session": session, "joined": joined}


def usage_document(used: Usage, session: int | None) -> dict[str, Any]:
    """What a client sends to record usage."""
    return {"tokens": used.tokens, "apiCalls": used.api_calls, "session": session}


def usage_from(document: object) -> tuple[Usage, int | None]:
    """What it means; the session is None where it names none."""
    fields = _fields(document, {"tokens", "apiCalls", "session"})
    problems = [
        f"{name}: Invalid value: {shown(value)}: must be a whole number, 0 or more"
        for name in ("tokens", "apiCalls")
        if not is_count(value := fields.get(name, 0))
    ]
    if problems:
        raise InvalidInput("; ".join(problems))
    used = Usage(tokens=fields.get("tokens", 0), api_calls=fields.get("apiCalls", 0))
    return used, _session(fields)


def state_document(state: str | bytes, session: int | None) -> dict[str, Any]:
    """What a client sends to keep a state: JSON as it is, bytes as base64."""
    return {**_state_fields(state), "session": session}


def state_from(document: object) -> tuple[str | bytes, int | None]:
    """What it means."""
    fields = _fields(document, {"state", "stateBase64", "session"})
    return _state(fields), _session(fields)


def checkpoint_document(made: Checkpoint, *, with_state: bool) -> dict[str, Any]:
    """A checkpoint as JSON."""
    usage = {"duration": made.usage.elapsed_s, "tokens": made.usage.tokens, "apiCalls": made.usage.api_calls}
    found = {"number": made.number, "at": to_rfc3339(made.at), "usage": usage}
    return {**found, **_state_fields(made.state)} if with_state else found


def checkpoint_from(document: Mapping[str, Any], *, state: str | bytes | None = None) -> Checkpoint:
    """The checkpoint of an answer; `state` where the answer leaves it out."""
    usage = document["usage"]
    return Checkpoint(
        number=document["number"],
        at=from_rfc3339(document["at"]) or 0.0,
        usage=Usage(elapsed_s=usage["duration"], tokens=usage["tokens"], api_calls=usage["apiCalls"]),
        state=_state(document) if state is None else state,
    )


def leaving_document(leaving: Leaving) -> dict[str, Any]:
    """What a client sends to let go of its session."""
    return {"session": leaving.session, "ending": leaving.ending}


def leaving_from(document: object) -> Leaving:
    """What it means."""
    fields = _fields(document, {"session", "ending"})
    session = _session(fields)
    if session is None:
        raise InvalidInput("session: Required value: the number that the opening was answered with")
    return Leaving(session=session, ending=None if fields.get("ending") is None else _ending(fields["ending"]))


def ending_from(document: object) -> Ending:
    """How a client wants a run to end."""
    return _ending(_fields(document, {"ending"}).get("ending"))


def run_from(document: Mapping[str, Any]) -> RunRecord:
    """The run of an answer of the gateway. Times are to the second, as the wire has them."""
    usage, made = document["usage"], document["checkpoints"]
    used = {name: line["used"] for name, line in usage.items()}
    return RunRecord(
        id=document["id"],
        name=document["name"],
        limits=limits_from(document["limits"]),
        usage=Usage(elapsed_s=used["duration"], tokens=used["tokens"], api_calls=used["apiCalls"]),
        opened_at=from_rfc3339(document["openedAt"]) or 0.0,
        seen_at=from_rfc3339(document["seenAt"]) or 0.0,
        ended_at=from_rfc3339(document["endedAt"]),
        stopped_by=Ending(document["stoppedBy"]) if document["stoppedBy"] else None,
        stop_asked_at=from_rfc3339(document["stopAskedAt"]),
        checkpoints=made["count"],
        checkpoint_at=from_rfc3339(made["lastAt"]),
        sessions=document["sessions"],
    )


def _fields(document: object, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise InvalidInput(f"Invalid value: {shown(document)}: must be an object")
    if unknown := [str(name) for name in document if name not in known]:
        there_are = ", ".join(sorted(known))
        raise InvalidInput("; ".join(f'unknown field "{name}": there are {there_are}' for name in unknown))
    return document


def _session(fields: Mapping[str, Any]) -> int | None:
    session = fields.get("session")
    if session is not None and not is_count(session):
        raise InvalidInput(f"session: Invalid value: {shown(session)}: must be the number that the opening gave")
    return session


def _state_fields(state: str | bytes) -> dict[str, Any]:
    if isinstance(state, str):
        return {"state": json.loads(state)}
    return {"stateBase64": base64.b64encode(state).decode("ascii")}


def _state(fields: Mapping[str, Any]) -> str | bytes:
    if ("state" in fields) == ("stateBase64" in fields):
        raise InvalidInput("state: Required value: either state (any JSON) or stateBase64")
    if "state" in fields:
        return json.dumps(fields["state"], ensure_ascii=False, separators=(",", ":"))
    try:
        return base64.b64decode(fields["stateBase64"], validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise InvalidInput("stateBase64: Invalid value: must be bytes in base64") from None


def _ending(value: object) -> Ending:
    if not isinstance(value, str) or value not in set(Ending):
        raise InvalidInput(f"ending: Invalid value: {shown(value)}: must be one of {', '.join(Ending)}")
    return Ending(value)


def _no_flag(value: object) -> bool:
    return not isinstance(value, bool)
