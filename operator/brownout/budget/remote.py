"""A gateway as a store of budgets: the same calls over HTTP (core/budget/wire.py says which).

Each call has a connection of its own: nothing is sent twice, because a record that was sent twice would count twice.
Its `now` is the gateway's.
"""

import http.client
import json
import ssl
from typing import Any, Final
from urllib.parse import SplitResult, quote, urlsplit

from brownout.core.budget import wire
from brownout.core.budget.document import limits_document
from brownout.core.budget.limits import Limits
from brownout.core.budget.run import Checkpoint, Ending, NoSuchRun, RunRecord
from brownout.core.budget.usage import Usage
from brownout.core.errors import HistoryUnavailable, InvalidInput
from brownout.core.instant import Instant
from brownout.engine.budgets import Held

_PATIENCE_S: Final = 10.0
_LONGEST_ANSWER: Final = 32 * 2**20
_ADVICE: Final = "start the controller there (brownout run --listen), or give the address that it listens on"
_REFUSED: Final = frozenset({400, 401, 403, 405, 409, 413, 415, 421, 422})


class RemoteBudgets:
    """A BudgetStore behind a URL such as http://127.0.0.1:8321. Raises InvalidInput for one that is none."""

    def __init__(self, server: str, *, token: str | None) -> None:
        url, self._address = _parts(server)
        self._server = f"{url.scheme}://{url.netloc.rpartition('@')[2]}"  # as messages may show it
        self._connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {_sendable(token.strip())}"

    def open(
        self, name: str, limits: Limits, *, now: Instant, lease_s: float | None = None, fresh: bool = False
    ) -> Held:
        """Join the run of that name that has not ended, or begin one."""
        lease = wire.DEFAULT_LEASE_S if lease_s is None else lease_s
        return self._held(wire.Opening(name=name, limits=limits, fresh=fresh, lease_s=lease))

    def resume(self, name: str, *, now: Instant, lease_s: float | None = None) -> Held:
        """Continue the newest run of that name, unless it was completed."""
        lease = wire.DEFAULT_LEASE_S if lease_s is None else lease_s
        return self._held(wire.Opening(name=name, resume=True, lease_s=lease))

    def record(self, run: int, used: Usage, *, now: Instant, session: int | None = None) -> None:
        """Add tokens and calls."""
        self._ask("POST", f"/{run}/usage", wire.usage_document(used, session))

    def find(self, run: int, *, now: Instant, session: int | None = None) -> RunRecord:
        """The run as of now."""
        query = "" if session is None else f"?session={session}"
        return wire.run_from(self._ask("GET", f"/{run}{query}"))

    def runs(self, *, now: Instant, name: str | None = None, most: int = 100) -> tuple[RunRecord, ...]:
        """The newest runs, newest first."""
        query = f"?limit={most}" if name is None else f"?limit={most}&name={quote(name, safe='')}"
        return tuple(wire.run_from(item) for item in self._ask("GET", query)["items"])

    def set_limits(self, run: int, limits: Limits, *, now: Instant) -> RunRecord:
        """Replace the limits of a run."""
        return wire.run_from(self._ask("PATCH", f"/{run}", limits_document(limits)))

    def ask_to_stop(self, run: int, *, now: Instant) -> RunRecord:
        """Ask a run to stop."""
        return wire.run_from(self._ask("POST", f"/{run}/stop", {}))

    def leave(self, run: int, session: int, *, now: Instant, ending: Ending | None) -> RunRecord:
        """End a session, and with an ending the run, unless another session of it lives."""
        leaving = wire.Leaving(session=session, ending=ending)
        return wire.run_from(self._ask("POST", f"/{run}/leave", wire.leaving_document(leaving)))

    def end(self, run: int, *, now: Instant, ending: Ending) -> RunRecord:
        """End a run, whoever still has it open."""
        return wire.run_from(self._ask("POST", f"/{run}/end", {"ending": ending}))

    def checkpoint(self, run: int, state: str | bytes, *, now: Instant, session: int | None = None) -> Checkpoint:
        """Keep a state."""
        answer = self._ask("POST", f"/{run}/checkpoint", wire.state_document(state, session))
        return wire.checkpoint_from(answer, state=state)

    def last_checkpoint(self, run: int) -> Checkpoint | None:
        """The newest that is sound."""
        try:
            return wire.checkpoint_from(self._ask("GET", f"/{run}/checkpoint"))
        except NoSuchRun:
            return None

    def close(self) -> None:
        """Nothing is held open between calls."""

    def _held(self, opening: wire.Opening) -> Held:
        answer = self._ask("POST", "", wire.opening_document(opening))
        return Held(run=wire.run_from(answer["run"]), session=answer["session"], joined=answer["joined"])

    def _ask(self, method: str, path: str, document: Any = None) -> Any:
        body = None if document is None else json.dumps(document, allow_nan=False).encode()
        connection = self._connect(*self._address, timeout=_PATIENCE_S)
        try:
            connection.request(method, f"/v1/budgets{path}", body=body, headers=self._headers)
            answer = connection.getresponse()
            return self._answer(answer.status, answer.read(_LONGEST_ANSWER))
        except (OSError, http.client.HTTPException) as error:
            raise HistoryUnavailable(f"{self._server} cannot be asked: {_why(error)}", advice=_ADVICE) from None
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes) -> Any:
        try:
            document = json.loads(body) if body else {}
        except ValueError:
            document = None
        if status < 300 and isinstance(document, dict):
            return document
        said = document.get("error", "") if isinstance(document, dict) else "what it says is no JSON"
        allowed = document.get("allowed", "") if isinstance(document, dict) else ""
        if status == 404:
            raise NoSuchRun(str(said), advice=str(allowed))
        if status in _REFUSED:
            raise InvalidInput(str(said), advice=str(allowed))
        raise HistoryUnavailable(f"{self._server} answers {status}: {said}", advice=str(allowed))


def _parts(server: str) -> tuple[SplitResult, tuple[str, int | None]]:
    """The URL in its parts, and whom to call. Raises InvalidInput."""
    wrong = InvalidInput("server: Invalid value: must be a URL such as http://127.0.0.1:8321")
    try:
        url = urlsplit(server)
        port = url.port
    except ValueError:  # a port beyond 65535, an address that never ends
        raise wrong from None
    if url.scheme not in {"http", "https"} or not url.hostname or url.path not in {"", "/"} or url.query:
        raise wrong
    return url, (url.hostname, port)


def _sendable(token: str) -> str:
    """The token as a header can carry it. Raises InvalidInput, which does not show it."""
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise InvalidInput("token: Invalid value: must be printable ASCII without blanks")
    return token


def _why(error: OSError | http.client.HTTPException) -> str:
    """What went wrong on the way, in words: Python's name for it says nothing to whoever reads a log."""
    if isinstance(error, TimeoutError):
        return f"no answer within {_PATIENCE_S:g} s"
    if isinstance(error, http.client.RemoteDisconnected):
        return "it hung up without an answer"
    if isinstance(error, ssl.SSLError):
        what = getattr(error, "verify_message", "") or (error.reason or "").replace("_", " ").lower()
        return f"no TLS connection came about ({what or 'it was refused'})"
    if isinstance(error, OSError):
        return error.strerror or "the network refused it"
    return "what answers there does not speak HTTP"
