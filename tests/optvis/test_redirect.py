"""ReLUs that are passed by: only for images that get no gradient, and nothing else changes."""

from collections.abc import Callable, Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamella.network.activations import Address, Watch, cut
from lamella.optvis import Channel, Settings, ascend
from lamella.optvis.redirect import Redirected


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make a busy machine slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


FROM_ZERO: dict[str, Callable[[Tensor], Tensor]] = {
    "module": nn.ReLU(),
    "module in place": nn.ReLU(inplace=True),
    "F.relu": F.relu,
    "F.relu in place": lambda x: F.relu(x, inplace=True),
    "F.relu in place by position": lambda x: F.relu(x, True),
    "torch.relu": torch.relu,
    "torch.relu_": torch.relu_,
    "method": lambda x: x.relu(),
    "method in place": lambda x: x.relu_(),
    "clamp": lambda x: x.clamp(min=0),
    "clamp by position": lambda x: torch.clamp(x, 0),
    "clamp in place": lambda x: x.clamp_(min=0),
}
FROM_ZERO_TO_SIX: dict[str, Callable[[Tensor], Tensor]] = {
    "relu6 module": nn.ReLU6(),
    "relu6 module in place": nn.ReLU6(inplace=True),
    "F.relu6": F.relu6,
    "F.relu6 in place": lambda x: F.relu6(x, inplace=True),
    "clamp": lambda x: x.clamp(0, 6),
    "clamp by name": lambda x: torch.clamp(x, min=0, max=6),
    "hardtanh module": nn.Hardtanh(0.0, 6.0),
    "hardtanh module in place": nn.Hardtanh(0.0, 6.0, inplace=True),
    "F.hardtanh": lambda x: F.hardtanh(x, 0.0, 6.0),
    "F.hardtanh in place by position": lambda x: F.hardtanh(x, 0.0, 6.0, True),
    "F.hardtanh by name": lambda x: F.hardtanh(x, min_val=0.0, max_val=6.0, inplace=True),
    "F.hardtanh_": lambda x: F.hardtanh_(x, 0.0, 6.0),
}
ALL = FROM_ZERO | {f"to six: {name}": form for name, form in FROM_ZERO_TO_SIX.items()}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 4


def passed(
    form: Callable[[Tensor], Tensor], before: Tensor, gradient: Tensor, redirected: bool
) -> tuple[Tensor, Tensor]:
    """The values behind a clamping function, and the gradient in front of it."""
    leaf = before.clone().requires_grad_()
    inner = leaf * 1  # what may be overwritten in place
    if redirected:
        with Redirected():
            after = form(inner)
    else:
        after = form(inner)
    (found,) = torch.autograd.grad(after, leaf, gradient)
    return after.detach(), found


@pytest.mark.parametrize("name", ALL)
def test_images_that_get_a_gradient_keep_it(name: str) -> None:
    before, gradient = drawn(3, 4, 5, 5), drawn(3, 4, 5, 5, seed=1)
    values, expected = passed(ALL[name], before, gradient, redirected=False)
    found, slope = passed(ALL[name], before, gradient, redirected=True)
    assert torch.equal(found, values)
    assert torch.equal(slope, expected)


@pytest.mark.parametrize("name", ALL)
def test_an_image_that_gets_none_is_let_through_alone(name: str) -> None:
    before, gradient = drawn(3, 4, 5, 5), drawn(3, 4, 5, 5, seed=1)
    before[1] = -before[1].abs()
    values, expected = passed(ALL[name], before, gradient, redirected=False)
    assert (expected[1] == 0).all()
    found, slope = passed(ALL[name], before, gradient, redirected=True)
    assert torch.equal(found, values), "forward values change"
    assert torch.equal(slope[[0, 2]], expected[[0, 2]]), "a live image pays for a dead one"
    assert torch.equal(slope[1], gradient[1].clamp(min=0)), "only more is of use"


@pytest.mark.parametrize("name", FROM_ZERO_TO_SIX)
def test_from_above_only_less_is_of_use(name: str) -> None:
    before, gradient = drawn(2, 4, 5, 5), drawn(2, 4, 5, 5, seed=1)
    before[1] = 7 + before[1].abs()
    _, slope = passed(FROM_ZERO_TO_SIX[name], before, gradient, redirected=True)
    assert torch.equal(slope[1], gradient[1].clamp(max=0))


def test_where_the_gradient_falls_decides() -> None:
    """An image whose ReLU is open elsewhere, where no gradient arrives, is starved all the same."""
    before = -drawn(1, 2, 3, 3).abs()
    before[0, 0] = 1.0
    gradient = torch.zeros_like(before)
    gradient[0, 1] = 1.0
    _, slope = passed(F.relu, before, gradient, redirected=True)
    assert torch.equal(slope, gradient)


def test_a_place_in_the_batch_is_no_matter() -> None:
    before, gradient = drawn(6, 4, 5, 5), drawn(6, 4, 5, 5, seed=1)
    before[2:4] = -before[2:4].abs()
    _, together = passed(F.relu, before, gradient, redirected=True)
    _, turned = passed(F.relu, before.flip(0), gradient.flip(0), redirected=True)
    assert torch.equal(turned.flip(0), together)
    for image in range(6):
        one = slice(image, image + 1)
        _, alone = passed(F.relu, before[one], gradient[one], redirected=True)
        assert torch.equal(alone, together[one])


def test_what_needs_no_gradient_is_left_alone() -> None:
    before = drawn(2, 3)
    with Redirected():
        assert torch.equal(F.relu(before), before.clamp(min=0))
        assert not F.relu(before).requires_grad
        with torch.no_grad():
            F.relu(before.clone().requires_grad_() * 1, inplace=True)


def test_other_operations_are_left_alone() -> None:
    leaf = drawn(2, 3, 4, 4).requires_grad_()
    for function in (F.gelu, F.silu, torch.sigmoid, lambda x: F.leaky_relu(x, 0.0)):
        (expected,) = torch.autograd.grad(function(leaf).sum(), leaf)
        with Redirected():
            value = function(leaf)
        (found,) = torch.autograd.grad(value.sum(), leaf)
        assert torch.equal(found, expected)


def test_nothing_is_left_behind() -> None:
    before, gradient = -drawn(1, 3).abs(), torch.ones(1, 3)
    passed(F.relu, before, gradient, redirected=True)
    _, slope = passed(F.relu, before, gradient, redirected=False)
    assert (slope == 0).all()


# Inside a network that is watched


class Mixed(nn.Module):
    """All ways to a ReLU in one pass."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.inner = nn.ReLU(inplace=True)
        generator = torch.Generator().manual_seed(0)
        for parameter in self.parameters():
            parameter.data.normal_(0, 0.3, generator=generator)
            parameter.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.inner(self.first(images))
        hidden = F.relu6(hidden + self.second(hidden), inplace=True)
        hidden = torch.relu(self.second(hidden) - 1)
        return self.second(hidden).clamp(min=0)


def test_addresses_are_the_same() -> None:
    def calls(redirected: bool) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []

        def see(name: str, ordinal: int, *rest: object) -> None:
            found.append((name, ordinal))

        images = drawn(1, 3, 9, 9).requires_grad_()
        if redirected:
            with Redirected(), Watch(see):
                Mixed()(images)
        else:
            with Watch(see):
                Mixed()(images)
        return found

    assert calls(redirected=True) == calls(redirected=False)


@pytest.mark.parametrize(
    "address",
    [Address("relu", 0), Address("relu6", 0), Address("relu", 1), Address("conv2d", 2)],
)
def test_a_cut_sees_the_same_values(address: Address) -> None:
    images = drawn(2, 3, 9, 9).requires_grad_()
    network = cut(Mixed(), address)
    with Redirected():
        found = network(images)
    assert torch.equal(found, network(images))
    (slope,) = torch.autograd.grad(found.sum(), images)
    assert slope.isfinite().all()
    assert (slope.flatten(1).abs().amax(1) > 0).all()


def shut(bias: float) -> nn.Sequential:
    """A network whose first ReLU lets nothing of a grey image through."""
    network = nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.ReLU(), nn.Conv2d(8, 6, 3))
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data.normal_(0, 0.2, generator=generator)
    network[0].bias.data.fill_(bias)
    return network.requires_grad_(False).eval()


def test_a_dead_network_wakes() -> None:
    network = shut(-3.0)

    def seen(images: Tensor) -> Tensor:
        values: Tensor = network((images - 0.5) / 0.25)
        return values

    objective = Channel(torch.arange(4), contrast=0)

    def made(redirect: int) -> tuple[list[bool], Tensor]:
        settings = Settings(steps=32, redirect=redirect)
        ascent = ascend(seen, objective, size=32, seeds=range(4), settings=settings)
        return ascent.dead.tolist(), ascent.value - ascent.curve[:, 0]

    dead, gained = made(redirect=0)
    assert dead == [True] * 4
    assert (gained == 0).all()
    dead, gained = made(redirect=16)
    assert dead == [False] * 4
    assert (gained > 0.1).all()


def test_live_pictures_are_the_same_bytes_beside_dead_ones() -> None:
    """Two units of a network, one of which sits behind a shut ReLU at first."""
    network = shut(-3.0)
    network[0].bias.data[:4] = 0.5
    network[2].weight.data[0, 4:] = 0
    network[2].weight.data[1, :4] = 0

    def seen(images: Tensor) -> Tensor:
        values: Tensor = network((images - 0.5) / 0.25)
        return values

    def made(channels: list[int], redirect: int) -> Tensor:
        objective = Channel(torch.tensor(channels), contrast=0)
        settings = Settings(steps=16, redirect=redirect)
        seeds = [channel + 7 for channel in channels]
        return ascend(seen, objective, size=32, seeds=seeds, settings=settings).images

    live = made([0, 0], redirect=0)[0]
    assert torch.equal(made([0, 1], redirect=16)[0], live)
    woken, still = made([1, 0], redirect=16)[0], made([1, 0], redirect=0)[0]
    assert not torch.equal(woken, still)
