"""A program that serves an integration and spends tokens: so many at once at each start, and none after that.

spending.py TOKENS FILE: it records on the run of its integration, which it finds by the marks in its environment; told
to end it writes into FILE what it had done so far, as a program that has partial results would.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from brownout.budget import Limits, Measure, Run


def main(tokens: int, file: str) -> None:
    """Spend, wait, finish."""
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    run = Run.open(os.environ["BROWNOUT_INTEGRATION"], Limits(), store=os.environ["BROWNOUT_STATE"])
    level = os.environ.get("BROWNOUT_LEVEL", "")
    run.record(tokens=tokens if level == "full" else 0, api_call=True)
    told.wait()
    with Path(file).open("a") as results:
        results.write(f"{level} {run.state} {run.usage()[Measure.TOKENS].used}\n")
    run.leave()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
