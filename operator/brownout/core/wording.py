"""Figures and times as people read them; every sentence of the product takes its words from here."""

from typing import Final

#: Invisible, but letters of Persian and of Hindi and parts of emoji stand with them.
_JOINERS: Final = "\u200c\u200d"


def percent(value: float) -> str:
    """`84.1 %`."""
    return f"{value:.1f} %"


def threshold(value: float) -> str:
    """`80 %`: thresholds as their owner wrote them."""
    return f"{value:g} %"


def duration(seconds: float) -> str:
    """`30 s`, `5 min`, `1 h 30 min`; below ten seconds with a decimal where it has one."""
    if seconds < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count} {unit}" for count, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if count]
    return " ".join(parts[:2]) or "0 s"


def listing(names: list[str]) -> str:
    """`voice`, `voice and android`, `voice, android and discord`."""
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


def sentence(text: str, *, longest: int = 4000) -> str:
    """The text as a status, an event and a terminal can hold it: one line that is plainly visible, and not longer.

    Much of what a sentence quotes is a stranger's: a plugin that is not well may say so with an escape sequence.
    """
    if len(text) > longest:
        text = f"{text[: longest - 4]} ..."
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(char: str) -> str:
    """The character; a space for one that only separates, a question mark for what nobody can see."""
    return char if char.isprintable() or char in _JOINERS else " " if char.isspace() else "?"
