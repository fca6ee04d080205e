"""States of checkpoints: what a program gives (JSON, or bytes), as the store keeps it, and back."""

import json
from typing import Any

from brownout.core.errors import InvalidInput


def encoded(state: Any) -> str | bytes:
    """Bytes as they are, anything else as JSON. Raises InvalidInput for what JSON cannot say."""
    if isinstance(state, bytes | bytearray | memoryview):
        return bytes(state)
    try:
        return json.dumps(state, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"state: Invalid value: {error}: must be JSON, or bytes") from None


def decoded(state: str | bytes) -> Any:
    """What was given."""
    return json.loads(state) if isinstance(state, str) else state
