"""Commands as they are typed: what `brownout` says, where, and with which exit code.

In this very process, which takes milliseconds: `run` cannot be typed here, it becomes another program.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from brownout.cli.app import main


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one line with which it refused."""
        assert self.code == 1, self
        assert self.out == "", self
        (line,) = self.err.splitlines()
        assert line.startswith("brownout: "), line
        return line.removeprefix("brownout: ")

    @property
    def misuse(self) -> str:
        """What it says of wrong usage, below how it is used."""
        assert self.code == 2, self
        assert self.out == "", self
        lines = self.err.splitlines()
        assert lines[0].startswith("Usage: brownout "), self.err
        assert lines[-1].startswith("Error: "), self.err
        return lines[-1].removeprefix("Error: ")


def typed(*words: object, home: Path) -> Answer:
    """Type `brownout` and these words, as a user whose home this is."""
    before = signal.getsignal(signal.SIGINT)
    out, err = io.StringIO(), io.StringIO()
    environment = {"HOME": str(home), "KUBECONFIG": str(home / "none"), "PATH": os.defpath, "TERM": "dumb"}
    try:
        with (
            mock.patch.object(sys, "argv", ["brownout", *(str(word) for word in words)]),
            mock.patch.dict(os.environ, environment, clear=True),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = _ended()
    finally:
        signal.signal(signal.SIGINT, before)
    return Answer(code, out.getvalue(), err.getvalue())


def _ended() -> int:
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """The rows of an answer in JSON, which was given without a word on standard error."""
    assert (answer.code, answer.err) == (0, ""), answer
    document = json.loads(answer.out)
    assert list(document) == ["rows"]
    return list(document["rows"])
