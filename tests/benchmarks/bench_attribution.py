"""Attribution's cost: over the bare passes that it needs, over captum image by image, and memory.

On the trained SqueezeNet and photographs. Bare passes are those of the network alone, in batches of
the same size: forwards without a graph where a method needs no gradient; else one forward pass with
a graph for all classes of an image, and one backward pass for each, down to what the method asks
of (the pixels, or the last maps). The aim is at most 1.3 times those. captum is called as its
documentation shows, for one image and one class at a time, one mask at a time; only on the first
image, and the ratio is per image.

Memory is the peak of a process of its own: by how much it rises when four times as many images are
asked about, beside the maps that are the answer. With batches it should hardly rise.

LAMELLA_BENCH_IMAGES (8) is the number of photographs; methods that need many passes for each, as
the lines say, get a quarter. LAMELLA_BENCH_CLASSES (3) is that of classes an image,
LAMELLA_BENCH_DEVICE (cpu) where torch computes.
"""

import multiprocessing
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import pytest
import torch
from captum.attr import GuidedBackprop, IntegratedGradients, LayerGradCam, Occlusion, Saliency
from torch import Tensor, nn

from lamella.attribution.compute import Options, attribute, defined
from lamella.attribution.gradients import batch_of
from lamella.attribution.integrated import plain
from lamella.attribution.methods import BY_NAME
from lamella.attribution.occlusion import BATCH, grid
from lamella.config.config import load as load_config
from lamella.images.finding import find
from lamella.loading.load import device_of, load
from lamella.network.model import Model
from lamella.store.store import Store

IMAGES = int(os.environ.get("LAMELLA_BENCH_IMAGES", "8"))
CLASSES = int(os.environ.get("LAMELLA_BENCH_CLASSES", "3"))
DEVICE = os.environ.get("LAMELLA_BENCH_DEVICE", "cpu")
ROUNDS, AIM = 3, 1.3
MANY = ("integrated", "occlusion")  # methods that need many passes for each image
OPTIONS = Options()
METHODS = ("saliency", "guided", "integrated", "occlusion", "cam", "gradcam", "gradcam_inside")
LAST = "features"  # SqueezeNet's last convolutional activations


@cache
def loaded() -> tuple[Model, Tensor, Tensor]:
    """The network, photographs, and their first classes."""
    config = load_config(Path(__file__).parents[2] / "site" / "atlas.toml")
    model = load(config, device_of(DEVICE))
    with tempfile.TemporaryDirectory() as folder:
        images = find(config, model.preprocessing, Store(Path(folder)))
        batch = next(iter(images.batches(IMAGES, skipped={})))
    shown = model.shown(batch.pixels)
    with torch.no_grad():
        classes = model.module(model.normalise(shown)).topk(CLASSES).indices
    return model, shown, classes


def forwards(model: Model, shown: Tensor, times: int) -> None:
    """Forward passes of each image, without a graph."""
    size = BATCH[model.device.type]
    with torch.no_grad():
        inputs = model.normalise(shown).repeat(times, 1, 1, 1)
        for run in inputs.split(size):
            model.module(run)


def there_and_back(model: Model, shown: Tensor, times: int) -> None:
    """Forward passes of each image, and from each one backward pass a class to the pixels."""
    size = batch_of(model)
    # Steps of one image share batches; where few fit, images do.
    for run in shown.split(max(1, size // times)):
        for part in run.repeat(times, 1, 1, 1).split(size):
            leaf = part.requires_grad_()
            back(model.module(model.normalise(leaf)), leaf)


def to_the_maps(model: Model, shown: Tensor, times: int) -> None:
    """Forward passes, and from each one backward pass a class to the last maps."""
    for run in shown.split(batch_of(model)):
        with torch.no_grad():
            maps = model.module.features(model.normalise(run))
        leaf = maps.requires_grad_()
        back(model.module.classifier(leaf).flatten(1), leaf)


def back(scores: Tensor, leaf: Tensor) -> None:
    for at in range(CLASSES):
        torch.autograd.grad(scores[:, at].sum(), leaf, retain_graph=at < CLASSES - 1)


def needed(name: str, model: Model) -> tuple[str, Callable[[Model, Tensor, int], None], int]:
    """What a method needs for each image, in words and to run, and how often."""
    back_too = f"1 forward, {CLASSES} backward"
    if name == "occlusion":
        masks = len(grid(model.facts.size, OPTIONS.patch, OPTIONS.stride).boxes)
        return f"{masks + 1} forward", forwards, masks + 1
    if name == "integrated":
        steps = OPTIONS.steps
        return f"{steps} forward, {steps * CLASSES} backward", there_and_back, steps
    if name == "cam":
        return "1 forward", forwards, 1
    if name in ("saliency", "guided"):
        return back_too, there_and_back, 1
    return f"{back_too} to the last maps", to_the_maps, 1


def by_captum(name: str, model: Model, image: Tensor, label: int) -> None:
    """captum on one image, (1, 3, row, column), and one class; it has no CAM."""
    network = nn.Sequential(Normalised(model), model.module)
    window = {"sliding_window_shapes": (3, OPTIONS.patch, OPTIONS.patch)}
    strides = {"strides": (3, OPTIONS.stride, OPTIONS.stride)}
    start = plain(model, image)
    if name == "saliency":
        Saliency(network).attribute(image, target=label)
    elif name == "guided":
        GuidedBackprop(network).attribute(image, target=label)
    elif name == "integrated":
        IntegratedGradients(network).attribute(image, start, label, n_steps=OPTIONS.steps)
    elif name == "occlusion":
        with torch.no_grad():
            Occlusion(network).attribute(
                image, **window, **strides, baselines=start, target=label, perturbations_per_eval=1
            )
    else:
        LayerGradCam(network, getattr(model.module, LAST)).attribute(image, target=label)


class Normalised(nn.Module):
    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = [model]  # in a list, so that it is no submodule

    def forward(self, shown: Tensor) -> Tensor:
        return self.model[0].normalise(shown)


def seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    if DEVICE != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def report(name: str, number: int, passes: str, took: dict[str, list[float]]) -> str:
    """A method's line: times are for each image."""
    each = {key: [one / number * 1e3 for one in took[key]] for key in ("ours", "bare")}
    ratios = [ours / bare for ours, bare in zip(each["ours"], each["bare"], strict=True)]
    line = (
        f"{BY_NAME[name].title}, {number} image(s), each {passes}: "
        f"{statistics.median(each['ours']):.1f} ms, ratio to bare passes "
        f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}; aim {AIM})"
    )
    if not took["captum"]:
        return f"{line}; captum has none"
    theirs = statistics.median(took["captum"]) * 1e3  # of one image
    ours = statistics.median(each["ours"])
    return f"{line}; captum image by image {theirs:.1f} ms, {theirs / ours:.1f} times as long"


@pytest.mark.parametrize("name", METHODS)
def test_time_over_bare_passes_and_over_captum(name: str) -> None:
    warnings.simplefilter("ignore")  # captum's, of the hooks that it sets
    model, shown, classes = loaded()
    assert name in defined(model)[0]
    number = max(1, len(shown) // 4) if name in MANY else len(shown)
    shown, classes = shown[:number], classes[:number]
    passes, bare, times = needed(name, model)

    def captum() -> None:
        for label in classes[0].tolist():
            by_captum(name, model, shown[:1].clone(), label)

    runs: dict[str, Callable[[], object]] = {
        "bare": lambda: bare(model, shown, times),
        "ours": lambda: attribute(name, model, shown, classes, OPTIONS),
    }
    if name != "cam":
        runs["captum"] = captum
    took: dict[str, list[float]] = {"bare": [], "ours": [], "captum": []}
    for at in range(ROUNDS + 1):
        for key, run in runs.items():
            spent = seconds(run)
            if at:  # the first allocates and compiles
                took[key].append(spent)
    print(f"\n{report(name, number, passes, took)}, {torch.get_num_threads()} threads")


def peak() -> float:
    """Most memory that this process ever had, in MiB."""
    if DEVICE != "cpu":
        return torch.cuda.max_memory_allocated() / 2**20
    # Not getrusage: a process inherits that from the one that started it.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**10


def peaks(name: str, few: int, many: int) -> tuple[float, float, float]:
    """In MiB: the peak after some images, by how much it rises with many, and what their maps take.

    To be called in a process of its own.
    """
    model, shown, classes = loaded()
    found = []
    for number in (few, few, many):  # the first compiles
        wanted = torch.arange(number) % len(shown)
        maps = attribute(name, model, shown[wanted], classes[wanted], OPTIONS)
        found.append(peak())
    return found[1], found[2] - found[1], maps.numel() * maps.element_size() / 2**20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux")
@pytest.mark.parametrize("name", METHODS)
def test_memory_is_flat(name: str) -> None:
    model, _, _ = loaded()
    few = 1 if name in MANY else BATCH[model.device.type]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        first, more, maps = apart.submit(peaks, name, few, 4 * few).result()
    print(
        f"\n{BY_NAME[name].title}: peak {first:.0f} MiB with {few} image(s), {more:+.0f} MiB with "
        f"{4 * few}, of which maps {maps:.0f} MiB and images {3 * few * 150528 * 4 / 2**20:.0f} MiB"
    )
