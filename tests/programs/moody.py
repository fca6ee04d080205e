"""A server on a port of loopback that is as well as a file says: `ok` answers 200, `bad` answers 503.

`wait` holds the request until the file says something else. Any number of requests at once.
"""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT, MOOD = int(sys.argv[1]), Path(sys.argv[2])
LOOK_S = 0.02


class Moody(BaseHTTPRequestHandler):
    """Answers as the file says."""

    def do_GET(self) -> None:
        """One answer."""
        while (mood := MOOD.read_text()) == "wait":
            threading.Event().wait(LOOK_S)
        self.send_response(200 if mood == "ok" else 503)
        self.end_headers()
        self.wfile.write(b"token=swordfish")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


ThreadingHTTPServer(("127.0.0.1", PORT), Moody).serve_forever()
