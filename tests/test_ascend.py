"""The loop: it climbs, keeps its promises about bytes, and says what went wrong."""

import math
from collections.abc import Callable, Iterator, Sequence

import pytest
import torch
from torch import Tensor, nn

from lamella.optvis import Ascent, Channel, Neuron, Objective, Settings, ascend

CHANNELS = 12
QUICK = Settings(steps=12)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make a busy machine slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def cut_network(seed: int = 0) -> nn.Sequential:
    """A frozen convolutional network up to the values before its last activation."""
    network = nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, CHANNELS, 3, padding=1),
    )
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.data.normal_(0, 0.2, generator=generator)
    return network.requires_grad_(False).eval()


def normalised(network: nn.Module) -> Callable[[Tensor], Tensor]:
    return lambda images: network((images - 0.45) / 0.25)


def pictures(
    channels: Sequence[int], seeds: Sequence[int], settings: Settings = QUICK, size: int = 32
) -> Ascent:
    objective = Channel(torch.tensor(channels))
    return ascend(normalised(cut_network()), objective, size=size, seeds=seeds, settings=settings)


@pytest.mark.parametrize(
    "objective",
    [
        Channel(torch.arange(6)),
        Channel(torch.arange(6), leak=1, border=0, contrast=0),
        Neuron(torch.arange(6)),
        0.2 * Channel(torch.arange(6)) + 0.8 * Neuron(torch.arange(6, 12)),
    ],
    ids=lambda objective: objective.description,
)
def test_a_few_steps_raise_the_objective(objective: Objective) -> None:
    network = normalised(cut_network())
    made = ascend(network, objective, size=32, seeds=range(6), settings=QUICK)
    assert made.curve.shape == (6, 12)
    assert (made.curve[:, -1] > made.curve[:, 0]).all()
    assert (objective(network(made.images)) > made.curve[:, 0]).all()
    assert made.images.shape == (6, 3, 32, 32)
    assert made.images.dtype == torch.float32
    assert made.images.min() >= 0
    assert made.images.max() <= 1
    assert not made.dead.any()


def test_what_is_said_of_a_picture_is_so() -> None:
    made = pictures([0, 5, 9], [1, 2, 3])
    clean = normalised(cut_network())(made.images)[torch.arange(3), [0, 5, 9]]
    assert torch.equal(made.peak, clean.amax((1, 2)))
    torch.testing.assert_close(made.mean, clean.mean((1, 2)))


@pytest.mark.parametrize("threads", [1, 2])
def test_bytes_do_not_depend_on_neighbours_or_place(threads: int) -> None:
    torch.set_num_threads(threads)
    channels = list(range(8))
    seeds = [channel + 100 for channel in channels]
    together = pictures(channels, seeds)
    turned = pictures(channels[::-1], seeds[::-1])
    among_others = pictures([11] * 6 + [3, 11], [9] * 6 + [103, 9])
    for name in ("images", "curve", "peak", "mean", "step", "dead"):
        expected = getattr(together, name)
        assert torch.equal(getattr(turned, name).flip(0), expected), name
        assert torch.equal(getattr(among_others, name)[6], expected[3]), name


def test_bytes_are_by_seed() -> None:
    once, again = pictures([2, 2, 4], [1, 2, 1]), pictures([2, 2, 4], [1, 2, 1])
    assert torch.equal(once.images, again.images)
    assert not torch.equal(once.images[0], once.images[1])
    assert not torch.equal(once.images[0], once.images[2])


def test_global_randomness_is_left_alone() -> None:
    network, objective = cut_network(), Channel(torch.tensor([0]))
    before = torch.random.get_rng_state()
    ascend(network, objective, size=32, seeds=[0], settings=QUICK)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_parameters_get_no_gradient() -> None:
    network = cut_network().requires_grad_(True)  # even where the caller forgot to freeze them
    before = [parameter.clone() for parameter in network.parameters()]
    ascend(normalised(network), Channel(torch.tensor([0])), size=32, seeds=[0], settings=QUICK)
    for parameter, was in zip(network.parameters(), before, strict=True):
        assert parameter.grad is None
        assert torch.equal(parameter, was)


def test_the_best_snapshot_is_kept() -> None:
    network = normalised(cut_network())
    objective = Channel(torch.arange(CHANNELS))
    # Steps so large that the last state is often not the best.
    wild = Settings(steps=16, learning_rate=3.0, snapshots=8)

    def kept(settings: Settings) -> tuple[Tensor, Tensor]:
        made = ascend(network, objective, size=32, seeds=range(CHANNELS), settings=settings)
        return objective(network(made.images)), made.step

    best, taken = kept(wild)
    last, at_end = kept(Settings(steps=16, learning_rate=3.0, snapshots=1))
    assert (best >= last).all()
    assert (at_end == 16).all()
    assert (taken > 8).all()
    assert torch.equal(best > last, taken < 16)
    assert (taken < 16).any()


def test_dead_units_are_recognised() -> None:
    network = cut_network()

    def half_dead(images: Tensor) -> Tensor:
        alive: Tensor = network(images)
        return torch.cat([alive, alive.clamp(max=-1e9) * 0 - 1], dim=1)

    objective = Channel(torch.tensor([0, CHANNELS, 3, CHANNELS + 1]))
    made = ascend(half_dead, objective, size=32, seeds=range(4), settings=QUICK)
    assert made.dead.tolist() == [False, True, False, True]
    grey = made.images.flatten(1).std(1)
    assert (grey[[1, 3]] < 0.02).all()
    assert (grey[[0, 2]] > 0.05).all()


def test_a_faint_gradient_is_not_dead() -> None:
    network = cut_network()
    objective = Channel(torch.arange(4))
    strong = ascend(network, objective, size=32, seeds=range(4), settings=QUICK)
    faint = ascend(
        lambda images: network(images) * 1e-25, objective, size=32, seeds=range(4), settings=QUICK
    )
    assert not faint.dead.any()
    assert (faint.images - strong.images).abs().mean() < 0.01


def test_too_small_a_size_is_named() -> None:
    with pytest.raises(ValueError, match="Images of 4 x 4 px are too small for the network"):
        pictures([0], [0], size=4)
    deep = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Conv2d(4, 4, 7))
    with pytest.raises(ValueError, match="larger size"):
        ascend(deep, Channel(torch.tensor([0])), size=8, seeds=[0], settings=QUICK)
    with pytest.raises(ValueError, match="no position"):
        ascend(lambda images: images[..., :0], Channel(torch.tensor([0])), size=16, seeds=[0])


def test_other_errors_of_the_network_are_left_alone() -> None:
    def broken(images: Tensor) -> Tensor:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        ascend(broken, Channel(torch.tensor([0])), size=16, seeds=[0])


def test_values_of_a_wrong_shape_are_named() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 3\): they must be \(image, channel, row"):
        ascend(lambda images: images.mean((2, 3)), Channel(torch.tensor([0])), size=16, seeds=[0])


def test_a_channel_out_of_range_is_named() -> None:
    with pytest.raises(ValueError, match="No channel 12: the target has 12"):
        pictures([0, 12], [0, 1])
    with pytest.raises(ValueError, match="2 channels for 3 images"):
        pictures([0, 1], [0, 1, 2])


@pytest.mark.parametrize("what", ["activations", "gradients"])
def test_numbers_that_are_none_are_named(what: str) -> None:
    network = cut_network()

    def broken(images: Tensor) -> Tensor:
        values: Tensor = network(images)
        if what == "activations":
            return values * torch.tensor([1.0, math.nan, 1.0])[:, None, None, None]
        # The root of zero has a value, and no slope.
        return values + (images[:, :1, :1, :1] * torch.tensor([[[[0.0]]]])).sqrt()

    with pytest.raises(ValueError, match=f"The {what} of image . are not finite from step 1 of 12"):
        ascend(broken, Channel(torch.arange(3)), size=32, seeds=range(3), settings=QUICK)
