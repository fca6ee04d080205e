"""The training child as a real process: what it makes, what it may cost, and every way in which it can go wrong."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from brownout.bootstrap import training as bootstrap
from brownout.core.errors import ControllerFault
from brownout.core.training_report import TrainingReport
from brownout.history.reader import read_history
from brownout.training.order import MOST_OUTPUT, TrainingOrder
from tests.checkout import PACKAGE
from tests.eventually import eventually
from tests.training.series import autoregressive, make_request
from tests.training.state import Told, make_trainer, names, python, write_history

POINTS = autoregressive(800)
REQUEST = make_request(POINTS)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children find the package of this checkout."""
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE.parent))


def trained(folder: Path, argv: tuple[str, ...], *, timeout_s: float = 30.0) -> TrainingReport:
    """What comes of a child."""
    report = asyncio.run(make_trainer(folder, argv, timeout_s=timeout_s).train(REQUEST))
    assert report is not None
    assert (report.at, report.why) == (REQUEST.now, REQUEST.why)
    return report


def test_a_history_becomes_models(tmp_path: Path) -> None:
    """Read, fitted, judged, kept; and it says what it took. Footprints of ours are no part of what is learnt."""
    write_history(tmp_path, POINTS, footprints=2)
    trainer = make_trainer(tmp_path)
    report = asyncio.run(trainer.train(REQUEST))
    kept = asyncio.run(trainer.kept())
    assert report is not None
    assert report.fault == ""
    assert report.samples == len(POINTS)
    assert 0.0 < report.seconds < 120.0
    assert 50 * 2**20 < report.peak_bytes < 300 * 2**20
    assert kept.champions is not None
    assert kept.champions.trained is not None
    assert kept.champions.trained.made_at == REQUEST.now
    assert kept.reports[-1].figures == report.figures
    assert (tmp_path / "models.json").stat().st_mode & 0o077 == 0


def test_samples_of_another_limit_are_left_out(tmp_path: Path) -> None:
    """The same bytes are other percents there: nothing can be learnt across."""
    write_history(tmp_path, POINTS)
    report = asyncio.run(make_trainer(tmp_path).train(make_request(POINTS, limit_bytes=5 * 2**30)))
    assert report is not None
    assert report.fault.startswith("the history holds 0 points")


def test_without_a_history_it_says_so(tmp_path: Path) -> None:
    """A child with nothing to read is a report with a fault, and leaves nothing behind."""
    report = asyncio.run(make_trainer(tmp_path).train(REQUEST))
    assert report is not None
    assert "there is no history" in report.fault
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "broken",
    ["raise ImportError('no such library')", "raise RuntimeError('numpy of another age')", "linear_model = None"],
    ids=["missing", "broken", "foreign"],
)
def test_without_scikit_learn_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Missing, broken or something else of that name: one sentence that says how to get it (requirement F2)."""
    (tmp_path / "libraries" / "sklearn").mkdir(parents=True)
    (tmp_path / "libraries" / "sklearn" / "__init__.py").write_text(broken)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'libraries'}:{PACKAGE.parent}")
    write_history(tmp_path / "state", POINTS)
    report = asyncio.run(make_trainer(tmp_path / "state").train(REQUEST))
    assert report is not None
    assert report.fault.startswith("scikit-learn cannot be imported")
    assert report.fault.endswith("pip install brownout[training]")


def test_a_planted_library_is_not_found(tmp_path: Path) -> None:
    """What lies in the state folder, which is the child's working directory, never becomes a module."""
    write_history(tmp_path, POINTS)
    (tmp_path / "sklearn.py").write_text("open('was-here', 'w').close()")
    report = asyncio.run(make_trainer(tmp_path).train(REQUEST))
    assert report is not None
    assert report.fault == ""
    assert not (tmp_path / "was-here").exists()


HANGS = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(3600)"


def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    """After its time, and nothing of it is left."""
    report = trained(tmp_path, python(HANGS), timeout_s=2.0)
    assert report.fault == "it took longer than 2 s"
    assert not alive(int((tmp_path / "pid").read_text()))


FORKS = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
open('pid.new', 'w').write(str(child.pid))
os.rename('pid.new', 'pid')
child.wait()
"""


def test_cancelled_nothing_is_left_running(tmp_path: Path) -> None:
    """The child and what it has started are gone when the call returns; soon, for what init has to bury."""

    async def cancelled() -> None:
        task = asyncio.create_task(make_trainer(tmp_path, python(FORKS)).train(REQUEST))
        while not (tmp_path / "pid").exists():
            await asyncio.to_thread(eventually, (tmp_path / "pid").exists)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    pid = int((tmp_path / "pid").read_text())
    eventually(lambda: not alive(pid))


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ("print('not json')", "it ended with status 0 and without a report"),
        ("print('{\"at\": NaN}')", "it ended with status 0 and without a report"),
        ("print('[' * 60000)", "it ended with status 0 and without a report"),
        ("import sys; sys.exit(3)", "it ended with status 3 and without a report"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "it was ended by SIGSEGV"),
        (f"print('x' * {2 * MOST_OUTPUT}, flush=True); import time; time.sleep(3600)", "it was ended by SIGKILL"),
        ("import os\nwhile True: os.write(2, b'x' * 65536)", "it took longer than 1 s"),
    ],
    ids=["text", "nan", "deep", "status", "signal", "flood", "noise"],
)
def test_whatever_it_answers_it_is_a_report(tmp_path: Path, program: str, fault: str) -> None:
    """Garbage, a crash, a flood: a fault in one sentence, and the controller goes on."""
    assert trained(tmp_path, python(program), timeout_s=1.0 if "while True" in program else 30.0).fault == fault


def test_one_that_cannot_be_started_is_a_report(tmp_path: Path) -> None:
    """A missing interpreter is said like everything else."""
    assert trained(tmp_path, (str(tmp_path / "no-such-python"),)).fault.endswith("No such file or directory")


def test_it_gets_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret, no mark of ours, one thread, no input; a session of its own."""
    monkeypatch.setenv("API_TOKEN", "secret")
    monkeypatch.setenv("BROWNOUT_STATE", "mark")
    program = (
        "import json, os, sys; said = [dict(os.environ), sys.stdin.read(), os.getsid(0) == os.getpid(), os.getcwd()];"
        "open('said', 'w').write(json.dumps(said))"
    )
    trained(tmp_path, python(program))
    environment, read, leads, folder = json.loads((tmp_path / "said").read_text())
    assert not {"API_TOKEN", "BROWNOUT_STATE"} & environment.keys()
    assert environment["OMP_NUM_THREADS"] == environment["OPENBLAS_NUM_THREADS"] == "1"
    assert (read, leads, folder) == ("", True, str(tmp_path.resolve()))


def test_it_makes_itself_small() -> None:
    """Low in priority, bounded in memory and time, first to go when the kernel has to choose."""
    program = (
        "import json, os, resource, signal; from brownout.bootstrap.training import _humble; _humble();"
        "print(json.dumps([os.nice(0), resource.getrlimit(resource.RLIMIT_AS)[0] // 2**20, signal.alarm(0),"
        "int(open('/proc/self/oom_score_adj').read())]))"
    )
    said = subprocess.run(python(program), capture_output=True, check=True, text=True)
    nice, most_mib, seconds, score = json.loads(said.stdout)
    assert (nice, most_mib, seconds) == (os.nice(0) + 10, 1536, 130)
    assert score == 1000


def test_more_memory_than_allowed_is_a_report(tmp_path: Path) -> None:
    """What does not fit is said, not taken."""
    write_history(tmp_path, POINTS)
    program = (
        "import sys, brownout.bootstrap.training as child; import brownout.training.trainer as trainer;"
        "trainer.train = lambda *_: bytearray(4 * 2**30); sys.exit(child.main(sys.argv[1:]))"
    )
    assert trained(tmp_path, python(program)).fault == "1536 MiB are not enough for it"


def test_a_bug_is_a_report(tmp_path: Path) -> None:
    """Also one that nobody has thought of, with its kind."""
    write_history(tmp_path, POINTS)
    program = (
        "import sys, brownout.bootstrap.training as child; import brownout.training.trainer as trainer;"
        "trainer.train = lambda *_: {}['gone']; sys.exit(child.main(sys.argv[1:]))"
    )
    assert trained(tmp_path, python(program)).fault == "KeyError: 'gone'"


def test_the_controller_imports_no_numpy() -> None:
    """All that runs for ever is imported, and the hundred megabytes are not."""
    program = "import sys, brownout.bootstrap.life; print(sorted({'numpy', 'scipy', 'sklearn'} & sys.modules.keys()))"
    said = subprocess.run(python(program), capture_output=True, check=True, text=True)
    assert said.stdout.strip() == "[]"


def test_an_order_survives_an_exec() -> None:
    """It is the same value again; anything else is a fault of ours, said in one line with status 2."""
    order = TrainingOrder(state="/somewhere", request=REQUEST)
    assert TrainingOrder.from_json(order.to_json()) == order
    for text in ("", "{}", "[]", "null", '{"request": 1}', '{"request": {"steps": 5}}'):
        with pytest.raises(ControllerFault):
            TrainingOrder.from_json(text)
    said = subprocess.run(
        [sys.executable, "-m", "brownout.bootstrap.training", "{"], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("brownout: the order of a training cannot be read")
    assert len(said.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The models would be lost: that is a fault, and what was there stands."""
    write_history(tmp_path, POINTS)
    (tmp_path / ".models.json.new").mkdir()
    told = Told()
    trainer = make_trainer(tmp_path, told=told)
    report = asyncio.run(trainer.train(REQUEST))
    assert report is not None
    assert "models.json cannot be written" in report.fault
    assert asyncio.run(trainer.kept()).champions is None
    assert told.faults == []


def alive(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_the_newest_two_weeks_are_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, nothing twice where pieces meet, nothing that is too old, and of too much the newest."""
    old = [(at - 20 * 86400.0, value) for at, value in POINTS]
    points = [*old, *autoregressive(2000)]
    history = read_history(write_history(tmp_path, points, footprints=1))
    request = make_request(points)
    read = bootstrap._points(history, request)
    assert [at for at, _ in read] == [at for at, _ in points[len(old) :]]
    assert [value for _, value in read] == pytest.approx([value for _, value in points[len(old) :]], abs=1e-3)
    monkeypatch.setattr(bootstrap, "MOST_POINTS", 300)
    assert bootstrap._points(history, request) == read[-300:]
