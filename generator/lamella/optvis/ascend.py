"""The loop: gradient ascent for a batch of units at once, one image each.

Flow: param -> transform -> network -> objective -> **ascend** -> panels. The gradient of each image
is brought to length one (per number of its spectrum) before Adam's step, whose damping is then a
share of that length: frequencies that the unit does not care about stay quiet, where Adam alone
would turn their tiny gradients into full steps and the picture into noise.

Bytes: a unit's picture depends on its seed, its settings, the batch size, the thread count and the
machine, and on nothing else: not on its neighbours, its place in the batch or any global state.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007; Kingma and Ba,
Adam, arXiv:1412.6980.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from lamella.optvis.objective import Objective
from lamella.optvis.param import Fourier
from lamella.optvis.transform import Transformation, view


@dataclass(frozen=True, slots=True)
class Settings:
    """How a picture is made. The defaults were tuned by eye and number for 64 steps.

    Attributes:
        steps: of ascent; 64 is a preview, 512 usual.
        learning_rate: first step of a magnitude of the spectrum; falls to a tenth as a cosine.
        decay, wave, deviation: see `Fourier`.
        momentum: Adam's first beta. Low: 64 steps leave no time for a long memory.
        damping: Adam's epsilon, as a share of the image's gradient. 0 is plain Adam.
        transformation: what the picture must withstand.
        snapshots: how many of the last states compete by the objective on the clean picture.
    """

    steps: int = 64
    learning_rate: float = 0.17
    decay: float = 1.2
    wave: float | None = None
    deviation: float = 0.01
    momentum: float = 0.5
    damping: float = 0.7
    transformation: Transformation = field(default_factory=Transformation)
    snapshots: int = 3

    def for_field(self, receptive_field: int | None) -> "Settings":
        """These settings, for units that see that many pixels.

        No wave is favoured that is longer than two fields, for the unit could not tell; and where
        that leaves few of them, each takes larger steps: what a small field likes best is a
        saturated edge, which no photograph has.
        """
        if receptive_field is None:
            return self
        wave = max(24.0, 2.0 * receptive_field)
        bolder = max(1.0, (96 / wave) ** 0.5)
        return replace(self, wave=wave, learning_rate=self.learning_rate * bolder)


@dataclass(frozen=True, slots=True)
class Ascent:
    """Pictures of a batch of units, and how they came about.

    Attributes:
        images: sRGB in [0, 1], float32, `(image, 3, size, size)`.
        curve: objective under transformation, before each step, `(image, step)`.
        peak, mean: of the target's own map on the clean picture, `(image,)`.
        step: how many steps the kept snapshot had taken, int64, `(image,)`.
        dead: nothing in the image changes the objective, neither at first nor in the end; the
            picture is its random start. bool, `(image,)`.
    """

    images: Tensor
    curve: Tensor
    peak: Tensor
    mean: Tensor
    step: Tensor
    dead: Tensor


def fitted_size(
    receptive_field: int | None, *, native: int, smallest: int = 64, largest: int = 96
) -> int:
    """Side of a picture, in pixels: one and a half receptive fields, rounded up to 16.

    Never under `smallest`, which shows a texture, and never over `largest` or the size `native`
    that the network was made for. A field that is not known counts as a large one.
    """
    wanted = largest if receptive_field is None else 16 * math.ceil(1.5 * receptive_field / 16)
    return min(max(wanted, smallest), largest, native)


def ascend(
    network: Callable[[Tensor], Tensor],
    objective: Objective,
    *,
    size: int,
    seeds: Sequence[int],
    settings: Settings | None = None,
    device: torch.device | str = "cpu",
) -> Ascent:
    """Images that raise an objective, image i with the random numbers of `seeds[i]`.

    Args:
        network: sRGB in [0, 1], float32, `(image, 3, size, size)`, to the values of the target,
            `(image, channel, row, column)`: normalises first, has its parameters frozen, is in
            evaluation mode.
        objective: what is raised.
        size: side of the pictures, in pixels. Multiples of 16 are fast, and keep the promise about
            bytes, which rests on images that fill whole vectors of the processor.
        seeds: one per image.
        device: where the network is.

    Raises:
        ValueError: the size is too small for the network, the objective does not fit the target,
            or values or gradients stopped being finite.
    """
    settings = settings or Settings()
    fourier = Fourier(
        size,
        decay=settings.decay,
        wave=settings.wave,
        deviation=settings.deviation,
        device=device,
    )
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    spectra = fourier.start(generators).requires_grad_()
    matrices = settings.transformation.matrices(generators, settings.steps).to(device)
    adam = torch.optim.Adam(
        [spectra],
        betas=(settings.momentum, 0.999),
        eps=settings.damping + 1e-8,
        maximize=True,
        fused=True,
    )
    curve, lengths = [], []
    best = _Best(objective)
    for step in range(settings.steps):
        images = fourier(spectra)
        shaken = view(images, matrices[step], settings.transformation.interpolation)
        activations = _seen(network, shaken, size)
        if step == 0:
            objective.check(activations.shape)
        values = objective(activations)
        (gradient,) = torch.autograd.grad(values.sum(), spectra)
        length = gradient.square().mean((1, 2, 3, 4), keepdim=True).sqrt()
        spectra.grad = gradient / length.clamp(min=torch.finfo(torch.float32).tiny)
        curve.append(values.detach())
        lengths.append(length.flatten())
        adam.param_groups[0]["lr"] = _learning_rate(settings, step)
        adam.step()
        left = settings.steps - 1 - step
        apart = max(1, settings.steps // 16)
        if left % apart == 0 and left // apart < settings.snapshots:
            with torch.no_grad():
                clean = fourier(spectra)
                best.offer(clean, _seen(network, clean, size), step + 1)
    _require_finite(torch.stack(curve), torch.stack(lengths), settings.steps)
    dead = (lengths[0] == 0) & (lengths[-1] == 0)
    return Ascent(best.images, torch.stack(curve, 1), best.peak, best.mean, best.step, dead)


class _Best:
    """The best clean picture so far, image by image."""

    images: Tensor
    value: Tensor
    peak: Tensor
    mean: Tensor
    step: Tensor

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.empty = True

    def offer(self, images: Tensor, activations: Tensor, step: int) -> None:
        value, response = self.objective(activations), self.objective.response(activations)
        new = {
            "images": images,
            "value": value,
            "peak": response.amax((1, 2)),
            "mean": response.mean((1, 2)),
            "step": torch.full(value.shape, step, device=value.device),
        }
        if not self.empty:
            better = value > self.value
            for name, candidate in new.items():
                mask = better.view(-1, *[1] * (candidate.dim() - 1))
                new[name] = torch.where(mask, candidate, getattr(self, name))
        for name, kept in new.items():
            setattr(self, name, kept)
        self.empty = False


def _learning_rate(settings: Settings, step: int) -> float:
    """Down to a tenth as a half cosine: large strokes first, then rest."""
    return settings.learning_rate * (0.55 + 0.45 * math.cos(math.pi * step / settings.steps))


def _seen(network: Callable[[Tensor], Tensor], images: Tensor, size: int) -> Tensor:
    """The target's values; an error of the network about small maps becomes one about the size."""
    try:
        activations = network(images)
    except RuntimeError as error:
        if not any(word in str(error).lower() for word in ("too small", "kernel size can't")):
            raise
        raise ValueError(
            f"Images of {size} x {size} px are too small for the network ({error}): give a larger "
            "size."
        ) from error
    if activations.dim() != 4:
        raise ValueError(
            f"The network returned values of shape {tuple(activations.shape)}: give them as (image,"
            " channel, row, column)."
        )
    if activations.shape[2] * activations.shape[3] == 0:
        raise ValueError(f"Images of {size} x {size} px leave the target no position: give more.")
    return activations


def _require_finite(curve: Tensor, lengths: Tensor, steps: int) -> None:
    """Refuse pictures that came out of numbers that are none.

    Checked once, behind the loop: a check within would wait for the device at each step.
    """
    for what, values in (("The activations", curve), ("The gradients", lengths)):
        broken = (~values.isfinite()).nonzero()
        if len(broken):
            step, image = broken[0].tolist()
            raise ValueError(
                f"{what} of image {image} are not finite at step {step + 1} of {steps}: the "
                "network's weights may be broken, or half precision too narrow for it."
            )
