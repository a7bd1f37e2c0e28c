"""Rendering's cost over a bare forward and backward of the truncated network, in one run.

Prints two ratios for several sizes and depths; the aim is at most 1.15. Both floors are bare passes
over the same images: in one process with all threads, as anyone would write it, and with one thread
in each of as many workers as there are cores, which is how Lamella works and the harder floor.
Everything that makes a picture counts: start, transformations, normalization, steps, clean
snapshots. Weights are random, which is no matter for speed.
"""

import statistics
import threading
import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from lamella.engines.allocator import keep_freed_memory
from lamella.loading.torchvision_models import mend_torchvision
from lamella.optvis import Channel, Settings, ascend

BATCH, STEPS, ROUNDS = 16, 64, 3
MEAN, DEVIATION = 0.45, 0.225
CORES = torch.get_num_threads()


def cut(depth: int) -> nn.Sequential:
    """SqueezeNet 1.1 up to the expanding convolution of a fire module, before its activation."""
    mend_torchvision()
    keep_freed_memory()
    from torchvision.models import squeezenet1_1

    with torch.random.fork_rng():
        torch.manual_seed(0)
        features = squeezenet1_1(weights=None).features
    fire = features[depth]
    network = nn.Sequential(
        *features[:depth], fire.squeeze, fire.squeeze_activation, fire.expand3x3
    )
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return network.requires_grad_(False).eval().to(memory_format=torch.channels_last)


def seconds(run: Callable[[], object], *, workers: int, threads: int) -> float:
    """Wall time of one run, with as many at once as there are workers."""
    torch.set_num_threads(threads)
    going = [threading.Thread(target=run) for _ in range(workers)]
    began = time.perf_counter()
    for each in going:
        each.start()
    for each in going:
        each.join()
    took = time.perf_counter() - began
    torch.set_num_threads(CORES)
    return took / workers


@pytest.mark.parametrize("size", [64, 96, 128])
@pytest.mark.parametrize("depth", [7, 10, 12])
def test_rendering_over_a_bare_forward_and_backward(depth: int, size: int) -> None:
    network = cut(depth)
    channels = network[-1].out_channels
    spread = torch.rand(channels, generator=torch.Generator().manual_seed(1)) + 0.5

    def normalised(pictures: Tensor) -> Tensor:
        values: Tensor = network((pictures - MEAN) / DEVIATION)
        return values

    def bare() -> None:
        generator = torch.Generator().manual_seed(0)
        images = torch.rand((BATCH, 3, size, size), generator=generator).requires_grad_()
        for _ in range(STEPS):
            torch.autograd.grad(network(images).mean((2, 3)).sum(), images)

    def rendered() -> None:
        objective = Channel(torch.arange(BATCH), spread=spread)
        settings = Settings(steps=STEPS)
        ascend(normalised, objective, size=size, seeds=range(BATCH), settings=settings)

    ways = (
        lambda: seconds(bare, workers=1, threads=CORES),
        lambda: seconds(bare, workers=CORES, threads=1),
        lambda: seconds(rendered, workers=CORES, threads=1),
    )
    for way in ways:
        way()
    plain, floor, cost = zip(*([way() for way in ways] for _ in range(ROUNDS)), strict=True)
    per_step = 1e3 / STEPS / BATCH
    against_plain = statistics.median(c / p for c, p in zip(cost, plain, strict=True))
    against_floor = statistics.median(c / f for c, f in zip(cost, floor, strict=True))
    print(
        f"\nrendering: features.{depth}.expand3x3 at {size} px: "
        f"{statistics.median(cost) * per_step:.2f} ms per image and step; over bare passes in one "
        f"process of {CORES} threads {against_plain:.2f}, in {CORES} workers of one thread "
        f"{against_floor:.2f} (aim 1.15)"
    )
