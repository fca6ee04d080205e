"""How a wrapped run comes to its end: whose exit code, who is asked, who is killed, and that nothing is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from brownout.core.budget.run import Ending
from brownout.history.budgets import SqliteBudgets
from tests.cli_budget.wrapped import PATIENCE_S, Wrapped, saving
from tests.eventually import eventually


@pytest.mark.parametrize(("acts", "code"), [(("exit", 0), 0), (("exit", 3), 3)])
def test_the_programs_own_code_passes_through(wrapped: Wrapped, acts: tuple[object, ...], code: int) -> None:
    """It has its own standard input and output; ours says what came of it. Who fails can be resumed."""
    done = subprocess.run(
        wrapped.argv(saving(wrapped.file("result"), "input", *acts), tokens=5), env=wrapped.env, input="of its own",
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "of its own\n")
    assert (
        done.stderr.splitlines()[0]
        == f"Run run: {'its program ended with 3, can be resumed; OK' if code else 'completed'}"
    )
    assert wrapped.record().stopped_by == (None if code else Ending.COMPLETED)


def test_who_never_listens_is_ended_at_the_limit_of_time(wrapped: Wrapped) -> None:
    """It is told to finish at 80 %, and asked by SIGTERM at 100 %; what it saves then is kept; code 124."""
    result = wrapped.file("result")
    done = wrapped.run(saving(result), duration="1s", grace_s=20.0)
    assert done.returncode == 124, done.stderr
    assert result.read_text() == "asked 1 times\n"
    lines = done.stderr.splitlines()
    assert lines[0].startswith("brownout: approaching a limit (time: ")
    assert lines[1].startswith("brownout: the limit of time is reached (time: ")
    assert lines[2] == "Run run: stopped, the limit of time is reached"


def test_strict_takes_silence_for_nothing_done(wrapped: Wrapped) -> None:
    """Then it is asked to end when it approaches the limit already; code 123."""
    result = wrapped.file("result")
    done = wrapped.run(saving(result), duration="1s", grace_s=20.0, strict=True)
    assert (done.returncode, result.read_text()) == (123, "asked 1 times\n"), done.stderr
    assert wrapped.record().stopped_by is Ending.STOPPED_GRACEFULLY


def test_what_does_not_hear_is_killed_with_all_that_it_started(wrapped: Wrapped) -> None:
    """A deaf program with a deaf child: both are gone when the wrapper is."""
    done = wrapped.run(saving(wrapped.file("result"), "deaf", "child", "line", "tokens=5"), tokens=5, grace_s=0.4)
    assert done.returncode == 124, done.stderr
    assert wrapped.processes() == ()


def test_what_the_program_leaves_behind_is_ended_too(wrapped: Wrapped) -> None:
    """Nothing runs on without a budget."""
    done = wrapped.run(saving(wrapped.file("result"), "child", "exit", 0), tokens=5, grace_s=0.1)
    assert done.returncode == 0, done.stderr
    assert wrapped.processes() == ()


def test_others_raise_its_limits_and_stop_it_while_it_runs(wrapped: Wrapped) -> None:
    """Both reach it within a second, through the store; a request to stop is graceful: code 122."""
    result = wrapped.file("result")
    command = saving(result, "line", "tokens=90", "until", "Finish", "until", "Continue", "ask", "", "linger", 0)
    with wrapped.running(command, tokens=100, grace_s=1.0) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "read Finish\n"
        store = SqliteBudgets(wrapped.state, on_fault=print)
        (run,) = store.runs(now=4e9)
        store.set_limits(run.id, type(run.limits)(tokens=1000), now=4e9)
        assert process.stdout.readline() == "read Continue\n"
        assert process.stdout.readline() == "Continue 90 True\n"
        store.ask_to_stop(run.id, now=4e9)
        store.close()
        assert process.wait(PATIENCE_S) == 122
    assert result.read_text() == "asked 1 times\n"
    assert wrapped.record().stopped_by is Ending.STOPPED_ON_REQUEST


def test_signals_are_passed_on(wrapped: Wrapped) -> None:
    """SIGUSR1 and SIGTERM come to the program; how it ends then is its own affair."""
    result = wrapped.file("result")
    with wrapped.running(saving(result, "told"), tokens=5) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGUSR1)
        assert process.stdout.readline() == "told\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 7
    assert result.read_text() == "asked 1 times\n"


def test_a_killed_wrapper_leaves_nothing_running_and_loses_nothing(wrapped: Wrapped) -> None:
    """Kill -9: the program is asked once, what does not hear is killed; usage and checkpoint are handed to the next."""
    result = wrapped.file("result")
    acts = ("linger", 0.2, "child", "ask", '{"tokens": 40, "checkpoint": {"page": 7}}')
    with wrapped.running(saving(result, *acts), tokens=100, grace_s=1.0) as process:
        assert process.stdout is not None
        assert [process.stdout.readline(), process.stdout.readline()] == ["Continue 40 True\n", "ready\n"]
        folder = _folder(wrapped)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
        eventually(lambda: wrapped.processes() == (), within_s=30)
        eventually(lambda: not folder.exists(), within_s=30)
    assert result.read_text() == "asked 1 times\n"
    assert wrapped.record().interrupted
    taken = wrapped.run(saving(result, "exit", 0), tokens=100)
    assert taken.returncode == 1
    assert taken.stderr.startswith('brownout: a run named "run" was interrupted: continue it with --resume, or ')
    again = wrapped.run(saving(result, "checkpoint", "ask", "tokens=1", "exit", 0), resume=True)
    assert (again.returncode, again.stdout) == (0, '{"page":7}\nContinue 41 True\n'), again.stderr


def test_a_fault_of_ours_ends_the_program_too(wrapped: Wrapped) -> None:
    """It is told in a sentence, never as a traceback; nothing runs on, and the run can be resumed."""
    result = wrapped.file("result")
    broken = "import brownout.bootstrap.wrap_life as life; life.relay = lambda take: 1 / 0; "
    argv = [word.replace("from brownout.bootstrap.wrapper", f"{broken}from brownout.bootstrap.wrapper")
            for word in wrapped.argv(saving(result), tokens=5, grace_s=0.4)]  # fmt: skip
    done = subprocess.run(argv, env=wrapped.env, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 125
    assert done.stderr.splitlines() == [
        "brownout: this is a fault of brownout, please report it: ZeroDivisionError: division by zero",
        "brownout: its wrapper is gone; ending the program",
    ]
    assert wrapped.record().interrupted


def test_a_name_that_is_in_use_is_refused(wrapped: Wrapped) -> None:
    """Nothing is started."""
    with wrapped.running(saving(wrapped.file("result")), tokens=5) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        second = wrapped.run(saving(wrapped.file("second"), "exit", 0), tokens=5)
        assert (second.returncode, second.stdout) == (1, "")
        assert second.stderr.startswith('brownout: a run named "run" is open now: choose another --name')
        process.terminate()
        assert process.wait(PATIENCE_S) == 7


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("no-such-program", 127, "no-such-program was not found (or the interpreter that its first line names)"),
        ("/etc/passwd", 126, "/etc/passwd is not executable by this user"),
    ],
)
def test_what_cannot_be_started_has_the_codes_of_a_shell(wrapped: Wrapped, program: str, code: int, said: str) -> None:
    """And leaves no run behind."""
    done = wrapped.run([program], tokens=5)
    assert (done.returncode, done.stderr) == (code, f"brownout: {said}\n")
    assert not wrapped.state.exists()


def test_a_zero_limit_allows_nothing_but_does_not_keep_it_from_beginning(wrapped: Wrapped) -> None:
    """The first token is one too many; JSON of the summary stands on standard error, below all that was said."""
    done = wrapped.run(saving(wrapped.file("result"), "line", "tokens=1"), tokens=0, grace_s=0.4, json_summary=True)
    assert done.returncode == 124
    said, _, document = done.stderr.partition("\n{")
    assert said.startswith("brownout: the limit of tokens is reached")
    assert json.loads("{" + document)["exceeded"] == ["tokens"]


def _folder(wrapped: Wrapped) -> Path:
    """The folder of the socket, of the program itself."""
    process = min(wrapped.processes())
    entries = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    found = next(entry for entry in entries if entry.startswith(b"BROWNOUT_BUDGET_SOCKET="))
    return Path(found.decode().partition("=")[2]).parent
