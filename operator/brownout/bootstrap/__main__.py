"""`python -m brownout.bootstrap SETTINGS`: the process that `brownout run` becomes. Not for people."""

import asyncio
import gc
import logging
import os
import sys

from brownout.bootstrap.life import live
from brownout.bootstrap.settings import Settings
from brownout.core.errors import BrownoutError
from brownout.telemetry.logs import LogFormat, configure, event, level_of

_LOG = logging.getLogger("brownout.bootstrap")


def main(arguments: list[str]) -> int:
    """Run; the exit code is 0 after a clean end, 1 when it could not run or go on."""
    try:
        settings = Settings.from_json(arguments[0] if arguments else "")
        level = level_of(settings.log_level)
    except BrownoutError as error:
        sys.stderr.write(f"brownout: {error}\n")
        return 1
    logs = configure(
        log_format=LogFormat(settings.log_format), level=level, terminal=sys.stderr.isatty(), environ=os.environ
    )
    # What was imported stays for ever: the collector need not look at it again, nor copy its pages after a fork.
    gc.collect()
    gc.freeze()
    try:
        asyncio.run(live(settings))
    except BrownoutError as error:
        event(_LOG, logging.ERROR, "cannot go on", error=str(error))
        return 1
    finally:
        logs.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
