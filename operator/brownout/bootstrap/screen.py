"""A terminal as a screen: sentences that scroll by, and beneath them a block that is drawn anew in its place.

It knows nothing of what is shown. Whatever it is given goes out by a writer that must never wait: a terminal that is
stopped with Ctrl-S must not stop the controller. Plain ANSI (cursor up, erase below) and no library: the controller
stays small.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from brownout.telemetry.plain import inert

__all__ = ["USUAL_SIZE", "Paint", "Screen", "painter", "size_of"]

_ERASE_BELOW: Final = "\x1b[J"
#: Lines of a small terminal that the block leaves to the sentences above it.
_KEPT_FREE: Final = 4
USUAL_SIZE: Final = os.terminal_size((80, 24))

Paint = Callable[[str], str]


def size_of(descriptor: int) -> os.terminal_size | None:
    """Columns and lines of a terminal, None where it is gone. One that was never told its size (a container's, that of
    `expect`) says 0, and is taken for a usual one, as by other programs.
    """
    try:
        columns, lines = os.get_terminal_size(descriptor)
    except OSError:
        return None
    return os.terminal_size((columns or USUAL_SIZE.columns, lines or USUAL_SIZE.lines))


class Screen:
    """Lines above, a block below. `size` gives columns and lines of the terminal as they are now."""

    def __init__(self, write: Callable[[str], None], *, size: Callable[[], os.terminal_size]) -> None:
        self._write = write
        self._size = size
        self._block: tuple[str, ...] = ()
        self._drawn = 0

    def say(self, line: str) -> None:
        """A line that stays, above the block."""
        self._draw((line,))

    def pin(self, lines: Sequence[str], paint: Paint = str) -> None:
        """Put these lines in the place of the block. They are cut to the terminal, then painted."""
        columns, rows = self._size()
        room = max(2, rows - _KEPT_FREE)
        kept = [*lines[: room - 1], f"... and {len(lines) - room + 1} more"] if len(lines) > room else list(lines)
        # One column stays free: some terminals break the line when the last one is written.
        block = tuple(paint(inert(line)[: max(1, columns - 1)]) for line in kept)
        if block != self._block:
            self._block = block
            self._draw(())

    def _draw(self, said: Sequence[str]) -> None:
        up = f"\x1b[{self._drawn}A\r{_ERASE_BELOW}" if self._drawn else ""
        self._write(up + "\n".join((*said, *self._block)))
        self._drawn = len(self._block)


def painter(colours: Mapping[str, str]) -> Paint:
    """Paints the first of these words that stands in a line, in the ANSI colour given with it."""

    def paint(line: str) -> str:
        word = next((word for word in line.split() if word in colours), None)
        return line if word is None else line.replace(word, f"\x1b[{colours[word]}m{word}\x1b[0m", 1)

    return paint
