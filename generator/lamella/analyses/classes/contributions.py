"""What each input of the head contributes to a class: weights, and weights times activations.

Flow: output_layer + measurements -> **contributions** -> compute. Pure arithmetic: no torch.

The score of a class is a sum over the inputs of the head: weight times activation, and a bias. A
large weight alone says little of a unit that the images of the class do not excite; so both are
kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lamella.analyses.classes.stored import FEW, UNITS, ClassWeights

Floats = NDArray[np.float32]


def largest(values: Floats, number: int, sign: int = 1) -> NDArray[np.int32]:
    """The places of the largest values above zero, `(number,)`; with `sign` -1 of the most
    negative ones. -1 where there are no more. Equal values go to the first."""
    order = np.argsort(-sign * values, kind="stable")[:number]
    order = order[sign * values[order] > 0]
    found = np.full(number, -1, np.int32)
    found[: len(order)] = order
    return found


def largest_inputs(weights: Floats, means: Floats, number: int = UNITS) -> NDArray[np.int32]:
    """The inputs of the head that are shown of one class, `(4, number)`; see `stored.FOR`.

    Args:
        weights: the class's row of the head, `(input,)`.
        means: mean activation of each input on the images of the class, `(input,)`.
    """
    contribution = weights * means
    return np.stack(
        [largest(values, number, sign) for values in (contribution, weights) for sign in (1, -1)]
    )


def values_at(values: Floats, places: NDArray[np.int32]) -> Floats:
    """Values at places, zero where a place is -1."""
    return np.where(places >= 0, values[places], 0).astype(np.float32)


def largest_classes(weights: Floats, sign: int, number: int = FEW) -> tuple[ClassWeights, ...]:
    """For each input of the head, the classes with the largest or, with `sign` -1, the most
    negative weights.

    Args:
        weights: `(class, input)`.
    """
    found = []
    for column in weights.T:
        places = largest(column, number, sign)
        found.append(tuple((int(at), float(f"{column[at]:.6g}")) for at in places if at >= 0))
    return tuple(found)
