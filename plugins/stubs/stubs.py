"""Canned answers: no model, no network, no file. It takes what Python takes, and is there when nothing else is.

Which answer comes is no chance: several answers to one thing take turns, for each thing by itself.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from brownout.plugin import Health, Request, Response

Answers = Mapping[str, Sequence[str]]
_LONGEST = 4000
_WORD = re.compile(r"\w+")


class Stubs:
    """Answers commands to the letter and texts by the phrases in them."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}

    def initialize(self, config: Mapping[str, Any]) -> None:
        """Take the answers; they are looked through in the order in which they are tried."""
        self._commands: Answers = {command.casefold(): answers for command, answers in config["commands"].items()}
        phrases = ((tuple(_words(phrase)), answers) for phrase, answers in config["phrases"].items())
        self._phrases = sorted((each for each in phrases if each[0]), key=lambda each: -len(each[0]))
        self._fallback: Sequence[str] = config["fallback"]
        self._name: str = config["name"]

    def health_check(self) -> Health:
        """Well, unless its owner left it nothing to say."""
        silent = not (self._fallback or any(self._commands.values()) or any(answers for _, answers in self._phrases))
        return Health(ok=not silent, message="the config holds no answer" if silent else "")

    def handle_request(self, request: Request) -> Response:
        """Answer `{"text": ..., "name": ...}`, or the command that the request was routed by."""
        body = request.body if isinstance(request.body, dict) else {"text": request.body}
        text = body.get("text") or request.properties.get("command") or ""
        if not isinstance(text, str) or len(text) > _LONGEST:
            return Response(refused=f'the body must be {{"text": ...}} of at most {_LONGEST} characters')
        thing, answers = self._answers(text, request.properties.get("command", ""))
        if not answers:
            return Response(refused="there is no canned answer to this")
        name = body.get("name")
        return Response({"text": self._next(thing, answers).replace("{name}", str(name) if name else self._name)})

    def export_state(self) -> dict[str, int]:
        """Whose turn it is."""
        return self._turns

    def import_state(self, state: Any) -> None:
        """Go on with the turns."""
        if isinstance(state, dict):
            self._turns = {str(thing): turn for thing, turn in state.items() if isinstance(turn, int) and turn >= 0}

    def shutdown(self) -> None:
        """Nothing is held."""

    def _answers(self, text: str, command: str) -> tuple[str, Sequence[str]]:
        """What was meant, and the answers to it."""
        for said in filter(None, (command, text.split(maxsplit=1)[0] if text.split() else "")):
            if answers := self._commands.get(said.casefold()):
                return said.casefold(), answers
        words = _words(text)
        for phrase, answers in self._phrases:
            if answers and any(tuple(words[at : at + len(phrase)]) == phrase for at in range(len(words))):
                return " ".join(phrase), answers
        return "", self._fallback

    def _next(self, thing: str, answers: Sequence[str]) -> str:
        turn = self._turns.get(thing, 0)
        self._turns[thing] = turn + 1
        return answers[turn % len(answers)]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
