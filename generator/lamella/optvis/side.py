"""At which size pictures are made, where the network may not run at every one.

Flow: network -> **side** -> ascend.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from lamella.errors import LamellaError, said


def fitting_side(
    layers: Mapping[str, Callable[[Tensor], Tensor]],
    *,
    wanted: int | None,
    usual: int,
    native: int,
    planes: int = 3,
    device: torch.device,
    setting: str,
) -> int:
    """Side of the pictures in pixels: what is wanted, else what is usual, else the network's own.

    Args:
        layers: by name, from pictures in [0, 1], `(image, plane, row, column)`, to the layer's
            values, `(image, channel, row, column)`; all of these must have positions.
        wanted: what the user set; None for nothing.
        native: side of the images that the network was made for, the largest that is tried unasked.
        planes: of a picture.
        setting: where the user may set it.
    Raises:
        LamellaError: the network does not run at it.
    """
    problem = ""
    for side in dict.fromkeys([wanted] if wanted else [min(usual, native), native]):
        grey = torch.full((1, planes, side, side), 0.5, device=device)
        try:
            with torch.no_grad():
                for name, values_of in layers.items():
                    if not values_of(grey).numel():
                        raise ValueError(f"layer {name!r} is left no position")
            return side
        except Exception as error:  # the user's own code may raise anything
            problem = said(error)
    raise LamellaError(
        f"The network does not run on pictures of {wanted or native} px: {problem}.",
        f"Set {setting} to {native}, the size that it was made for.",
    )
