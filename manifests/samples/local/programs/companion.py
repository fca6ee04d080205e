"""A small companion: serves on loopback, holds memory as a model would, ends when it is asked to.

    python3 companion.py NAME PORT

COMPANION_MIB says how much it holds: a level of quality sets it through `levels[].config`. Standard library only, so
that its own cost (about 15 MiB) stays small beside what it holds.

    curl http://127.0.0.1:9101/healthz    -> 200
    curl http://127.0.0.1:9101/           -> who it is, and what it holds
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MIB = 1024 * 1024
PAGE = 4096


class Answers(BaseHTTPRequestHandler):
    """Two paths: whether it is well, and who it is."""

    name = ""
    held_mib = 0

    def do_GET(self) -> None:
        """Answer a GET."""
        known = {"/healthz": {"ok": True}, "/": {"name": self.name, "holdsMiB": self.held_mib}}
        found = known.get(self.path)
        body = (json.dumps(found or {"error": "no such path", "allowed": sorted(known)}) + "\n").encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing for each request."""


def main() -> None:
    """Hold memory, really: every page is written to, so that it counts."""
    name, port = sys.argv[1], int(sys.argv[2])
    Answers.name, Answers.held_mib = name, int(os.environ.get("COMPANION_MIB", "4"))
    held = bytearray(Answers.held_mib * MIB)
    held[::PAGE] = b"x" * len(held[::PAGE])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with ThreadingHTTPServer(("127.0.0.1", port), Answers) as server:
        print(f"{name} serves on 127.0.0.1:{port} and holds {Answers.held_mib} MiB", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
