"""Asking systemd through its own command, with a bound on every wait: D-Bus can hang, and then systemctl hangs.

argv only, names after `--`, output in English and without a pager. It knows no integrations.
"""

import asyncio
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

__all__ = ["Answer", "Systemctl"]

#: Asking takes some milliseconds; a loaded box with a busy D-Bus some hundred.
_ASK_S: Final = 5.0
_MOST_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What systemctl said. `failure` is why it could not do what was asked, in a sentence; empty where it could."""

    output: str = ""
    failure: str = ""


class Systemctl:
    """Runs `systemctl`; `user` True speaks to the user's own systemd instead of the machine's."""

    def __init__(self, program: str = "systemctl", *, user: bool = False) -> None:
        self._program = program
        self._scope = ("--user",) if user else ("--system",)

    async def show(self, unit: str, names: Sequence[str]) -> Mapping[str, str] | str:
        """Properties of a unit by name, or why they cannot be had."""
        answer = await self._run("show", f"--property={','.join(names)}", unit=unit)
        if answer.failure:
            return answer.failure
        pairs = (line.partition("=") for line in answer.output.splitlines())
        return {name: value for name, mark, value in pairs if mark}

    async def act(self, verb: str, *options: str, unit: str) -> Answer:
        """Ask for something to be done, without waiting for it to be finished."""
        return await self._run(verb, *options, unit=unit)

    async def _run(self, verb: str, *options: str, unit: str) -> Answer:
        argv = (self._program, *self._scope, "--no-pager", "--no-ask-password", verb, *options, "--", unit)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=_environment(), limit=_MOST_BYTES
            )
        except OSError as error:
            return Answer(failure=f"{self._program} cannot be run: {error.strerror}")
        try:
            async with asyncio.timeout(_ASK_S):
                output, errors = await process.communicate()
        except TimeoutError:
            return Answer(failure=f"{self._program} {verb} has not answered for {_ASK_S:g} s")
        finally:
            await _end(process)
        if process.returncode == 0:
            return Answer(output=output.decode(errors="replace"))
        said = " ".join(errors.decode(errors="replace").split())[:300]
        return Answer(failure=said or f"{self._program} {verb} ended with {process.returncode}")


async def _end(process: Process) -> None:
    """A systemctl that hangs must not stay; it holds no state, so it needs no grace."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await process.communicate()


def _environment() -> Mapping[str, str]:
    """The controller's own (the user's systemd is found through XDG_RUNTIME_DIR), speaking English and plain text."""
    return {**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", "SYSTEMD_URLIFY": "0"}
