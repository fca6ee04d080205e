"""What the command line leaves out of a controller's process, and where."""

from __future__ import annotations

import pytest

from brownout.bootstrap.settings import LEAN, NO_AUTHORITIES, HomeMode, Settings
from brownout.cli.run import controller_command


@pytest.mark.parametrize(
    ("mode", "directory", "box"),
    [
        (HomeMode.LOCAL, "/d", True),
        (HomeMode.AUTO, "/d", True),
        (HomeMode.AUTO, None, False),
        (HomeMode.KUBE, "/d", False),
    ],
)
def test_only_a_box_does_without_authorities(mode: HomeMode, directory: str | None, *, box: bool) -> None:
    """A box never opens a TLS connection of its own; a controller in a cluster talks to the API server by one."""
    argv, environment = controller_command(Settings(mode=mode, directory=directory, state="/s"))
    assert ("-OO" in argv) is box
    assert (NO_AUTHORITIES.items() <= environment.items()) is box
    assert (LEAN.items() <= environment.items()) is box
