"""The log waits for nobody: a full pipe, a closed one, and one that is read again."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from brownout.telemetry.log_writer import LineWriter
from tests.eventually import eventually


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """A real pipe: the end to read and the end to write."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            with suppress(OSError):
                os.close(end)


def make_writer(descriptor: int, *, most_waiting_bytes: int = 4096) -> LineWriter:
    """A writer whose count of lost lines is easy to find."""
    return LineWriter(descriptor, dropped_line=lambda count: f"lost {count}", most_waiting_bytes=most_waiting_bytes)


def read_all(descriptor: int, lines: list[bytes]) -> None:
    """Read to the end, into `lines`."""
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        lines.extend(file.read().splitlines())


def test_lines_come_out_in_order() -> None:
    """Every line that was accepted is written, once, in order."""
    with pipe() as (reading, writing):
        writer = make_writer(writing)
        for number in range(100):
            writer.write(f"line {number}")
        writer.close()
        assert os.read(reading, 65536).splitlines() == [f"line {number}".encode() for number in range(100)]


def test_a_full_pipe_costs_lines_and_not_time() -> None:
    """Nobody reads: writing goes on returning, what waits is bounded, and the loss is counted."""
    with pipe() as (_, writing):
        writer = make_writer(writing)
        for _ in range(10_000):
            writer.write("x" * 100)
        assert writer.dropped > 0
        assert writer._waiting_bytes <= 4096
        writer.close(timeout_s=0.01)


def test_the_loss_is_told_once_there_is_room() -> None:
    """Every line is either written or counted in what is written."""
    with pipe() as (reading, writing):
        writer = make_writer(writing)
        for _ in range(10_000):
            writer.write("x" * 100)
        lines: list[bytes] = []
        reader = threading.Thread(target=read_all, args=(reading, lines))
        reader.start()
        eventually(lambda: writer._waiting_bytes == 0)
        writer.write("after")
        writer.close()
        os.close(writing)
        reader.join()
        lost = sum(int(line.split()[1]) for line in lines if line.startswith(b"lost"))
        assert lost > 0
        assert lost + lines.count(b"x" * 100) == 10_000
        assert lines[-1] == b"after"


def test_a_closed_pipe_is_survived() -> None:
    """The reader is gone, the descriptor is closed: lines are counted as lost and the writer lives on."""
    with pipe() as (reading, writing):
        writer = make_writer(writing)
        os.close(reading)
        writer.write("into a broken pipe")
        eventually(lambda: writer.dropped == 1)
        os.close(writing)
        writer.write("into nothing")
        eventually(lambda: writer.dropped >= 2)
        assert writer._thread.is_alive()
        writer.close()
        assert not writer._thread.is_alive()


def test_closing_is_bounded_in_time() -> None:
    """A pipe that nobody reads does not keep the process from ending."""
    with pipe() as (reading, writing):
        writer = make_writer(writing, most_waiting_bytes=1_000_000)
        for _ in range(5000):
            writer.write("x" * 100)
        writer.close(timeout_s=0.01)
        assert writer._thread.daemon
        dropped = writer.dropped
        writer.write("late")
        assert writer.dropped == dropped + 1
        # Let its thread end: the next test's pipe may get the same number, and would get these lines.
        lines: list[bytes] = []
        reader = threading.Thread(target=read_all, args=(reading, lines))
        reader.start()
        eventually(lambda: not writer._thread.is_alive())
        os.close(writing)
        reader.join()


def test_a_lone_surrogate_is_written_as_an_escape() -> None:
    """A name of a file need not be Unicode; the line about it is."""
    with pipe() as (reading, writing):
        writer = make_writer(writing)
        writer.write("caf\udce9")
        writer.close()
        assert os.read(reading, 100) == b"caf\\udce9\n"
