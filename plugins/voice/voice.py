"""Speech out and in, by programs of this machine: they read on their standard input and write on their output.

The plugin itself holds no model, so its memory is that of the program that speaks, for as long as it speaks. Text goes
in on standard input and never into an argument: nothing that is said can become an option. Where a program is missing,
what was to be said is answered as text, and the health check names what to install.
"""

import base64
import binascii
import shutil
import struct
import subprocess
from collections.abc import Mapping
from typing import Any

from brownout.plugin import Context, Health, Request, Response

LONGEST_TEXT = 1000
MOST_SOUND_BYTES = 4 * 2**20
TEXT_ONLY = "text"
WHERE = {"espeak-ng": "on Debian and Ubuntu: apt-get install espeak-ng"}
_HEADER_BYTES = 44


class Unable(Exception):
    """A program is not there, or did not do what it is for."""


class Voice:
    """Says and hears, at one of the levels large, small and text."""

    def initialize(self, config: Mapping[str, Any], context: Context) -> None:
        """Take the config; programs are looked for when they are needed, so one may be installed later."""
        self._config, self._context = config, context

    def health_check(self) -> Health:
        """Well where every program that this level needs is there."""
        missing = [problem for kind in self._needed() if (problem := self._missing(kind))]
        return Health(ok=not missing, message="; ".join(missing))

    def handle_request(self, request: Request) -> Response:
        """Do what the body's operation says: `say` or `hear`."""
        body = request.body if isinstance(request.body, dict) else {}
        if body.get("operation") == "say":
            return self._say(body.get("text"), min(request.timeout_s, self._config["patience"]))
        if body.get("operation") == "hear":
            return self._hear(body.get("audio"), min(request.timeout_s, self._config["patience"]))
        return Response(refused="operation must be say or hear")

    def set_level(self, level: str) -> None:
        """Nothing has to be freed: what speaks is started for each sentence."""
        self._context.log(f"speaks at level {level} now")

    def shutdown(self) -> None:
        """Nothing is held: each program has ended with its request."""

    # --- out -------------------------------------------------------------------------------------------------------

    def _say(self, text: Any, patience_s: float) -> Response:
        if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
            return Response(refused=f"text must be a text of at most {LONGEST_TEXT} characters")
        silent = {"text": text, "spoken": False, "level": self._context.level}
        if self._context.level == TEXT_ONLY:
            return Response(silent)
        try:
            return Response(self._spoken(text, patience_s))
        except Unable as unable:
            # What was to be said is worth more than how: it is answered as text, with the reason.
            self._context.log(str(unable), "warning")
            return Response({**silent, "missing": str(unable)})

    def _spoken(self, text: str, patience_s: float) -> dict[str, Any]:
        kind = self._speaker()
        sound = self._run(kind, text.encode(), patience_s)
        answer = {"text": text, "level": self._context.level, "engine": self._config[f"{kind}Program"]}
        answer["seconds"] = _seconds(sound)
        if self._config["playProgram"]:
            self._run("play", sound, patience_s)
            return {**answer, "spoken": True}
        return {**answer, "spoken": False, "audio": base64.b64encode(sound).decode(), "format": "wav"}

    def _speaker(self) -> str:
        return "large" if self._context.level == "large" and self._config["largeProgram"] else "small"

    # --- in --------------------------------------------------------------------------------------------------------

    def _hear(self, audio: Any, patience_s: float) -> Response:
        if not self._config["hearProgram"]:
            return Response(refused="it does not listen: its config names no hearProgram")
        try:
            sound = base64.b64decode(audio if isinstance(audio, str) else "", validate=True)
            _seconds(sound)
        except (binascii.Error, ValueError, Unable):
            return Response(refused="audio must be WAV in base64")
        try:
            heard = self._run("hear", sound, patience_s)
        except Unable as unable:
            return Response(refused=str(unable))
        return Response({"text": " ".join(heard[: 4 * LONGEST_TEXT].decode("utf-8", "replace").split())})

    # --- programs --------------------------------------------------------------------------------------------------

    def _needed(self) -> list[str]:
        kinds = [] if self._context.level == TEXT_ONLY else [self._speaker(), "play"]
        return [kind for kind in (*kinds, "hear") if self._config[f"{kind}Program"]]

    def _missing(self, kind: str) -> str:
        program = self._config[f"{kind}Program"]
        if shutil.which(program):
            return ""
        where = WHERE.get(program, "install it, or name another in the config")
        return f"the program {program} is not installed: {where}"

    def _run(self, kind: str, said: bytes, patience_s: float) -> bytes:
        """Run a program on its input; what it writes. Raises Unable."""
        if missing := self._missing(kind):
            raise Unable(missing)
        program = str(self._config[f"{kind}Program"])
        try:
            done = subprocess.run(  # noqa: S603 - argv of the owner's config, without a shell
                [program, *self._config[f"{kind}Arguments"]],
                input=said,
                capture_output=True,
                timeout=patience_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unable(f"{program} has not ended after {patience_s:g} s") from None
        except OSError as error:
            raise Unable(f"{program} cannot be started: {error.strerror}") from None
        if done.returncode != 0:
            last = done.stderr[-200:].decode("utf-8", "replace").split("\n")[-2:]
            raise Unable(f"{program} ended with {done.returncode}: {' '.join(last).strip()}")
        if len(done.stdout) > MOST_SOUND_BYTES:
            raise Unable(f"{program} wrote more than {MOST_SOUND_BYTES // 2**20} MiB")
        return done.stdout


def _seconds(sound: bytes) -> float:
    """How long a WAV is, by what is there: what is written in a stream does not know its length. Raises Unable."""
    if len(sound) < _HEADER_BYTES or sound[:4] != b"RIFF" or sound[8:12] != b"WAVE":
        raise Unable("what was written is no WAV")
    (bytes_per_s,) = struct.unpack_from("<I", sound, 28)
    return round((len(sound) - _HEADER_BYTES) / bytes_per_s, 2) if bytes_per_s else 0.0
