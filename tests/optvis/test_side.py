"""The size of pictures: the first of those wanted at which the network runs."""

import pytest
import torch
from torch import Tensor, nn

from lamella.errors import LamellaError
from lamella.optvis.side import fitting_side

CONVOLUTION = nn.Conv2d(3, 2, 5)
HEAD = nn.Sequential(
    CONVOLUTION, nn.Flatten(), nn.Linear(2 * 28 * 28, 4), nn.Unflatten(1, (4, 1, 1))
)


def side(wanted: int | None = None, usual: int = 16, native: int = 32, **layers: nn.Module) -> int:
    return fitting_side(
        layers or {"a": CONVOLUTION}, wanted=wanted, usual=usual, native=native,
        device=torch.device("cpu"), setting="[panels.a] size",
    )  # fmt: skip


def test_what_is_wanted_comes_before_what_is_usual() -> None:
    assert side(wanted=48) == 48 and side() == 16
    assert side(usual=99) == 32  # unasked, no larger than the images that the network is made for


def test_a_network_that_runs_at_its_own_size_only_has_that() -> None:
    assert side(a=CONVOLUTION, head=HEAD) == 32
    with pytest.raises(LamellaError) as error:
        side(wanted=16, a=CONVOLUTION, head=HEAD)
    assert error.value.problem.startswith("The network does not run on pictures of 16 px: ")
    assert error.value.remedy == "Set [panels.a] size to 32, the size that it was made for."


def test_a_layer_without_positions_is_no_layer_to_look_at() -> None:
    class Empty(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images[:, :, :0]

    with pytest.raises(LamellaError, match="layer 'b' is left no position"):
        side(b=Empty())


def test_nothing_is_kept_for_a_gradient() -> None:
    seen = []

    def layer(images: Tensor) -> Tensor:
        found: Tensor = CONVOLUTION(images)
        seen.append(found.requires_grad)
        return found

    fitting_side(
        {"a": layer}, wanted=8, usual=8, native=8, device=torch.device("cpu"), setting="size"
    )
    assert seen == [False]
