"""The loop: gradient ascent for a batch of units at once, one image each.

Flow: param -> transform -> network -> objective -> **ascend** -> panels. The gradient of each image
is brought to unit size before Adam's step, so that Adam's epsilon means a share of it: frequencies
that the unit does not care about stay quiet, where Adam alone would turn their tiny gradients into
full steps, and the picture into noise.

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
    """How a picture is made. The defaults were tuned by number and by eye at 64 steps.

    Attributes:
        steps: of ascent; 64 is a preview, 512 usual.
        learning_rate: first step of a coefficient of the spectrum, in an ascent of 64; a longer one
            takes smaller steps. It falls to a tenth as a half cosine.
        decay, wave, deviation: see `Fourier`.
        momentum: Adam's first beta; low, since 64 steps leave no time for a long memory.
        damping: Adam's epsilon, as a share of the image's mean gradient; 0 is plain Adam.
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

    def __post_init__(self) -> None:
        if self.steps < 1 or self.snapshots < 1:
            raise ValueError("steps and snapshots: give at least 1 of each.")

    def for_field(self, receptive_field: int | None) -> "Settings":
        """These settings, for units that see that many pixels.

        No wave is favoured that is longer than two fields, for the unit could not tell; and where
        that leaves few of them, each takes larger steps: what a small field likes best is a
        saturated edge, which no photograph has.
        """
        if receptive_field is None:
            return self
        wave = max(24.0, 2.0 * receptive_field)
        bolder = max(1.0, math.sqrt(96 / wave))
        return replace(self, wave=wave, learning_rate=self.learning_rate * bolder)

    def rate(self, step: int) -> float:
        """Learning rate at a step: large strokes first, then rest."""
        longer = math.pow(64 / self.steps, 0.75)  # with the same steps, 512 of them would posterise
        return self.learning_rate * longer * (0.55 + 0.45 * math.cos(math.pi * step / self.steps))

    def keeps(self, step: int) -> bool:
        """Whether the state after this step is one of the snapshots, a 16th of the steps apart."""
        apart = max(1, self.steps // 16)
        left = self.steps - 1 - step
        return left % apart == 0 and left // apart < self.snapshots


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
    curve, lengths, snapshots = [], [], []
    for step in range(settings.steps):
        shaken = view(fourier(spectra), matrices[step], settings.transformation.interpolation)
        activations = _seen(network, shaken)
        if step == 0:
            objective.check(activations.shape)
        values = objective(activations)
        (gradient,) = torch.autograd.grad(values.sum(), spectra)
        length = _length(gradient)
        spectra.grad = gradient.div_(length.clamp(min=torch.finfo(torch.float32).tiny))
        adam.param_groups[0]["lr"] = settings.rate(step)
        adam.step()
        curve.append(values.detach())
        lengths.append(length.flatten())
        if settings.keeps(step):
            with torch.no_grad():
                snapshots.append(_Snapshot.of(fourier(spectra), network, objective, step + 1))
    _require_finite(torch.stack(curve), torch.stack(lengths))
    images, _, peak, mean, taken = _best(snapshots)
    dead = (lengths[0] == 0) & (lengths[-1] == 0)
    return Ascent(images, torch.stack(curve, dim=1), peak, mean, taken, dead)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A state on the way: clean pictures, and what the objective and the target say to them."""

    images: Tensor
    value: Tensor
    peak: Tensor
    mean: Tensor
    step: Tensor

    @staticmethod
    def of(
        images: Tensor, network: Callable[[Tensor], Tensor], objective: Objective, step: int
    ) -> "_Snapshot":
        activations = _seen(network, images)
        value, response = objective(activations), objective.response(activations)
        taken = torch.full(value.shape, step, device=value.device)
        return _Snapshot(images, value, response.amax((1, 2)), response.mean((1, 2)), taken)


def _best(snapshots: Sequence[_Snapshot]) -> tuple[Tensor, ...]:
    """Each field of the snapshots, image by image from the one of the highest value."""
    best = torch.stack([snapshot.value for snapshot in snapshots]).argmax(0)
    image = torch.arange(len(best), device=best.device)
    fields = ("images", "value", "peak", "mean", "step")
    return tuple(torch.stack([getattr(s, name) for s in snapshots])[best, image] for name in fields)


def _length(gradient: Tensor) -> Tensor:
    """Root mean square per image, `(image, 1, ...)`: squared in float64, or 1e-25 would be none."""
    axes = tuple(range(1, gradient.dim()))
    norm: Tensor = torch.linalg.vector_norm(gradient, dim=axes, keepdim=True, dtype=torch.float64)
    return (norm / math.sqrt(gradient[0].numel())).float()


def _seen(network: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """The target's values; a network's complaint about small maps becomes one about the size."""
    size = f"{images.shape[-1]} x {images.shape[-1]} px"
    try:
        activations = network(images)
    except RuntimeError as error:
        if not any(words in str(error).lower() for words in ("too small", "kernel size can't")):
            raise
        raise ValueError(
            f"Images of {size} are too small for the network: give a larger size. ({error})"
        ) from error
    if activations.dim() != 4:
        raise ValueError(
            f"The network returned values of shape {tuple(activations.shape)}: they must be (image,"
            " channel, row, column)."
        )
    if not activations.shape[2] * activations.shape[3]:
        raise ValueError(f"Images of {size} leave the target no position: give a larger size.")
    return activations


def _require_finite(curve: Tensor, lengths: Tensor) -> None:
    """Refuse numbers that are none, `(step, image)`; once, since it waits for the device."""
    found = [
        (*broken[0].tolist(), what)
        for what, values in (("activations", curve), ("gradients", lengths))
        if len(broken := (~values.isfinite()).nonzero())
    ]
    if found:
        step, image, what = min(found)
        raise ValueError(
            f"The {what} of image {image} are not finite from step {step + 1} of {len(curve)} on: "
            "the network's weights may be broken, or half precision too narrow for it."
        )
