"""On a GPU: the share of its matrix peak that an ascent reaches, and the time for whole networks.

Peak is what a large bfloat16 matrix product reaches on this very card, in this run: floating-point
operations of the network's forward and backward pass, counted as they are dispatched, over that.
Counted is the network alone; transformations, Fourier transforms and snapshots cost time, but do no
work that counts.

Whole networks are extrapolated: a sample of the convolutions, evenly spread over the depth and with
both ends, is rendered for some steps; what a picture's step costs in between is interpolated by the
operations that it takes. Weights are random, which is no matter for speed. A batch that a layer's
channels do not fill costs as much as a full one, as it does in a build. Left out are encoding,
which happens in threads beside the ascents, and second attempts, of which random weights say
nothing.

LAMELLA_BENCH_BATCH (256) is the number of pictures at once.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lamella.analyses.feature_visualization.recipe import Recipe
from lamella.config.config import load as load_config
from lamella.loading.load import load
from lamella.network.model import Model
from lamella.network.units import Layer
from lamella.optvis import Channel, Settings, ascend

BATCH = int(os.environ.get("LAMELLA_BENCH_BATCH", "256"))
SIZE, STEPS = 224, 512
TIMED, WARM = 32, 4  # steps
SAMPLE = 10  # layers
SIDE = 8192  # of the matrices
# Channels of all convolutions, minutes to aim at. GoogLeNet has 7,536 with its two auxiliary
# heads, which run in training alone: their 256 cannot be visualized, and the aim is for all.
NETWORKS = {"resnet50": (26_560, 30.0), "googlenet": (7_280, 8 * 7_280 / 7_536)}


@dataclass(frozen=True, slots=True)
class Cost:
    """One layer's step of a whole batch.

    Attributes:
        work: operations of the forward and backward pass up to the layer.
        step: seconds of a step.
        bare: seconds of the forward and backward pass alone.
    """

    layer: Layer
    work: int
    step: float
    bare: float


def random_network(name: str, folder: Path, device: torch.device) -> Model:
    """A torchvision network with random weights, by the way that users' own networks go."""
    extra = ", init_weights=True, aux_logits=False" if name == "googlenet" else ""
    (folder / "random_network.py").write_text(
        "import torch\nfrom torchvision import models\n\n\ndef build():\n    torch.manual_seed(0)\n"
        f"    return models.{name}(weights=None{extra}).eval()\n"
    )
    (folder / "atlas.toml").write_text(
        f'title = "Speed"\n[model]\nname = "{name}"\nsource = "random_network.py:build"\n'
        '[images]\nfolder = "."\n'
    )
    return load(load_config(folder / "atlas.toml"), device)


def finished(device: torch.device) -> float:
    """The time when everything asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def timed(device: torch.device, run: Callable[[], object]) -> float:
    began = finished(device)
    run()
    return finished(device) - began


def matrix_peak(device: torch.device, side: int = SIDE) -> float:
    """Operations a second of a large bfloat16 matrix product; the best of some rounds."""
    left, right = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    seconds = min(timed(device, lambda: left @ right) for _ in range(12))
    return 2 * side**3 / seconds


def cost(model: Model, layer: Layer, batch: int, size: int, steps: int) -> Cost:
    """Render a batch of a layer's channels for some steps."""
    recipe = Recipe.of(model, layer, {}, steps=steps, size=size)
    target = recipe.target(model)
    images = torch.rand(batch, 3, size, size, device=model.device, requires_grad=True)
    channels = torch.arange(batch) % layer.channels

    def bare() -> Tensor:
        return torch.autograd.grad(target(images).float().mean((2, 3)).sum(), images)[0]

    def rendered(number: int) -> None:
        settings = Settings(steps=number)
        ascend(
            target,
            Channel(channels),
            size=size,
            seeds=range(batch),
            settings=settings,
            device=model.device,
        )

    with FlopCounterMode(display=False) as counter:
        bare()
    rendered(WARM)
    step = timed(model.device, lambda: rendered(steps)) / steps
    floor = timed(model.device, lambda: [bare() for _ in range(steps)]) / steps
    return Cost(layer, counter.get_total_flops(), step, floor)


def works(model: Model, layers: list[Layer], size: int) -> list[int]:
    """Operations of one picture's forward and backward pass up to each layer."""
    found = []
    for layer in layers:
        target = Recipe.of(model, layer, {}, steps=1, size=size).target(model)
        image = torch.rand(1, 3, size, size, device=model.device, requires_grad=True)
        with FlopCounterMode(display=False) as counter:
            torch.autograd.grad(target(image).float().sum(), image)
        found.append(counter.get_total_flops())
    return found


def measure(
    name: str, model: Model, *, batch: int, size: int, timed_steps: int, sample: int, side: int
) -> None:
    """Print what one network's pictures cost."""
    expected, aim = NETWORKS[name]
    layers = [
        at.layer
        for at in model.traced.values()
        if isinstance(model.module.get_submodule(at.layer.name), nn.Conv2d)
    ]
    channels = np.array([layer.channels for layer in layers])
    assert channels.sum() == expected
    peak = matrix_peak(model.device, side)
    picked = np.unique(np.linspace(0, len(layers) - 1, sample).round().astype(int))
    costs = [cost(model, layers[at], batch, size, timed_steps) for at in picked]
    known = sorted((each.work / batch, each.step) for each in costs)
    step = np.interp(works(model, layers, size), *zip(*known, strict=True))
    batches = np.ceil(channels / batch)
    minutes = float((step * batches).sum()) * STEPS / 60
    filled = channels.sum() / (batches.sum() * batch)
    print(f"\n{name}: bfloat16 matrix product of {side}: {peak / 1e12:.0f} TFLOP/s")
    for each in costs:
        print(
            f"  {each.layer.name}: {each.step / batch * 1e3:.4f} ms per picture and step, ratio "
            f"{each.step / each.bare:.2f} over bare; {each.work / each.step / peak:.1%} of the "
            f"peak, bare {each.work / each.bare / peak:.1%}"
        )
    total = sum(each.work for each in costs) / sum(each.step for each in costs)
    print(
        f"  all layers of the sample: {total / peak:.1%} of the peak; {expected:,} channels, "
        f"{STEPS} steps, {size} px, batches of {batch}, {filled:.0%} filled: {minutes:.1f} minutes "
        f"extrapolated from {len(costs)} of {len(layers)} layers (aim {aim:.1f})"
    )


@pytest.mark.gpu
@pytest.mark.parametrize("name", NETWORKS)
def test_on_a_gpu(name: str, tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        print("\nno GPU: not measured")
        pytest.skip("no GPU: not measured")
    model = random_network(name, tmp_path, torch.device("cuda"))
    print(f"\n{torch.cuda.get_device_name()}, torch {torch.__version__}")
    measure(name, model, batch=BATCH, size=SIZE, timed_steps=TIMED, sample=SAMPLE, side=SIDE)
