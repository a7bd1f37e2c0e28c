"""The part of the image that each position of a layer sees.

Flow: **field** -> codes, units. Pure arithmetic: no torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """Input pixels that can change one activation, along one axis.

    Attributes:
        size: extent, in input pixels.
        stride: input pixels between the fields of neighbouring positions.
        start: first pixel of position 0's field; negative inside the padding.

    Source: Araujo, Norris and Sim, Distill 2019, doi:10.23915/distill.00021.
    """

    size: int = 1
    stride: int = 1
    start: int = 0

    def after(
        self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
    ) -> "ReceptiveField":
        """Field one convolution or pooling further from the image."""
        return ReceptiveField(
            size=self.size + (kernel - 1) * dilation * self.stride,
            stride=self.stride * stride,
            start=self.start - padding * self.stride,
        )

    def union(self, other: "ReceptiveField") -> "ReceptiveField | None":
        """Field of a sum or concatenation; None where the two do not move in step."""
        if self.stride != other.stride:
            return None
        start = min(self.start, other.start)
        stop = max(self.start + self.size, other.start + other.size)
        return ReceptiveField(stop - start, self.stride, start)

    def span(self, position: int, extent: int) -> tuple[int, int]:
        """First pixel, and the one after the last, of a position's field inside the image."""
        first = self.start + position * self.stride
        return max(0, min(first, extent - 1)), max(1, min(first + self.size, extent))


@dataclass(frozen=True, slots=True)
class Field:
    """The receptive field of a layer on both axes."""

    rows: ReceptiveField
    columns: ReceptiveField

    @property
    def size(self) -> int:
        """The larger of its two extents, in input pixels."""
        return max(self.rows.size, self.columns.size)


def joined(fields: Sequence[Field | None]) -> Field | None:
    """The field of a value made of several; None where one sees the whole image, or where they do
    not move in step."""
    found, *rest = fields
    for other in rest:
        if found is None or other is None:
            return None
        rows, columns = found.rows.union(other.rows), found.columns.union(other.columns)
        found = Field(rows, columns) if rows and columns else None
    return found
