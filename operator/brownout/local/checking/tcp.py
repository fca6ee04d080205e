"""The check by TCP: a connection that is accepted, and given up at once."""

import asyncio

from brownout.api.integration import TcpProbe
from brownout.core.health import Answer, Checked
from brownout.local.checking.connections import connected, no_connection

__all__ = ["check_tcp"]


class _Greeting(asyncio.Protocol):
    """A connection that says nothing and ends as soon as it stands."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def check_tcp(probe: TcpProbe) -> Checked:
    """Whether the port lets us in."""
    try:
        await connected(_Greeting, probe.port)
    except OSError as error:
        return no_connection(error, probe.port)
    return Checked(answer=Answer.OK)
