"""How much of budgets is kept, and how large a checkpoint may be."""

from typing import Final

from brownout.core.errors import InvalidInput

CHECKPOINTS_KEPT: Final = 3  # of each run
ENDED_KEPT: Final = 100  # runs that have ended; of the last ones `budget list` and `show` can tell
STATES_KEPT: Final = 10  # ended runs whose last checkpoint is still there
LARGEST_STATE_BYTES: Final = 16 * 2**20
INTERRUPTED_KEPT_S: Final = 30 * 86400.0  # after so long nobody comes back for it


def checked_state(state: str | bytes) -> str | bytes:
    """The state itself. Raises InvalidInput where it is too large or neither text nor bytes."""
    if not isinstance(state, str | bytes):
        raise InvalidInput(f"state: Invalid value: a {type(state).__name__}: must be text or bytes")
    size = len(state.encode() if isinstance(state, str) else state)
    if size > LARGEST_STATE_BYTES:
        raise InvalidInput(
            f"state: Invalid value: {size} bytes: must be at most {LARGEST_STATE_BYTES}",
            advice="keep large results in files of their own, and their names in the checkpoint",
        )
    return state
