"""What happened in a test, in order: each call of a port with its moment, as the ports saw it."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class Log:
    """Entries such as `stop voice grace=30`, with the loop's time. The product cannot write here."""

    entries: list[tuple[float, str]] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Note what happens now."""
        self.entries.append((asyncio.get_running_loop().time(), text))

    def texts(self, *beginnings: str) -> list[str]:
        """Entries that begin with one of these, in order; all without any."""
        return [text for _, text in self.entries if text.startswith(beginnings or "")]

    def at(self, beginning: str) -> float:
        """The time of the first entry that begins so. Raises LookupError where there is none."""
        return self.times(beginning)[0]

    def times(self, beginning: str) -> list[float]:
        """The times of all entries that begin so."""
        return [at for at, text in self.entries if text.startswith(beginning)]

    def clear(self) -> None:
        """Forget what was before."""
        self.entries.clear()
