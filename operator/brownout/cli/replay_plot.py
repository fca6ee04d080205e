"""Where the picture of a replay goes: SVG as it is, or PNG, for which one more package draws it."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import typer

from brownout.core.errors import InvalidInput
from brownout.simulate.loop import Record
from brownout.simulate.picture import picture

SVG, PNG = ".svg", ".png"
# Of a picture 1200 px wide: sharp on screens with two dots a pixel.
ZOOM = 2.0


def check_plot(file: Path) -> None:
    """Refuse what cannot be drawn before anything is computed for it: a replay can take minutes."""
    if file.suffix not in (SVG, PNG):
        raise typer.BadParameter(f"{file} is not a picture that can be drawn: name a file that ends in {SVG} or {PNG}")
    if file.suffix == PNG and find_spec("resvg_py") is None:
        raise InvalidInput(
            f"{file}: what draws PNG is not installed", advice=f"pip install 'brownout[png]', or name a {SVG}"
        )
    if not file.parent.is_dir():
        raise InvalidInput(f"{file} cannot be written to: there is no folder {file.parent}")


def draw(file: Path, records: Sequence[Record]) -> None:
    """One base load and every policy on it."""
    drawn = picture(records)
    try:
        file.write_bytes(_png(drawn) if file.suffix == PNG else drawn.encode())
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written to ({error.strerror})", advice="name another file") from None


def _png(drawn: str) -> bytes:
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - optional, and wanted only here

    return bytes(svg_to_bytes(svg_string=drawn, zoom=ZOOM))
