"""A running controller, asked through its gateway."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from brownout.api.integration import Integration
from brownout.api.policy import DEFAULT_POLICY, BrownoutPolicy
from brownout.api.validation import validate_document
from brownout.cli.question import Question
from brownout.cli.usage import server_url
from brownout.core.errors import HomeUnavailable
from brownout.core.sample import Sample, Witness
from brownout.engine.ports import DecisionRecord
from brownout.gateway.token import Token

TIMEOUT_S = 10.0
UNAUTHORIZED = 401


@dataclass
class GatewaySource:
    """A running controller's gateway."""

    server: str
    token: Token | None = None
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        server_url(self.server)

    def integrations(self) -> tuple[Integration, ...]:
        """All of them with their present status."""
        found = (validate_document(item) for item in self._get("/v1/integrations")["items"])
        return tuple(each for each in found if isinstance(each, Integration))

    def policy(self) -> BrownoutPolicy:
        """The policy in force."""
        found = validate_document(self._get("/v1/policy"))
        return found if isinstance(found, BrownoutPolicy) else DEFAULT_POLICY

    def decisions(self, question: Question) -> tuple[DecisionRecord, ...]:
        """From the controller's history."""
        query = {"limit": str(question.limit)} | ({"integration": question.name} if question.name else {})
        found = self._get(f"/v1/decisions?{urlencode(query, quote_via=quote)}")["decisions"]
        records = tuple(_record(item) for item in found)
        return tuple(record for record in records if record.at >= question.since)

    def samples(self, question: Question) -> tuple[Sample, ...]:
        """The controller's window."""
        found = tuple(_sample(item) for item in self._get("/v1/samples")["samples"])
        return tuple(sample for sample in found if sample.at >= question.since)

    def shadows(self) -> Any:
        """How the policies fare that do not rule, as the gateway's document."""
        return self._get("/v1/shadows")

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(self.server.rstrip("/") + path)  # noqa: S310 - server_url looked at it
        if self.token is not None:
            request.add_unredirected_header("Authorization", self.token.authorization())
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            advice = "name the file that holds it with --token-file" if error.code == UNAUTHORIZED else ""
            raise HomeUnavailable(f"{self.server} answers {error.code}: {_reason(error)}", advice=advice) from None
        except (OSError, ValueError) as error:
            advice = "is the controller running, and does it listen there?"
            raise HomeUnavailable(f"{self.server} cannot be asked: {_cause(error)}", advice=advice) from None


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError, OSError):
        return error.reason


def _cause(error: Exception) -> str:
    """What the system says, without the names of Python's classes around it."""
    inner = getattr(error, "reason", error)
    return getattr(inner, "strerror", None) or str(inner)


def _record(row: Mapping[str, Any]) -> DecisionRecord:
    return DecisionRecord(
        id=row["id"],
        at=row["timestampSeconds"],
        key=row["integration"],
        action=row["action"],
        reason=row["reason"],
        message=row["message"],
        rule=row["rule"],
        dry_run=row["dryRun"],
        numbers=row["numbers"],
        outcome=row["outcome"],
        detail=row["detail"],
    )


def _sample(row: Mapping[str, Any]) -> Sample:
    return Sample(
        at=row["timestampSeconds"],
        cpu_percent=row.get("cpuPercent"),
        memory_percent=row.get("memoryPercent"),
        disk_percent=row.get("diskPercent"),
        memory_used_bytes=row.get("memoryUsedBytes"),
        memory_limit_bytes=row.get("memoryLimitBytes"),
        disk_free_bytes=row.get("diskFreeBytes"),
        stall_percent=row.get("memoryStallPercent"),
        witness=Witness(row.get("witness", Witness.NONE)),
        footprints=row.get("footprints", {}),
    )
