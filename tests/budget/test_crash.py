"""Real processes: killed at any statement, cut off at any byte, eight at once. Nothing acknowledged is lost."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from brownout.budget import Limits, NoSuchRun, Run
from brownout.history.budget_file import FILE_NAME
from brownout.history.budgets import SqliteBudgets
from tests.budget import dying
from tests.worlds import NOW

LOG = f"{FILE_NAME}-wal"


def run_script(*arguments: object) -> str:
    """Run the script of dying processes to its end."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "tests.budget.dying", *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def acknowledged(folder: Path) -> tuple[int, int]:
    """How many records this life was promised to be kept, and the state of the last checkpoint."""
    path = folder / "acknowledged"
    lines = path.read_text().split("\n") if path.exists() else []
    states = [int(line.split()[1]) for line in lines if line.startswith("checkpoint")]
    return lines.count("record"), max(states, default=0)


def resumed(folder: Path) -> Run | None:
    """The run of that life; None where there is none, or where it came to its end."""
    try:
        return Run.resume("agent", store=folder)
    except NoSuchRun:
        return None


def test_killed_at_each_statement_what_was_recorded_is_resumed(tmp_path: Path) -> None:
    """For n = 1, 2, ...: usage and checkpoint are what was acknowledged, or that and the one that was under way."""
    lives = int(run_script("die", tmp_path))
    assert lives > 50
    for number in range(1, lives):
        folder = tmp_path / str(number)
        records, checkpoint = acknowledged(folder)
        run = resumed(folder)
        if run is None:  # it died before the run was there, or after its end was
            assert records in {0, dying.RECORDS}, number
            continue
        calls = int(run.usage()["apiCalls"].used)  # type: ignore[index]
        assert calls in {records, records + 1}, number
        assert run.usage()["tokens"].used == calls * dying.TOKENS  # type: ignore[index]
        last = run.last_checkpoint
        assert (last.state["done"] if last else 0) in {checkpoint, checkpoint + 2}, number
        assert last is None or last.usage.api_calls == last.state["done"]
        assert run.state == "OK"
        run.end()


def test_cut_off_at_any_byte_the_last_complete_checkpoint_is_found(tmp_path: Path) -> None:
    """A kill in the middle of a write leaves so many bytes of the log: all that was whole in them is there."""
    live, whole = tmp_path / "live", []
    store = SqliteBudgets(live, on_fault=pytest.fail)
    held = store.open("agent", Limits(), now=NOW)
    for number in range(1, 5):
        store.checkpoint(held.run.id, f"{number}" * 5000, now=NOW + number)
        whole.append((live / LOG).stat().st_size)
    log = (live / LOG).read_bytes()
    assert whole == sorted(set(whole))  # the log only grew: no checkpoint of SQLite came in between
    cuts = {0, *range(whole[0], len(log) + 1, 1021), *(size + off for size in whole for off in (-1, 0, 1))}
    for cut in sorted(cut for cut in cuts if whole[0] <= cut <= len(log)):
        copy = tmp_path / "copy"
        copy.mkdir()
        shutil.copy(live / FILE_NAME, copy)
        (copy / LOG).write_bytes(log[:cut])
        found = SqliteBudgets(copy, on_fault=pytest.fail)
        expected = sum(1 for size in whole if size <= cut)
        last = found.last_checkpoint(held.run.id)
        assert last is not None
        assert (last.number, last.state) == (expected, f"{expected}" * 5000), cut
        assert found.find(held.run.id, now=NOW).checkpoints == expected
        found.close()
        shutil.rmtree(copy)
    store.close()


@pytest.mark.parametrize("killed", [0, 3, dying.WORKERS])
def test_eight_processes_lose_no_count(tmp_path: Path, killed: int) -> None:
    """The sum of the parts is the whole; the last one that lives ends the run, with nobody left it can be resumed."""
    statuses = [int(status) for status in run_script("crowd", tmp_path, killed).split()]
    assert [status for status in statuses if status] == [signal.SIGKILL] * killed
    store = SqliteBudgets(tmp_path, on_fault=pytest.fail)
    (run,) = store.runs(now=NOW)
    assert run.usage.api_calls == dying.WORKERS * dying.EACH
    assert run.usage.tokens == dying.EACH * sum(range(1, dying.WORKERS + 1))
    assert run.usage.elapsed_s <= run.seen_at - run.opened_at  # not eightfold
    assert (run.ended, run.interrupted) == (killed < dying.WORKERS, killed == dying.WORKERS)
    store.close()


def test_the_death_of_a_process_is_seen_at_once(tmp_path: Path) -> None:
    """Nothing has to run out: the kernel lets go of its session."""
    code = (
        "import sys; from brownout.budget import *; "
        f"run = Run.open('agent', Limits(), store={str(tmp_path)!r}); print(run.id, flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, text=True, **pipes) as child:  # type: ignore[call-overload]
        number = int(child.stdout.readline())
        store = SqliteBudgets(tmp_path, on_fault=pytest.fail)
        assert store.find(number, now=NOW).sessions == 1
        child.kill()
        child.wait()
        assert store.find(number, now=NOW).interrupted
        store.close()
