"""What `brownout budget run` was asked to do, as a value that survives an exec (see settings.py)."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from brownout.core.errors import ControllerFault

__all__ = ["WrapSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapSettings:
    """Paths are absolute. `limits` is a document as in core/budget/document.py; for a run that is resumed, what of its
    limits is to be changed. `signal` is the name of one, such as `USR1`.
    """

    name: str
    state: str
    limits: dict[str, Any]
    resume: bool = False
    grace_s: float = 30.0
    strict: bool = False
    signal: str | None = None
    upstream: str | None = None
    quiet: bool = False
    json_summary: bool = False
    summary_file: str | None = None

    def to_json(self) -> str:
        """For the argument of the process that wraps."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "WrapSettings":
        """The settings again. Raises ControllerFault: only our own command line writes them."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise ControllerFault(f"settings cannot be read: {error}", advice="use `brownout budget run`") from None
