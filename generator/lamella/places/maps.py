"""The rows and columns of maps, and what slides over them.

Flow: codes, grids -> **maps** -> windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lamella.places.codes import FIRST, PER_IMAGE, Places
from lamella.places.field import Field
from lamella.places.grids import collapsed, field_of, line, runs_of, step_of


@dataclass(frozen=True, slots=True)
class Maps:
    """What rows and columns of maps, (image, channel, row, column), are.

    Attributes:
        images: the image of each, (image,).
        placed: whether rows and columns are those of the image.
        field: of a position.
        gated: as in Places.
    """

    images: Tensor
    placed: bool
    field: Field | None = None
    gated: bool = False


def maps_of(places: Places) -> Maps | None:
    """The rows and columns of a tensor of four axes; None where its first axis mixes images."""
    inner = collapsed(places, (1,))
    if inner is None:
        return None
    images, place = inner.images, inner.places
    if not torch.equal(images, images[:, :1, :1].expand_as(images)):
        return None
    first = images[:, 0, 0]
    if bool((place < 0).any()):
        return Maps(first, False)
    row, column = place // inner.columns, place % inner.columns
    rows, columns = row[0, :, 0], column[0, 0]
    straight = torch.equal(row, rows[None, :, None].expand_as(row))
    if not straight or not torch.equal(column, columns.expand_as(column)):
        return Maps(first, False)
    down, right = rows.tolist(), columns.tolist()
    if any(step_of(one) is None for one in (down, right)):
        return Maps(first, False)
    field = inner.field and field_of(
        line(inner.field.rows, down, down), line(inner.field.columns, right, right)
    )
    return Maps(first, True, field, inner.gated)


def slid(
    places: Places, shape: Sequence[int], kernel: tuple[int, int], options: Mapping[str, Any]
) -> Places | None:
    """The places behind a sliding window over maps that are not whole images."""
    inner = collapsed(places, (1,))
    if inner is None or bool((inner.places < 0).any()):
        return None
    images = inner.images[:, :1, :1]
    if not torch.equal(images.expand_as(inner.codes), inner.images):
        return None
    runs = []
    for numbers in (inner.places // inner.columns, inner.places % inner.columns):
        seen = torch.stack([-numbers, numbers]).double()
        low, high = F.max_pool2d(seen, kernel, **options).long()
        runs.append(runs_of(-low.flatten(), high.flatten()))
    if None in runs:
        return None
    (rows, at_row), (columns, at_column) = [run for run in runs if run is not None]
    place = (at_row * len(columns) + at_column).reshape(low.shape)
    codes = (images * PER_IMAGE + FIRST + place).unsqueeze(1)
    return Places(codes.expand(tuple(shape)), len(rows), len(columns), None, inner.gated)
