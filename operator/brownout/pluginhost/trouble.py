"""Why a plugin does not run, and when it is tried again."""

from dataclasses import dataclass

__all__ = ["Trouble"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """`retry_at` is on the loop's clock; without a `why` there is no trouble."""

    why: str = ""
    failures: int = 0
    retry_at: float = 0.0

    def told(self, now: float) -> str:
        """It as a sentence."""
        times = f", {self.failures} times" if self.failures > 1 else ""
        return f"{self.why}{times}; next try in {max(0.0, self.retry_at - now):.0f} s"
