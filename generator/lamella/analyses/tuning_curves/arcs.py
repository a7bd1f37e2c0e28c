"""Curves: a third of a circle in every direction, of every radius, drawn as a line or an edge.

Flow: canvas -> **arcs** -> families. The middle of the curve lies in the middle of the image, so
that only its bend and direction change; a straight line ends the axis of radii, since a unit that
likes a line as much is no curve detector.

Source of the idea: Cammarata, Goh, Carter, Schubert, Petrov and Olah, "Curve Detectors", Distill
2020, doi:10.23915/distill.00024.003.
"""

import numpy as np

from lamella.analyses.tuning_curves.canvas import GREY, Plane, covered, plane
from lamella.analyses.tuning_curves.family import STRAIGHT, Axis, Family, Image, Size, spaced

ORIENTATIONS = tuple(22.5 * step for step in range(16))
KINDS = ("bright line", "dark line", "edge, bright inside", "edge, dark inside")
HALF = float(np.deg2rad(60.0))  # of the arc, to either side of its middle
FADE = 4.0  # line widths over which an edge fades into the ground


def thickness(size: Size) -> float:
    """Of a line, in pixels: a 64th of the image's shorter side."""
    return max(1.5, min(size) / 64)


def radii(size: Size) -> tuple[float, ...]:
    """Of the curves, in pixels, from a 32nd to a quarter of the shorter side; then the line."""
    smallest = max(3.0, min(size) / 32)
    return (*spaced(smallest, max(min(size) / 4, 2 * smallest), 2.0), STRAIGHT)


def _turned(orientation: float, size: Size) -> tuple[Plane, Plane]:
    """Pixels from the middle of the image: in the direction of an angle, and across it."""
    right, up = plane(size)
    turned = np.deg2rad(orientation)
    return (
        right * np.cos(turned) + up * np.sin(turned),
        up * np.cos(turned) - right * np.sin(turned),
    )


def line(radius: float, orientation: float, size: Size) -> Plane:
    """How much of each pixel a curved stroke with round ends covers.

    Args:
        radius: of the curve, in pixels; infinite for a straight line.
        orientation: the direction in which it bulges, in degrees counterclockwise from the right.
    """
    out, along = _turned(orientation, size)
    if radius == STRAIGHT:
        away = np.hypot(out, np.maximum(np.abs(along) - HALF * radii(size)[-2], 0))
    else:
        out = out + radius  # from the middle of the circle
        on = np.abs(np.arctan2(along, out)) <= HALF
        ends = np.hypot(out - radius * np.cos(HALF), np.abs(along) - radius * np.sin(HALF))
        away = np.where(on, np.abs(np.hypot(out, along) - radius), ends)
    return covered(thickness(size) / 2 - away)


def edge(radius: float, orientation: float, size: Size) -> Plane:
    """Contrast of a curved edge: 1 just inside it, -1 just outside, fading on both sides.

    It fades at both ends too, so that nothing has an edge but the curve. Arguments as above.
    """
    out, along = _turned(orientation, size)
    if radius == STRAIGHT:
        depth, angle = -out, np.abs(along) / radii(size)[-2]
    else:
        depth = radius - np.hypot(out + radius, along)
        angle = np.abs(np.arctan2(along, out + radius))
    reach = min(FADE * thickness(size), radius)
    fading = np.clip(1 - np.abs(depth) / reach, 0, 1)
    ends = np.clip((HALF * 7 / 6 - angle) / (HALF / 3), 0, 1)
    contrast: Plane = (2 * covered(depth) - 1) * fading * ends
    return contrast


def curve(kind: int, radius: float, orientation: float, size: Size) -> Image:
    """One curve on grey, `(3, row, column)`.

    Args:
        kind: its place in `KINDS`; inside is where the middle of the circle lies.
    """
    ink = (line if kind < 2 else edge)(radius, orientation, size)
    sign = 1 - 2 * (kind % 2)
    return np.repeat((GREY + sign * GREY * ink)[None], 3, axis=0).astype(np.float32)


def curves(size: Size) -> Family:
    """Four kinds, radii from small to straight, sixteen orientations."""
    return Family(
        "curves",
        (
            Axis("kind", tuple(map(float, range(len(KINDS)))), names=KINDS),
            Axis("radius", radii(size), "px"),
            Axis("orientation", ORIENTATIONS, "°"),
        ),
        lambda kind, radius, orientation: curve(int(kind), radius, orientation, size),
    )
