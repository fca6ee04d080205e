"""A program that answers HTTP on a free port of loopback, and changes its level by SIGUSR1 without a pause.

serving.py FILE

FILE gets the port. Each answer is a line of JSON: the level, how many requests were answered by now, and the pid.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from pathlib import Path

ANSWERED = count(1)
LEVEL = [""]


class Answering(BaseHTTPRequestHandler):
    """Answers everything."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Count it and say so."""
        body = json.dumps({"level": LEVEL[0], "answered": next(ANSWERED), "pid": os.getpid()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def look(*_: object) -> None:
    """The level as it stands in the file. One look at a time: an older one must not end after a newer."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        LEVEL[0] = json.loads(Path(os.environ["BROWNOUT_LEVEL_FILE"]).read_text())["level"]
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, look)
    look()
    server = HTTPServer(("127.0.0.1", 0), Answering)
    beside = Path(f"{sys.argv[1]}.new")
    beside.write_text(str(server.server_port))
    beside.replace(sys.argv[1])
    server.serve_forever()
