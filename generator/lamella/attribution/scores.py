"""Class scores: the network's output as a vector for each image.

Flow: model -> **scores** -> gradients, occlusion, cam, gradcam, predictions.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lamella.errors import ModelError
from lamella.network.model import Model


def scores(model: Model, shown: Tensor) -> Tensor:
    """The network's output, (image, class), before any softmax that is not its own.

    Args:
        shown: sRGB in [0, 1], (image, 3, row, column). Gradients with respect to it are per unit
            of brightness, whatever the preprocessing.
    Raises:
        ModelError: the output is no vector of at least two numbers for each image.
    """
    return class_scores(model.module(model.normalise(shown)))


def class_scores(found: object) -> Tensor:
    """A network's output as (image, class).

    Raises:
        ModelError: it is no vector of at least two numbers for each image.
    """
    if isinstance(found, Tensor) and found.dim() >= 2 and found[0].numel() == found.shape[1] > 1:
        return found.flatten(1)
    what = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
    raise ModelError(
        f"The network's output is no list of class scores: {what}.",
        "Attribution to classes needs (image, class): name that one of several results in [model] "
        "output, or leave the panels attribution_maps, predictions and classes out.",
    )


def probabilities(found: Tensor) -> Tensor:
    """Scores, (image, class), as shares of 1; outputs that already are stay as they are."""
    total = found.sum(1)
    if bool((found >= 0).all()) and torch.allclose(total, torch.ones_like(total), atol=1e-3):
        return found
    return found.softmax(1)


def chosen(found: Tensor, classes: Tensor) -> Tensor:
    """The scores of some classes, (image, k).

    Args:
        found: (image, class).
        classes: (image, k), int64.
    Raises:
        ModelError: there is no such class.
    """
    require_classes(classes, found.shape[1])
    return found.gather(1, classes)


def require_classes(classes: Tensor, most: int) -> None:
    """Refuse classes that a network with so many does not have.

    Raises:
        ModelError: there is no such class.
    """
    if classes.numel() and (int(classes.min()) < 0 or int(classes.max()) >= most):
        wrong = next(int(one) for one in classes.flatten() if not 0 <= int(one) < most)
        raise ModelError(f"There is no class {wrong}.", f"The network has classes 0 to {most - 1}.")


def require_finite(values: Tensor, named: Callable[[int], str]) -> Tensor:
    """The same numbers; none of them may be NaN or infinite, since pictures are drawn of them.

    Args:
        named: from the number of an image of the batch to what its numbers are.
    Raises:
        ModelError: some are not finite.
    """
    wrong = (~values.isfinite()).flatten(1).any(dim=1).nonzero().flatten().tolist()
    if wrong:
        raise ModelError(
            f"{named(wrong[0])} is NaN or infinite.",
            "The network has a step without a slope there, as the square root of zero is one: "
            "add a small number to what it takes.",
        )
    return values


def outputs_of(model: Model) -> int:
    """How many class scores the network gives.

    Raises:
        ModelError: its output is no list of class scores, or they are no numbers.
    """
    if model.facts.embedding:
        raise ModelError(model.facts.embedding)
    with torch.inference_mode():
        blank = model.plain(0.5, *model.facts.size)
        found = scores(model, blank)
    if not bool(torch.isfinite(found).all()):
        raise ModelError(
            "The network's scores of a grey image are NaN or infinite.",
            "Check the weights and [model.preprocessing].",
        )
    return found.shape[1]
