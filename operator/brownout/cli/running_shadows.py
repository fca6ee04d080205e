"""`brownout compare --running`: how the shadows of a running controller fare, told by its gateway."""

import sys
from pathlib import Path
from typing import Any

from brownout.cli.options import print_json
from brownout.cli.usage import wrong_usage
from brownout.gateway.token import read_token


def print_running(server: str, token_file: Path | None, *, as_json: bool) -> None:
    """A sentence for each shadow, or the gateway's document. Raises HomeUnavailable without shadows or an answer."""
    document = _asked(server, token_file)
    if as_json:
        print_json(document)
        return
    if not document["rows"]:
        sys.stdout.write(f"nothing to compare yet: {document['why'] or 'the shadows have just begun'}\n")
    sys.stdout.writelines(f"{row['sentence']}\n" for row in document["rows"])


def _asked(server: str, token_file: Path | None) -> Any:
    from brownout.cli.gateway_source import GatewaySource  # noqa: PLC0415 - urllib's HTTP is wanted only here

    with wrong_usage():
        source = GatewaySource(server, token=read_token(token_file) if token_file else None)
    return source.shadows()
