"""`python -m brownout.bootstrap SETTINGS`: the process that `brownout run` becomes. Not for people."""

import asyncio
import gc
import logging
import os
import signal
import sys
from contextlib import ExitStack

from brownout.bootstrap.console import Console, console_of, wanted
from brownout.bootstrap.life import live
from brownout.bootstrap.settings import LEAN, NO_AUTHORITIES, Settings
from brownout.core.errors import BrownoutError
from brownout.telemetry.logs import LogFormat, configure, event, level_of

INTERRUPTED = 130

_LOG = logging.getLogger("brownout.bootstrap")


def main(arguments: list[str]) -> int:
    """Run; the exit code is 0 after a clean end, 130 after Ctrl-C, 1 when it could not run or go on."""
    for name, value in (NO_AUTHORITIES | LEAN).items():
        if os.environ.get(name) == value:
            del os.environ[name]
    try:
        settings = Settings.from_json(arguments[0] if arguments else "")
        level = level_of(settings.log_level)
    except BrownoutError as error:
        return _refused(error)
    terminal = sys.stderr.isatty()
    with ExitStack() as closing:
        logs = configure(log_format=LogFormat(settings.log_format), level=level, terminal=terminal, environ=os.environ)
        closing.callback(logs.close)
        console = _console(settings, level, closing)
        # What was imported stays for ever: the collector need not look at it again, nor copy its pages after a fork.
        gc.collect()
        gc.freeze()
        try:
            ended_by = asyncio.run(live(settings, console))
        except BrownoutError as error:
            if not terminal:
                event(_LOG, logging.ERROR, "cannot go on", error=str(error))
                return 1
            closing.callback(_refused, error)  # below all that was logged and drawn
            return 1
        if console:
            console.ended()
    return INTERRUPTED if ended_by is signal.SIGINT else 0


def _console(settings: Settings, level: int, closing: ExitStack) -> Console | None:
    if not wanted(settings):
        return None
    console, writer = console_of(settings, level)
    closing.callback(writer.close)
    return console


def _refused(error: BrownoutError) -> int:
    sys.stderr.write(f"brownout: {error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
