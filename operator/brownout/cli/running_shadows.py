"""`brownout compare --running`: how the shadows of a running controller fare, told by its gateway."""

import sys
from typing import Any

from brownout.cli.options import print_json
from brownout.cli.usage import wrong_usage


def print_running(server: str, *, as_json: bool) -> None:
    """A sentence for each shadow, or the gateway's document. Raises HomeUnavailable without shadows or an answer."""
    document = _asked(server)
    if as_json:
        print_json(document)
        return
    if not document["rows"]:
        sys.stdout.write(f"nothing to compare yet: {document['why'] or 'the shadows have just begun'}\n")
    sys.stdout.writelines(f"{row['sentence']}\n" for row in document["rows"])


def _asked(server: str) -> Any:
    from brownout.cli.gateway_source import GatewaySource  # noqa: PLC0415 - urllib's HTTP is wanted only here

    with wrong_usage():
        source = GatewaySource(server)
    return source.shadows()
