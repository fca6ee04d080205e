"""`python -m brownout.bootstrap.training ORDER`: the child that trains. Not for people.

It reads the history, fits, writes what is kept, prints one line and exits; with it goes all the memory that numpy and
scikit-learn took. It makes itself small: lowest in priority, first in the kernel's choice of what to end, bounded in
memory, and in time also when its parent is gone.
"""

import os
import resource
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from brownout.core.errors import BrownoutError, TrainingFault, describe
from brownout.core.sample import Sample
from brownout.core.training_report import TrainingReport
from brownout.core.window import Point
from brownout.engine.trainer import TrainingRequest
from brownout.history.reader import HistoryReader, read_history
from brownout.training.child import TIMEOUT_S
from brownout.training.order import TrainingOrder, answer
from brownout.training.registry import Registry

NICE: Final = 10
MOST_ADDRESS_BYTES: Final = 1536 * 2**20
#: Two weeks at 30 s are 40 320 points, of which most fits see 20 000; habits of a month ago are no habits.
MOST_POINTS: Final = 42_000
REACH_S: Final = 14 * 86400.0
#: Read piece by piece: at one sample each second this is 20 MB.
_PIECE_S: Final = 6 * 3600.0
#: A limit that differs by more makes other percents of the same bytes.
_SAME_LIMIT: Final = 0.01


def main(arguments: list[str]) -> int:
    """Train; the answer says what came of it. 2 without an order that can be read."""
    started = time.perf_counter()
    try:
        order = TrainingOrder.from_json(arguments[0] if arguments else "")
    except BrownoutError as error:
        sys.stderr.write(f"brownout: {error}\n")
        return 2
    _humble()
    report = _report(order)
    report = replace(report, seconds=time.perf_counter() - started, peak_bytes=peak_bytes())
    sys.stdout.write(answer(report) + "\n")
    return 0


def _humble() -> None:
    """Everything else comes first, and the end comes by itself."""
    os.nice(NICE)
    signal.alarm(int(TIMEOUT_S) + 10)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESS_BYTES, MOST_ADDRESS_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    except OSError:
        return  # a container may forbid it; then we are one process among others


def _report(order: TrainingOrder) -> TrainingReport:
    failed = TrainingReport(at=order.request.now, why=order.request.why)
    try:
        return _trained(order)
    except (BrownoutError, OSError) as error:
        return replace(failed, fault=describe(error))
    except MemoryError:
        return replace(failed, fault=f"{MOST_ADDRESS_BYTES // 2**20} MiB are not enough for it")
    except Exception as error:  # noqa: BLE001 - a bug of ours or of a library costs this training, and is told
        return replace(failed, fault=f"{type(error).__name__}: {error}"[:400])


def _trained(order: TrainingOrder) -> TrainingReport:
    try:
        from brownout.training.trainer import train  # noqa: PLC0415 - it may be missing, or broken
    except Exception as error:
        said = f"scikit-learn cannot be imported ({type(error).__name__}: {error})"[:300]
        raise TrainingFault(said, advice="pip install brownout[training]") from error
    state = Path(order.state)
    registry = Registry(state, on_fault=lambda _where, _message: None)  # the controller has said it already
    before = registry.load()
    outcome = train(_points(read_history(state / order.history), order.request), order.request, before)
    report = replace(outcome.report, peak_bytes=peak_bytes())
    registry.save(outcome.kept.reported(report))
    return report


def _points(history: HistoryReader, request: TrainingRequest) -> list[Point]:
    """The base load as it was, oldest first; of too much the newest."""
    pieces: list[list[Point]] = []
    until = request.now
    while until > request.now - REACH_S and sum(map(len, pieces)) < MOST_POINTS:
        since = until - _PIECE_S
        samples = (sample for sample in history.samples(since=since, until=until) if sample.at > since)
        pieces.append(list(_base(samples, request)))
        until = since
    points = [point for piece in reversed(pieces) for point in piece]
    return points[-MOST_POINTS:]


def _base(samples: Iterable[Sample], request: TrainingRequest) -> Iterator[Point]:
    """What can be learnt from, one point each step at most."""
    last = 0.0
    for sample in samples:
        value = sample.base_percent
        if value is not None and sample.at - last >= 0.9 * request.step_s and _same_limit(sample, request):
            last = sample.at
            yield sample.at, value


def _same_limit(sample: Sample, request: TrainingRequest) -> bool:
    ours, its = request.limit_bytes, sample.memory_limit_bytes
    return not ours or not its or abs(its - ours) <= _SAME_LIMIT * ours


def peak_bytes() -> int:
    """The most memory that this process has held. Not `ru_maxrss` first: that begins with what the parent held."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
