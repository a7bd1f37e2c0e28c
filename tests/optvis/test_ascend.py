"""The loop: it climbs, keeps its promises about bytes, and says what went wrong."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lamella.optvis import (
    Ascent,
    Caricature,
    Channel,
    Crops,
    DeepDream,
    Direction,
    Diversity,
    Fourier,
    Logit,
    Maco,
    Neuron,
    NotFinite,
    Objective,
    Parameterization,
    Pixels,
    Probability,
    Settings,
    TotalVariation,
    Transformation,
    ascend,
    magnitudes,
)

CHANNELS = 12
QUICK = Settings(steps=12)
STILL = Transformation(jitter=0, smallest=1, largest=1, rotation=0)


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
        Channel(torch.arange(6), sign=-1),
        DeepDream(),
        Logit(torch.arange(6)),
        Probability(torch.arange(6)),
        Direction(torch.eye(CHANNELS)[:6] - torch.eye(CHANNELS)[6:], power=1),
        Direction(torch.eye(CHANNELS)[:6], row=2, column=3),
        Caricature(torch.eye(CHANNELS)[:6, :, None, None].expand(-1, -1, 7, 7)),
        Channel(torch.arange(3).repeat_interleave(2)) + 2 * Diversity(2),
        Channel(torch.arange(6)) - 0.5 * TotalVariation(),
        torch.linspace(0, 1, 6) * Logit(torch.full((6,), 2)) + Logit(torch.full((6,), 7)),
    ],
    ids=lambda objective: objective.description,
)
def test_a_few_steps_raise_the_objective(objective: Objective) -> None:
    network = normalised(cut_network())
    made = ascend(network, objective, size=32, seeds=range(6), settings=QUICK)
    assert made.curve.shape == (6, 12)
    assert (made.curve[:, -1] > made.curve[:, 0]).all()
    assert (made.value > made.curve[:, 0]).all()
    assert made.images.shape == (6, 3, 32, 32)
    assert made.images.dtype == torch.float32
    assert made.images.min() >= 0
    assert made.images.max() <= 1
    assert not made.dead.any()


def test_what_is_said_of_a_picture_is_so() -> None:
    objective = Channel(torch.tensor([0, 5, 9]))
    network = normalised(cut_network())
    made = pictures([0, 5, 9], [1, 2, 3])
    assert torch.equal(made.value, objective(network(made.images)))
    assert made.step.dtype == torch.int64
    assert made.dead.dtype == torch.bool
    assert made.opacity is None


def test_the_curve_begins_at_the_start() -> None:
    settings = replace(QUICK, transformation=STILL)
    made = pictures([0, 5], [1, 2], settings)
    start = Fourier(32, decay=settings.decay)
    images = start(start.start([torch.Generator().manual_seed(seed) for seed in (1, 2)]))
    objective = Channel(torch.tensor([0, 5]))
    torch.testing.assert_close(made.curve[:, 0], objective(normalised(cut_network())(images)))


def own_parameterization(name: str) -> tuple[Parameterization | None, Settings]:
    """What is optimised, and settings that suit it."""
    if name == "fourier":
        return None, replace(QUICK, opacity=True)
    if name == "pixels":
        return Pixels(32), replace(QUICK, rule="normalised", learning_rate=0.02, opacity=True)
    noise = torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    settings = replace(
        QUICK, rule="nadam", learning_rate=1.0, transformation=Crops(), views=2, opacity=True
    )
    return Maco(magnitudes([noise], 32)), settings


@pytest.mark.parametrize("name", ["fourier", "pixels", "maco"])
@pytest.mark.parametrize("threads", [1, 2])
def test_bytes_do_not_depend_on_neighbours_place_or_turn(threads: int, name: str) -> None:
    torch.set_num_threads(threads)
    parameterization, settings = own_parameterization(name)

    def made(channels: Sequence[int], seeds: Sequence[int]) -> Ascent:
        return ascend(
            normalised(cut_network()),
            Channel(torch.tensor(channels)),
            size=32,
            seeds=seeds,
            settings=settings,
            parameterization=parameterization,
        )

    channels = list(range(8))
    seeds = [channel + 100 for channel in channels]
    together = made(channels, seeds)
    again = made(channels, seeds)
    turned = made(channels[::-1], seeds[::-1])
    among_others = made([11] * 6 + [3, 11], [9] * 6 + [103, 9])
    for field in ("images", "curve", "value", "step", "dead", "opacity"):
        expected = getattr(together, field)
        assert torch.equal(getattr(again, field), expected), field
        assert torch.equal(getattr(turned, field).flip(0), expected), field
        assert torch.equal(getattr(among_others, field)[6], expected[3]), field


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

    with pytest.raises(
        NotFinite, match=f"The {what} of image . are not finite from step 1 of 12"
    ) as caught:
        ascend(broken, Channel(torch.arange(3)), size=32, seeds=range(3), settings=QUICK)
    assert caught.value.images == ((1,) if what == "activations" else (0, 1, 2))


def test_exactly_the_broken_images_are_named() -> None:
    """Some at once, some on the way, and their neighbours not."""
    network = normalised(cut_network())
    calls = 0

    def broken(images: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        factors = torch.ones(6)
        factors[4] = math.nan
        if calls > 5:
            factors[1] = math.inf
        return network(images) * factors[:, None, None, None]

    with pytest.raises(NotFinite, match="image 4 are not finite from step 1 of 12") as caught:
        ascend(broken, Channel(torch.arange(6)), size=32, seeds=range(6), settings=QUICK)
    assert caught.value.images == (1, 4)


def test_a_broken_channel_breaks_its_own_picture_alone() -> None:
    network = cut_network()
    network[3].bias.data[2] = math.nan
    objective = Channel(torch.arange(4))
    with pytest.raises(NotFinite) as caught:
        ascend(normalised(network), objective, size=32, seeds=range(4), settings=QUICK)
    assert caught.value.images == (2,)


# Starts


def start_of(start: Tensor | str, parameterization: Parameterization | None = None) -> Tensor:
    """The picture that an ascent starts from: one whose objective has no slope."""
    made = ascend(
        lambda images: images * 0,
        Channel(torch.tensor([0, 1])),
        size=32,
        seeds=[1, 2],
        settings=replace(QUICK, transformation=STILL),
        parameterization=parameterization,
        start=start,
    )
    assert made.dead.all()
    return made.images


@pytest.mark.parametrize("name", ["fourier", "pixels"])
def test_an_ascent_starts_from_noise_grey_or_a_picture(name: str) -> None:
    parameterization, _ = own_parameterization(name)
    grey = torch.full((2, 3, 32, 32), 0.5)
    assert torch.equal(start_of("zeros", parameterization), grey)
    noise = start_of("noise", parameterization)
    assert not torch.equal(noise[0], noise[1])
    assert (noise - grey).std() < 0.1
    images = torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    images = images.clamp(0.01, 0.99)
    torch.testing.assert_close(start_of(images, parameterization), images, atol=1e-4, rtol=0)


def test_a_start_from_a_picture_climbs() -> None:
    images = torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    network, objective = normalised(cut_network()), Channel(torch.tensor([0, 5]))
    made = ascend(network, objective, size=32, seeds=[0, 1], settings=QUICK, start=images)
    assert (made.value > objective(network(images))).all()


def test_a_start_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"images of \(1, 3, 32, 32\), where \(2, 3, 32, 32\)"):
        start_of(torch.rand(1, 3, 32, 32))
    with pytest.raises(ValueError, match=r"images of \(2, 3, 16, 16\), where \(2, 3, 32, 32\)"):
        start_of(torch.rand(2, 3, 16, 16))
    with pytest.raises(ValueError, match="start='nois': give"):
        start_of("nois")


# Opacity


def test_opacity_is_where_gradients_fell() -> None:
    """The network sees the upper left quarter alone."""
    network = normalised(cut_network())
    made = ascend(
        lambda images: network(images[:, :, :16, :16]),
        Channel(torch.arange(3)),
        size=32,
        seeds=range(3),
        settings=replace(QUICK, transformation=STILL, opacity=True),
    )
    opacity = made.opacity
    assert opacity is not None
    assert opacity.shape == (3, 32, 32)
    assert opacity.min() == 0
    assert (opacity.flatten(1).amax(1) == 1).all()
    assert (opacity[:, 16:] == 0).all()
    assert (opacity[:, :, 16:] == 0).all()
    assert (opacity[:, 2:12, 2:12] > 0).float().mean() > 0.9


@pytest.mark.parametrize("views", [1, 2])
def test_opacity_is_the_sum_of_absolute_gradients(views: int) -> None:
    layers = cut_network()
    objective = Channel(torch.tensor([0, 5]))
    made = ascend(
        normalised(layers),
        objective,
        size=32,
        seeds=[0, 1],
        settings=Settings(
            steps=3,
            rule="plain",
            learning_rate=0.1,
            transformation=STILL,
            opacity=True,
            views=views,
        ),
        parameterization=Pixels(32),
        start="zeros",
    )
    images, gathered = torch.full((2, 3, 32, 32), 0.5), torch.zeros(2, 32, 32)
    for _ in range(3):
        images = images.detach().requires_grad_()
        (own,) = torch.autograd.grad(objective(normalised(layers)(images)).sum(), images)
        gathered += own.abs().sum(1)
        images = (images + 0.1 * own).clamp(0, 1)
    assert made.opacity is not None
    for found, expected in zip(made.opacity, gathered.double().numpy(), strict=True):
        opaque = np.minimum(expected / np.quantile(expected, 0.99), 1)
        np.testing.assert_allclose(found.numpy(), opaque, rtol=1e-3, atol=1e-5)


def test_a_dead_units_picture_is_transparent() -> None:
    made = ascend(
        lambda images: images * 0,
        Channel(torch.tensor([0])),
        size=16,
        seeds=[0],
        settings=replace(QUICK, opacity=True),
    )
    assert made.opacity is not None
    assert (made.opacity == 0).all()


# Views, layers, and stopping


def test_the_curve_is_the_mean_of_all_views() -> None:
    """One step of four views sees what four steps of one do, where the picture holds still."""
    chosen = Settings(steps=1, views=4, rule="plain", learning_rate=0.0)
    made = pictures([0, 5], [1, 2], chosen)
    single = pictures([0, 5], [1, 2], replace(chosen, steps=4, views=1))
    assert single.curve[0].std() > 0
    torch.testing.assert_close(made.curve[:, 0], single.curve.mean(1))


def test_several_layers_are_seen_by_name() -> None:
    network = cut_network()

    def both(images: Tensor) -> Mapping[str, Tensor]:
        first = network[0]((images - 0.45) / 0.25)
        return {"first": first, "last": network[1:](first)}

    one, other = Channel(torch.tensor([0, 5]), layer="last"), DeepDream("first")
    made = ascend(both, one + 0.1 * other, size=32, seeds=[0, 1], settings=QUICK)
    seen = both(made.images)
    expected = one.of(seen["last"]) + 0.1 * other.of(seen["first"])
    torch.testing.assert_close(made.value, expected)
    with pytest.raises(ValueError, match="names the layer 'middle'; the network was cut at 'first"):
        ascend(both, DeepDream("middle"), size=32, seeds=[0, 1], settings=QUICK)
    with pytest.raises(ValueError, match="names no layer"):
        ascend(both, DeepDream(), size=32, seeds=[0, 1], settings=QUICK)


def test_before_step_is_told_each_step_and_may_end_it() -> None:
    steps: list[int] = []
    network, objective = normalised(cut_network()), Channel(torch.tensor([0]))
    ascend(network, objective, size=32, seeds=[0], settings=QUICK, before_step=steps.append)
    assert steps == list(range(12))

    class Enough(Exception):
        pass

    def stop(step: int) -> None:
        steps.append(step)
        if step == 3:
            raise Enough

    steps.clear()
    with pytest.raises(Enough):
        ascend(network, objective, size=32, seeds=[0], settings=QUICK, before_step=stop)
    assert steps == [0, 1, 2, 3]
