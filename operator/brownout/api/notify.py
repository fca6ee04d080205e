"""Notify: who is told when an integration's capability changes. It knows neither what is said nor how it is sent."""

from typing import Annotated, ClassVar

from pydantic import Field

from brownout.api.leaves import Flag, Text
from brownout.api.quantities import Duration
from brownout.api.rules import Rule, Ruled
from brownout.api.wire import Wire
from brownout.api.workload import RUNNABLE

__all__ = ["CommandHook", "Notify", "WebhookHook"]

# A name, an IPv4 address, or an IPv6 address in brackets; what looks like one and is none is told when it is asked.
_HOST = r"([A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*\])"
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_URL = Text(
    allowed="must be an http or https URL without user and password, such as https://example.org/hooks/brownout",
    pattern=rf"https?://{_HOST}(:{_PORT})?(/[!-~]*)?",
    longest=2048,
)


class WebhookHook(Wire):
    """A POST with the message as JSON. Redirects are not followed."""

    url: Annotated[str, _URL] = Field(description="Where it is sent. It is never logged: it may hold a secret.")


class CommandHook(Ruled):
    """A program that is given the message as JSON on its standard input. No shell is involved. Single box only."""

    argv: tuple[Annotated[str, Text(longest=32768)], ...] = Field(
        min_length=1, max_length=256, description="The program and its arguments, each by itself."
    )

    rules: ClassVar[tuple[Rule, ...]] = (RUNNABLE,)


class Notify(Wire):
    """Who is told in words of what an integration can do now. Without any of these: nobody."""

    webhook: WebhookHook | None = Field(default=None, description="Tell by an HTTP request.")
    command: CommandHook | None = Field(default=None, description="Tell by a program (single box).")
    desktop: Annotated[bool, Flag()] = Field(
        default=False, description="Tell by a notification of the desktop, where notify-send is installed."
    )
    every: Annotated[float, Duration(at_most=86400)] = Field(
        default=60.0, description="At most one message about an integration in this time; the newest counts."
    )

    @property
    def anybody(self) -> bool:
        """Whether somebody is to be told."""
        return self.desktop or self.webhook is not None or self.command is not None
