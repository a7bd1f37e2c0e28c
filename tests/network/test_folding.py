"""Normalizations folded into convolutions: same values, same addresses, the module untouched."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from lamella.loading.torchvision_models import mend_torchvision
from lamella.network.activations import Address, cut
from lamella.network.folding import Folding, folds_of


class Shared(nn.Module):
    """A convolution used twice, behind each use another normalization; one output is used again."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        self.first, self.second = nn.BatchNorm2d(3), nn.BatchNorm2d(3, affine=False)

    def forward(self, images: Tensor) -> Tensor:
        once = self.first(self.convolution(images)).relu()
        raw = self.convolution(once)
        result: Tensor = self.second(raw) + raw
        return result


def randomised(network: nn.Module) -> nn.Module:
    """In evaluation mode, with statistics that are not those of a new module."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            if module.affine:
                module.weight.data.uniform_(0.5, 1.5, generator=generator)
                module.bias.data.normal_(generator=generator)
    return network.eval().requires_grad_(False)


def torchvision(name: str) -> nn.Module:
    mend_torchvision()
    import torchvision.models

    network: nn.Module = getattr(torchvision.models, name)(weights=None)
    return network


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet18": (lambda: torchvision("resnet18"), 20),
    "mobilenet_v3_small": (lambda: torchvision("mobilenet_v3_small"), 34),
    # Its first convolution, and the first of each dense layer; the others have no norm behind them.
    "densenet121": (lambda: torchvision("densenet121"), 59),
    "shared": (Shared, 1),
    "without": (lambda: nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3)), 0),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_folded_networks_compute_the_same(name: str) -> None:
    make, number = NETWORKS[name]
    network = randomised(make())
    before = copy.deepcopy(network.state_dict())
    images = torch.rand((2, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    folds = folds_of(network, images[:1])
    assert len(folds) == number
    expected = network(images)
    with Folding(folds):
        found = network(images)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])


def test_addresses_stay_what_they_were() -> None:
    network = randomised(torchvision("resnet18"))
    images = torch.rand((1, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    folds = folds_of(network, images)
    for at in (Address("batch_norm", 3), Address("conv2d", 6), Address("add_", 2)):
        behind = {key: fold for key, fold in folds.items() if at != Address("conv2d", key)}
        expected = cut(network, at)(images)
        with Folding(behind):
            found = cut(network, at)(images)
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_a_norm_in_training_mode_is_left_alone() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    assert not folds_of(network, torch.rand(2, 3, 8, 8))
