"""What supervised programs print, carried from their pipes to bounded files by one thread.

Each integration has a named pipe. A plain pipe would break when the controller is killed, and its child with it at
the next line (SIGPIPE); a file that the child writes by itself has no bound. The child holds the named pipe for
reading too, so it never breaks: a controller that starts again opens the same pipe and reads on, and until then the
child waits only once 256 KiB are full. The thread keeps a slow disk away from the event loop. Memory: the kernel's
buffer as far as it is full, and one piece here.
"""

import errno
import fcntl
import os
import selectors
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

from brownout.disk.atomic import FILE_MODE, file_stem, private_folder, remove
from brownout.engine.ports import Clock
from brownout.processes.logfile import LogFile

__all__ = ["Logs"]

_PIECE_BYTES: Final = 256 * 1024
#: Rest after a piece that came too fast: a flood is slowed to about 250 MB/s instead of taking a core from the
#: machine we guard.
_REST_S: Final = 0.001


def output_file(folder: Path, key: str) -> Path:
    """Where the newest output of a program is kept, in the folder of the logs."""
    return folder / f"{file_stem(key)}.log"


class Logs:
    """The pipes and files in one folder. The thread runs while there is something to read."""

    def __init__(self, folder: Path, *, clock: Clock, on_fault: Callable[[str, str], None]) -> None:
        self._folder = folder
        self._clock = clock
        self._on_fault = on_fault
        self._lock = Lock()
        self._open: dict[str, tuple[int, LogFile]] = {}
        self._selector = selectors.DefaultSelector()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._selector.register(self._bell, selectors.EVENT_READ, "")
        self._ended = Event()
        self._thread: Thread | None = None

    def attach(self, key: str) -> int | None:
        """A descriptor for a program's output, to be closed by the caller after the spawn; None if there can be none.

        Also makes sure that the pipe is read, which is all that a program found again needs.
        """
        try:
            with self._lock:
                return self._attach(key)
        except OSError as error:
            self._on_fault("logs", f"the output of {key} is lost: {error.strerror}")
            return None

    def resume(self, key: str) -> None:
        """Read on what a program writes that was started by an earlier controller."""
        writer = self.attach(key)
        if writer is not None:
            os.close(writer)

    def drop(self, key: str) -> None:
        """Delete what an integration that is no longer declared has written."""
        stem = file_stem(key)
        for name in (f"{stem}.log", f"{stem}.log.1", f".{stem}.pipe"):
            with suppress(OSError):
                remove(self._folder / name)

    def close(self) -> None:
        """Carry over what was written so far, and end the thread. Bounded: a stuck disk is left behind."""
        self._ended.set()
        os.eventfd_write(self._bell, 1)
        if self._thread is not None:
            self._thread.join(timeout=2.0)
        if self._thread is None or not self._thread.is_alive():
            self._close()

    def _attach(self, key: str) -> int:
        stem = file_stem(key)
        pipe = private_folder(self._folder) / f".{stem}.pipe"
        with suppress(FileExistsError):
            os.mkfifo(pipe, FILE_MODE)
        # The writer comes first and under the lock: while it is open the thread cannot see the end of the pipe and
        # stop reading.
        writer = _open_pipe(pipe, os.O_RDWR)
        if key in self._open and not os.path.sameopenfile(writer, self._open[key][0]):
            self._detach(key)  # the folder was deleted and made anew: nobody will write to the old pipe again
        if key not in self._open:
            reader = _open_pipe(pipe, os.O_RDONLY | os.O_NONBLOCK)
            file = LogFile(output_file(self._folder, key), lambda message: self._on_fault("logs", message))
            self._open[key] = (reader, file)
            self._selector.register(reader, selectors.EVENT_READ, key)
        self._run()
        return writer

    def _run(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._carry, name="brownout-logs", daemon=True)
            self._thread.start()
        os.eventfd_write(self._bell, 1)

    def _carry(self) -> None:
        while not self._ended.is_set():
            slow = [self._carry_piece(key.data) for key, _ in self._selector.select()]
            if not all(slow):
                self._ended.wait(_REST_S)
        for key in tuple(self._open):  # the last words
            self._carry_piece(key)

    def _carry_piece(self, key: str) -> bool:
        """Carry one piece over; False when it came too fast."""
        with self._lock:
            if not key:
                with suppress(BlockingIOError):
                    os.eventfd_read(self._bell)
                return True
            reader, file = self._open[key]
            try:
                piece = os.read(reader, _PIECE_BYTES)
            except BlockingIOError:
                return True
            if piece:
                return file.take(piece, now=self._clock.now())
            self._detach(key)  # nobody holds the pipe any longer
            return True

    def _detach(self, key: str) -> None:
        reader, file = self._open.pop(key)
        self._selector.unregister(reader)
        os.close(reader)
        file.close()

    def _close(self) -> None:
        for key in tuple(self._open):
            self._detach(key)
        self._selector.close()
        os.close(self._bell)


def _open_pipe(path: Path, flags: int) -> int:
    fd = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not stat.S_ISFIFO(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EEXIST, f"{path} is not a pipe")
    with suppress(OSError):  # above the user's share of pipe memory it keeps the usual 64 KiB
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIECE_BYTES)
    return fd
