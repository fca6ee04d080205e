"""The token that opens the gateway to other machines: read from a file, compared in constant time, never shown."""

import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from brownout.core.errors import InvalidInput

__all__ = ["Token", "made_token", "read_token"]

#: 16 random characters of base64 are 96 bits; fewer can be guessed over a network.
SHORTEST: Final = 16
LONGEST: Final = 1024
_OWN: Final = 0o600
_ADVICE: Final = "make one with: (umask 077; head -c 32 /dev/urandom | base64 > FILE)"


@dataclass(frozen=True, slots=True)
class Token:
    """A secret that one may hold but not print."""

    _secret: bytes = field(repr=False)

    def authorization(self) -> str:
        """The value of the Authorization header that carries it, for whoever asks a gateway."""
        return f"Bearer {self._secret.decode('ascii')}"

    def opens(self, authorization: str) -> bool:
        """Whether this is the value of an Authorization header that carries the token."""
        scheme, _, given = authorization.partition(" ")
        # The comparison comes first, so that the answer takes as long for a wrong scheme.
        same = hmac.compare_digest(given.strip(" ").encode("utf-8", "surrogateescape"), self._secret)
        return same and scheme.lower() == "bearer"


def made_token(path: Path) -> Token:
    """The token that a controller makes for the commands and programs of its own user, in a file that only he can read.

    It stays the same over restarts. One that others could read, or that is none, is replaced. Raises InvalidInput.
    """
    try:
        if stat.S_IMODE(path.stat().st_mode) == _OWN:
            return read_token(path)
    except (OSError, InvalidInput):  # there is none yet, or it is of no use
        pass
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.unlink(missing_ok=True)
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _OWN), "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(f"{secrets.token_urlsafe(32)}\n".encode())
            os.fchmod(file.fileno(), _OWN)  # whatever the umask
        beside.replace(path)
    except OSError as error:
        raise InvalidInput(f"the token file {path} cannot be made ({error.strerror})", advice=_ADVICE) from None
    return read_token(path)


def read_token(path: Path) -> Token:
    """The token in a file, without the white space around it. Raises InvalidInput.

    Mounted secrets of Kubernetes are world-readable within their container, so only a file that others may *change* is
    refused: who can write it can let himself in.
    """
    try:
        mode = path.stat().st_mode
        with path.open("rb") as file:
            secret = file.read(LONGEST + 1).strip()
    except OSError as error:
        raise InvalidInput(f"the token file {path} cannot be read ({error.strerror})", advice=_ADVICE) from None
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InvalidInput(f"others may write the token file {path}", advice=f"chmod go-w {path}")
    if not SHORTEST <= len(secret) <= LONGEST or not all(33 <= byte <= 126 for byte in secret):
        wanted = f"one line of {SHORTEST} to {LONGEST} visible ASCII characters"
        raise InvalidInput(f"the token file {path} must hold {wanted}", advice=_ADVICE)
    return Token(secret)
