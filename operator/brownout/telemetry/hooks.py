"""Hooks that run a program, and which hooks a policy asks for. Imported only where somebody is to be told."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from brownout.api.notify import Notify
from brownout.core.capability import Notice
from brownout.engine.hook import Delivery, Hook
from brownout.telemetry.notify import plain
from brownout.telemetry.webhook import Webhook

__all__ = ["CommandHook", "DesktopHook", "hooks_of"]

#: A program that has not ended by then is ended.
PATIENCE_S: Final = 10.0
#: What a program needs to find its way, and a desktop's to find the desktop. The rest stays here: it may hold secrets.
_PASSED: Final = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "TMPDIR"),
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"),
)
_NOTIFY_SEND: Final = "notify-send"


def hooks_of(notify: Notify, *, programs: bool) -> Sequence[Hook]:
    """The hooks that a policy asks for. Without `programs` none that runs one: who may edit an object of a cluster must
    not thereby run programs as the controller.
    """
    hooks: list[Hook] = []
    if notify.webhook is not None:
        hooks.append(Webhook(url=notify.webhook.url))
    if notify.command is not None:
        argv = notify.command.argv
        hooks.append(CommandHook(argv=argv) if programs else Refused(what="notify.command"))
    if notify.desktop:
        hooks.append(DesktopHook() if programs else Refused(what="notify.desktop"))
    return tuple(hooks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Stands for a hook that this home does not run, and says so."""

    what: str

    @property
    def name(self) -> str:
        """What was asked for."""
        return self.what

    async def tell(self, notice: Notice) -> Delivery:  # noqa: ARG002 - nobody is told
        """Say why not."""
        return Delivery(failure="programs are not run for an object of the cluster")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHook:
    """Gives the message as JSON to a program on its standard input."""

    argv: tuple[str, ...]

    @property
    def name(self) -> str:
        """The program, without its arguments: they may hold secrets."""
        return f"the program {os.path.basename(self.argv[0])}"  # noqa: PTH119 - a name, not a file that is opened

    async def tell(self, notice: Notice) -> Delivery:
        """Run it once."""
        message = json.dumps(plain(notice), ensure_ascii=False).encode(errors="replace")
        return await _run(self.argv, message + b"\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class DesktopHook:
    """Shows the message on the desktop of the user who runs the controller."""

    @property
    def name(self) -> str:
        """What it is."""
        return "the desktop"

    async def tell(self, notice: Notice) -> Delivery:
        """Show it."""
        program = shutil.which(_NOTIFY_SEND)
        if program is None:
            return Delivery(failure=f"{_NOTIFY_SEND} is not installed")
        return await _run((program, "--app-name=brownout", "--", notice.name, notice.text), b"")


async def _run(argv: Sequence[str], message: bytes) -> Delivery:
    """Run a program to its end, bounded in time, in a session of its own that is ended with it."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(os.environ),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Delivery(failure=f"it cannot be run: {getattr(error, 'strerror', None) or 'its arguments are wrong'}")
    try:
        async with asyncio.timeout(PATIENCE_S):
            await process.communicate(message)
    except TimeoutError:
        return Delivery(failure=f"it has not ended within {PATIENCE_S:g} s", again=True)
    finally:
        await _end(process)
    status = process.returncode
    return Delivery(failure=f"it ended with {status}", again=True) if status else Delivery()


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # also what it left behind: a hook is no place for a daemon
    if process.returncode is None:
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await process.wait()


def _environment(own: Mapping[str, str]) -> Mapping[str, str]:
    return {name: own[name] for name in _PASSED if name in own}
