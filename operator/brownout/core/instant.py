"""Points in time, as the core sees them.

An instant is a float of unix seconds, UTC. It comes from a clock that never jumps (see bootstrap), so
differences are durations; this module only turns it into the wire's RFC 3339 text and back.
"""

from datetime import UTC, datetime

Instant = float


def to_rfc3339(instant: Instant) -> str:
    """`2026-01-02T03:04:05Z`: whole seconds, as Kubernetes writes times."""
    return f"{datetime.fromtimestamp(int(instant), tz=UTC).isoformat().removesuffix('+00:00')}Z"


def from_rfc3339(text: str | None) -> Instant | None:
    """The instant of an RFC 3339 text; None for anything that is not one (a status can be edited by hand)."""
    try:
        parsed = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp()
