"""What a family of stimuli is: axes in order, with values and units, and a way to draw one.

Flow: **family** -> gratings, arcs, colours, discs -> passes. Stimuli are numbered row by row, the
last axis fastest; the same size always gives the same stimuli.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Size = tuple[int, int]  # rows and columns, in pixels

STRAIGHT = math.inf  # the radius of a line


@dataclass(frozen=True, slots=True)
class Axis:
    """One property in which the stimuli of a family differ.

    Attributes:
        name: of the property, "orientation" say.
        values: in order, in `unit`; where the values have names, they only number them.
        unit: "°" or "px"; "" for values with names and for shares.
        names: of the values; empty where the values say it themselves.
        pooled: a unit's response is the largest along this axis, which is not kept.
    """

    name: str
    values: tuple[float, ...]
    unit: str = ""
    names: tuple[str, ...] = ()
    pooled: bool = False

    def said(self, at: int) -> str:
        """A value as people read it: "45°", "8.7 px", "red"."""
        if self.names:
            return self.names[at]
        value = self.values[at]
        if value == STRAIGHT:
            return "straight"
        return f"{number(value)}{' ' * (self.unit == 'px')}{self.unit}"

    def marks(self) -> tuple[str, ...]:
        """The values without their unit, for an axis of a chart."""
        if self.names:
            return self.names
        return tuple("line" if v == STRAIGHT else number(v) for v in self.values)


def number(value: float) -> str:
    """Two digits, whole numbers whole.

    >>> [number(value) for value in (3, 8.748, 0.25, 45.4, 131.2)]
    ['3', '8.7', '0.25', '45', '131']
    """
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"


@dataclass(frozen=True, slots=True)
class Family:
    """Stimuli of one kind.

    Attributes:
        name: under which the responses are stored.
        axes: those that are pooled come last.
        draw: one stimulus from a value of each axis: sRGB in [0, 1], `(3, row, column)`.
        centred: the stimulus counts where it lies, in the middle of the image: a response is read
            there, not over the image's middle half.
    """

    name: str
    axes: tuple[Axis, ...]
    draw: Callable[..., Image]
    centred: bool = False

    @property
    def kept(self) -> tuple[Axis, ...]:
        """The axes of the responses."""
        return tuple(axis for axis in self.axes if not axis.pooled)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many responses a unit has, by axis."""
        return tuple(len(axis.values) for axis in self.kept)

    @property
    def pool(self) -> int:
        """How many stimuli make one response."""
        return math.prod(len(axis.values) for axis in self.axes if axis.pooled)

    @property
    def count(self) -> int:
        """How many stimuli there are."""
        return math.prod(len(axis.values) for axis in self.axes)

    def images(self) -> Iterator[Image]:
        """All stimuli, in order."""
        for values in product(*(axis.values for axis in self.axes)):
            yield self.draw(*values)

    def image(self, *at: int) -> Image:
        """One stimulus, by its place on each axis; the first along those that are left out."""
        at = at + (0,) * (len(self.axes) - len(at))
        return self.draw(*(axis.values[i] for axis, i in zip(self.axes, at, strict=True)))


def spaced(low: float, high: float, ratio: float) -> tuple[float, ...]:
    """Values from `low` to `high`, each about `ratio` times the one before; two at least.

    >>> [round(value, 1) for value in spaced(3, 24, 2)]
    [3.0, 6.0, 12.0, 24.0]
    """
    steps = max(1, round(math.log(max(high / low, ratio)) / math.log(ratio)))
    each = max(high / low, ratio) ** (1 / steps)
    return tuple(low * each**step for step in range(steps + 1))
