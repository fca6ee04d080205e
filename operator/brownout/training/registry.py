"""The registry: what is kept of training, in one small file that is either old or new, never half.

It is read by the controller and written by the training child. What cannot be read is put aside and said; the next
training writes a new one, and meanwhile the forecasts go on without.
"""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from brownout.core.errors import InvalidInput, TrainingFault, describe
from brownout.core.training_document import kept_document, kept_from
from brownout.core.training_report import Kept

FILE: Final = "models.json"
#: Champions, challenger and 20 reports are about 40 kB.
MOST_BYTES: Final = 512 * 1024

OnFault = Callable[[str, str], None]


class Registry:
    """The file `models.json` of a state folder. `on_fault` is told where something is wrong with it."""

    def __init__(self, folder: Path, *, on_fault: OnFault) -> None:
        self._path = folder / FILE
        self._on_fault = on_fault

    def load(self) -> Kept:
        """What is kept; nothing where there is no file, or none that can be used. Never raises for what is in it."""
        try:
            return kept_from(json.loads(_read(self._path)))
        except FileNotFoundError:
            return Kept()
        except (InvalidInput, ValueError, RecursionError) as error:
            self._put_aside(describe(error))
        except OSError as error:
            self._on_fault("training", f"{self._path} cannot be read: {describe(error)}")
        return Kept()

    def save(self, kept: Kept) -> None:
        """Put it in the place of the old. Raises TrainingFault, and then the old content stands."""
        content = json.dumps(kept_document(kept), allow_nan=False).encode()
        if len(content) > MOST_BYTES:
            raise TrainingFault(f"{len(content)} bytes of models are more than {MOST_BYTES}")
        try:
            _replace(self._path, content)
        except OSError as error:
            raise TrainingFault(f"{self._path} cannot be written: {describe(error)}") from error

    def _put_aside(self, why: str) -> None:
        aside = self._path.with_name(f"{FILE}.damaged")
        with suppress(OSError):
            self._path.replace(aside)
        self._on_fault("training", f"{self._path} cannot be used and is put aside as {aside.name}: {why}")


def _read(path: Path) -> bytes:
    # O_NONBLOCK: a pipe that somebody put there must not hold us up.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        content = file.read(MOST_BYTES + 1) or b""
    if len(content) > MOST_BYTES:
        raise InvalidInput(f"it is larger than {MOST_BYTES} bytes")
    return content


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
    _force(path.parent)


def _force(folder: Path) -> None:
    """The folder too, or a power cut may bring the old name back."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(held)
    finally:
        os.close(held)
