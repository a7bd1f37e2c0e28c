"""What is stored of how well pictures explain units, and how it is read.

Flow: tasks, path_similarity -> store -> **stored** -> view, visualization_quality. Imports no
torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.store.facts import LayerFacts

PANEL = "interpretability"
# What explains a unit: its picture, its own photographs, photographs of other units.
KINDS = ("picture", "natural", "shuffled")
# What is measured of each kind, NaN where unknown: the machine interpretability score and the share
# of the tasks that were right, (unit,); the similarity of the path, (unit, traced layer).
SCORE, RIGHT, PATH = "mis", "right", "path"

Values = NDArray[np.float64]


def number(measure: str, kind: str) -> str:
    """The name under which a measure of a kind is stored."""
    return f"{measure}_{kind}"


def known_mean(values: NDArray[np.floating[Any]]) -> Values:
    """The mean of each row's numbers that are not NaN; NaN where none is."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def unit_means(facts: LayerFacts, names: Sequence[str]) -> dict[str, Values]:
    """Stored numbers of a layer, (unit,), of several per unit their mean; those that are there.

    NaN for units that were not measured.
    """
    own, rows = facts.of(PANEL), facts.layer.channels
    found = {}
    for name in names:
        if name in own.numbers:
            values = np.asarray(own[name], np.float64).reshape(rows, -1)
            found[name] = known_mean(np.where(own.present[:, None], values, np.nan))
    return found
