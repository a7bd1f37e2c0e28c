"""Rendering's cost over a bare forward and backward of the truncated network, in one run.

Prints the ratio for several sizes and depths; the aim is at most 1.15. Everything that makes a
picture counts: start, transformations, normalization, steps, clean snapshots. Weights are random,
which is no matter for speed. Wall time counts, but on a machine that is shared the ratio of
processor times is the one to trust.
"""

import statistics
import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from lamella.heap import keep_freed_memory
from lamella.optvis import Channel, Settings, ascend
from lamella.sources import mend_torchvision

BATCH, STEPS, ROUNDS = 16, 64, 3
MEAN, DEVIATION = 0.45, 0.225


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


def seconds(run: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processor


@pytest.mark.parametrize("size", [64, 96, 128])
@pytest.mark.parametrize("depth", [7, 10, 12])
def test_rendering_over_a_bare_forward_and_backward(depth: int, size: int) -> None:
    network = cut(depth)
    generator = torch.Generator().manual_seed(0)
    random = torch.rand((BATCH, 3, size, size), generator=generator)
    images = ((random - MEAN) / DEVIATION).requires_grad_()

    def normalised(pictures: Tensor) -> Tensor:
        values: Tensor = network((pictures - MEAN) / DEVIATION)
        return values

    def bare() -> None:
        for _ in range(STEPS):
            torch.autograd.grad(network(images).mean((2, 3)).sum(), images)

    def rendered() -> None:
        objective = Channel(torch.arange(BATCH))
        settings = Settings(steps=STEPS)
        ascend(normalised, objective, size=size, seeds=range(BATCH), settings=settings)

    bare(), rendered()
    floors, costs = [], []
    for _ in range(ROUNDS):
        floors.append(seconds(bare))
        costs.append(seconds(rendered))
    ratios = [
        [b / a for a, b in zip(*pair, strict=True)] for pair in zip(floors, costs, strict=True)
    ]
    wall, processor = (statistics.median(each) for each in zip(*ratios, strict=True))
    floor, cost = (statistics.median(each)[0] for each in (floors, costs))
    per_step = 1e3 / STEPS / BATCH
    print(
        f"\nrendering: features.{depth}.expand3x3 at {size} px: {cost * per_step:.2f} ms per image "
        f"and step, bare {floor * per_step:.2f} ms, ratio {wall:.2f} in wall time, {processor:.2f} "
        f"in processor time (aim 1.15), {torch.get_num_threads()} threads"
    )
