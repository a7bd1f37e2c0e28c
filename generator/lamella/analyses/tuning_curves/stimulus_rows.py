"""Which stimuli have a picture: rows of them, one family along one axis each.

Flow: families -> **stimulus_rows** -> pictures, stimuli_page. One picture per place on an axis, not
one per stimulus: there are some eighty of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from lamella.analyses.tuning_curves.family import Family

Families = dict[str, Family]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of pictures: one family along one axis, at a fixed place on the others."""

    family: str
    title: str
    along: int
    at: tuple[int, ...]
    half: bool = False  # only the middle half, so that fine stripes can be seen


def rows(families: Families) -> tuple[Row, ...]:
    """What is shown, family by family, in the order of the pictures."""
    gratings, curves, discs = (families[name].shape for name in ("gratings", "curves", "discs"))
    period, radius, large = gratings[0] // 2, (curves[1] - 1) // 2, discs[1] * 2 // 3
    return (
        Row("gratings", "Periods, at 45°", 0, (0, 3), half=True),
        Row(
            "gratings",
            f"Orientations, {_fixed(families, 'gratings', 0, period)}",
            1,
            (period, 0),
            half=True,
        ),
        Row("curves", "Radii, bulging up", 1, (0, 0, 4)),
        Row(
            "curves",
            f"Orientations, {_fixed(families, 'curves', 1, radius)}",
            2,
            (0, radius, 0),
            half=True,
        ),
        Row(
            "curves",
            f"Kinds, {_fixed(families, 'curves', 1, radius)}",
            0,
            (0, radius, 2),
            half=True,
        ),
        Row("hues", "", 0, (0,)),
        Row("greys", "", 0, (0,)),
        Row("discs", "Radii", 1, (0, 0)),
        Row("discs", f"Colours, {_fixed(families, 'discs', 1, large)}", 0, (0, large)),
    )


def _fixed(families: Families, family: str, axis: int, at: int) -> str:
    """The value of an axis at which a row is shown, "radius 12 px"."""
    found = families[family].axes[axis]
    return f"{found.name} {found.said(at)}"


def places(families: Families, row: Row) -> int:
    """How many pictures a row has."""
    return len(families[row.family].axes[row.along].values)
