"""The few elements of SVG that a picture is made of, as text. Coordinates in px, to a tenth."""

from collections.abc import Sequence
from html import escape

# Okabe and Ito 2008, "Color universal design"; the ink is a soft black.
BLUE, SKY, ORANGE, VERMILLION, GREY, INK = "#0072b2", "#bfe3f7", "#e69f00", "#d55e00", "#8a8a8a", "#222222"

Place = tuple[float, float]


def line(start: Place, end: Place, colour: str, *, dash: str = "", width: float = 1.0) -> str:
    """A straight line."""
    ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f"<line {ends} {_stroke(colour, width, dash)}/>"


def path(places: Sequence[Place], colour: str, *, width: float = 1.0, dash: str = "", fill: str = "none") -> str:
    """A line through these places; with a fill what it surrounds."""
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    shape = "polyline" if fill == "none" else "polygon"
    return f'<{shape} points="{points}" fill="{fill}" {_stroke(colour, width, dash)} stroke-linejoin="round"/>'


def rect(x: float, y: float, width: float, height: float, colour: str) -> str:
    """A filled box."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def text(at: Place, words: str, *, anchor: str = "start", colour: str = INK, bold: bool = False, size: int = 12) -> str:
    """One line of words, on their base line."""
    weight = ' font-weight="bold"' if bold else ""
    place = f'x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}"'
    return f"<text {place}{weight}>{escape(words)}</text>"


def _stroke(colour: str, width: float, dash: str) -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="{colour}" stroke-width="{width:g}"{dashes}'
