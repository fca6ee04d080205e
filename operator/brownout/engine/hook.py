"""The port of notifications: somebody outside who is told of a change in words."""

from dataclasses import dataclass
from typing import Protocol

from brownout.core.capability import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What came of telling somebody. `failure` is empty where it arrived; `again`: it may be tried again."""

    failure: str = ""
    again: bool = False

    @property
    def arrived(self) -> bool:
        """Whether somebody was told."""
        return not self.failure


class Hook(Protocol):
    """Tells somebody outside. Two that are equal tell the same one."""

    @property
    def name(self) -> str:
        """What it is, for people; without secrets."""
        ...

    async def tell(self, notice: Notice) -> Delivery:
        """Tell it, once; answers within 15 s, and never raises. What it says of a failure holds no secrets."""
        ...
