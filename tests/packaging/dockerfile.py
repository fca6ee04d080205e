"""A Dockerfile as its stages and instructions; enough of the format to judge ours, without an engine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its continuation lines joined."""

    verb: str
    words: str


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands from one FROM to the next."""

    image: str
    instructions: tuple[Instruction, ...]

    def all(self, verb: str) -> tuple[str, ...]:
        """What follows the verb, for each time it is used in this stage."""
        return tuple(each.words for each in self.instructions if each.verb == verb)

    def variables(self, verb: str = "ENV") -> dict[str, str]:
        """The `KEY=value` pairs of all ENV (or LABEL) instructions; values without their quotes."""
        pairs = re.findall(r'([\w.-]+)=("[^"]*"|\S+)', " ".join(self.all(verb)))
        return {key: value.strip('"') for key, value in pairs}


def read_dockerfile(path: Path) -> tuple[dict[str, str], tuple[Stage, ...]]:
    """The global arguments with their defaults, and the stages."""
    found = _instructions(path.read_text())
    starts = [place for place, each in enumerate(found) if each.verb == "FROM"]
    arguments = dict(each.words.split("=", 1) for each in found[: starts[0]])
    ends = [*starts[1:], len(found)]
    stages = (Stage(found[start].words, found[start + 1 : end]) for start, end in zip(starts, ends, strict=True))
    return arguments, tuple(stages)


def _instructions(text: str) -> tuple[Instruction, ...]:
    lines = "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    joined = re.sub(r"\s*\\\n\s*", " ", lines)
    return tuple(Instruction(*line.split(maxsplit=1)) for line in joined.splitlines())
