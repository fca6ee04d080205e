"""`brownout run` in a terminal: what a person sees, and that no key and no closed window harms the box."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from brownout.bootstrap.console import command_here
from brownout.bootstrap.screen import size_of
from tests.box.stage import END_S, Stage, brownout_argv
from tests.box.terminals import CTRL_C, CTRL_Q, CTRL_S, Terminal
from tests.docs.readme import on_the_path
from tests.eventually import consistently, eventually


@contextmanager
def in_a_terminal(stage: Stage, *options: str, path: str = os.defpath) -> Iterator[Terminal]:
    """A controller in the foreground of a terminal, whose shell looks for programs along this path."""
    words = brownout_argv("run", stage.directory, "--state", stage.state, "--listen", "none", *options)
    terminal = Terminal(words, env={**stage.env, "PATH": f"{path}:{os.defpath}"}, cwd=str(stage.root))
    try:
        yield terminal
    finally:
        terminal.close()
        terminal.process.wait(END_S)


def test_a_person_sees_what_runs_and_what_happens(stage: Stage) -> None:
    """A greeting, a sentence for each step, the table with its memory line; Ctrl-C ends it, and all it started."""
    stage.policy()
    stage.integrate("voice", priority=10)
    stage.integrate("stubs", essential=True)
    with in_a_terminal(stage, path=str(on_the_path(stage.root / "bin"))) as terminal:
        eventually(lambda: "comes back below 65 %, emergency at 95 %" in terminal.text, within_s=30)
        assert "looks after integrations (a directory is named)." in terminal.text
        assert "In another terminal: brownout get integrations --state state" in terminal.text
        eventually(lambda: "its owner wants it on: started voice" in terminal.text)
        eventually(lambda: shows_all_on(terminal))
        stage.integrate("voice", priority=10, enabled=False)
        eventually(lambda: "its owner wants it off (spec.enabled: false): disabled voice" in terminal.text, within_s=20)
        stage.write("voice.yaml", "spec: {")
        eventually(lambda: "voice.yaml:2: cannot be read" in terminal.text, within_s=20)
        terminal.type(CTRL_C)
        assert terminal.process.wait(END_S) == 130
        eventually(lambda: terminal.text.rstrip().endswith("Ended. Nothing that it started is left running."))
    assert "Traceback" not in terminal.text
    assert stage.processes() == ()


def shows_all_on(terminal: Terminal) -> bool:
    """The last table has voice before stubs, both on, in colour."""
    table = terminal.raw.rpartition("NAME")[2]
    assert "\x1b[32mEnabled\x1b[0m" in table
    assert 0 < table.find("voice") < table.find("stubs")
    assert table.count("Enabled") == 2
    return True


def test_the_command_for_another_terminal_works_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name where that is on the path, else the program beside this interpreter, as it is typed from here."""
    (tmp_path / ".venv").mkdir()
    folder = on_the_path(tmp_path / ".venv" / "bin")
    python = str(folder / "python")
    monkeypatch.chdir(tmp_path)
    assert command_here(python, path="/nowhere") == ".venv/bin/brownout"
    assert command_here(python, path=str(folder)) == "brownout"
    assert command_here("/nowhere/python", path="/nowhere") == "brownout"
    monkeypatch.chdir("/")
    assert command_here(python, path="/nowhere").endswith("/.venv/bin/brownout")


def test_a_terminal_that_was_never_told_its_size_is_a_usual_one() -> None:
    """Else nothing could be drawn on it: a line is cut to its width, and a block to its height."""
    keyboard, screen = pty.openpty()
    assert os.get_terminal_size(screen) == (0, 0)
    assert size_of(screen) == (80, 24)
    fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    assert size_of(screen) == (100, 40)
    os.close(screen)
    os.close(keyboard)
    assert size_of(screen) is None


def test_a_terminal_that_is_closed_ends_all(stage: Stage) -> None:
    """Whoever closes the window has ended the controller, and it has ended what it started."""
    stage.policy()
    stage.integrate("voice")
    with in_a_terminal(stage) as terminal:
        stage.until(voice="Enabled")
        terminal.close()
        assert terminal.process.wait(END_S) == 0
    assert stage.processes() == ()


def test_a_terminal_that_is_stopped_holds_up_nothing(stage: Stage) -> None:
    """Ctrl-S stops what is shown, and only that: ticks go on, and the owner's wish is carried out."""
    stage.policy(interval="200ms")
    stage.integrate("voice")
    with in_a_terminal(stage) as terminal:
        stage.until(voice="Enabled")
        terminal.type(CTRL_S)
        stage.integrate("voice", enabled=False)
        stage.until(voice="Disabled")
        stage.integrate("voice")
        stage.until(voice="Enabled")
        seen = stage.policy_status()["heartbeat"]
        eventually(lambda: stage.policy_status()["heartbeat"] > seen)
        terminal.type(CTRL_Q)
        eventually(lambda: "its owner wants it off (spec.enabled: false): disabled voice" in terminal.text)


def test_one_that_cannot_run_says_why_in_a_sentence(stage: Stage) -> None:
    """In a terminal the reason is a sentence, not a log record."""
    stage.policy()
    stage.integrate("voice")
    stage.run()
    stage.until(voice="Enabled")
    with in_a_terminal(stage) as terminal:
        assert terminal.process.wait(END_S) == 1
        eventually(lambda: "uses the state folder" in terminal.text)
    (line,) = terminal.text.splitlines()
    assert line.startswith("brownout: another controller (process ")
    consistently(lambda: len(stage.processes("voice")) == 1, for_s=0.3)
