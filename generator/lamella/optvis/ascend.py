"""The loop: gradient ascent for a batch of units at once, one image each.

Flow: param -> transform -> network -> objective -> **ascend** -> feature_visualization.

Bytes: a unit's picture depends on its seed, its settings, the batch size, the thread count and the
machine, and on nothing else: not on its neighbours, its place in the batch or any global state.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007; Kingma and Ba,
Adam, arXiv:1412.6980.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from lamella.errors import ModelError
from lamella.optvis.objective import ONLY, Objective, Seen
from lamella.optvis.param import Fourier, Framed, Parameterization
from lamella.optvis.redirect import Redirected
from lamella.optvis.settings import Settings
from lamella.optvis.transform import view
from lamella.optvis.update_rules import length, stepper

Network = Callable[[Tensor], Tensor | Mapping[str, Tensor]]


class NoGradient(ModelError):
    """What is to be raised does not depend on the image, as far as torch can follow it."""


class NotFinite(ValueError):
    """Values or gradients stopped being numbers.

    Attributes:
        images: which pictures of the batch.
    """

    def __init__(self, problem: str, images: Sequence[int]) -> None:
        super().__init__(problem)
        self.images = tuple(images)


@dataclass(frozen=True, slots=True)
class Ascent:
    """Pictures of a batch of units, and how they came about.

    Attributes:
        images: in [0, 1], float32, `(image, plane, size, size)`.
        curve: objective under transformation, before each step, `(image, step)`.
        value: objective on the clean picture, `(image,)`.
        step: how many steps the kept snapshot had taken, int64, `(image,)`.
        dead: nothing in the image changes the objective, neither at first nor in the end; the
            picture is its start. bool, `(image,)`.
        opacity: where the gradients fell, in [0, 1], `(image, size, size)`: their absolute values
            added up over colours and steps, over their 99th percentile. None unless asked for.
    """

    images: Tensor
    curve: Tensor
    value: Tensor
    step: Tensor
    dead: Tensor
    opacity: Tensor | None = None


def ascend(
    network: Network,
    objective: Objective,
    *,
    size: int,
    seeds: Sequence[int],
    settings: Settings | None = None,
    parameterization: Parameterization | None = None,
    start: Tensor | str = "noise",
    device: torch.device | str = "cpu",
    before_step: Callable[[int], None] | None = None,
) -> Ascent:
    """Images that raise an objective, image i with the random numbers of `seeds[i]`.

    Args:
        network: images in [0, 1], float32, `(image, plane, size, size)`, to the values of the
            target, `(image, channel, row, column)`, or of several layers by name: normalises
            first, has its parameters frozen, is in evaluation mode.
        objective: what is raised.
        size: side of the pictures, in pixels. Multiples of 16 are fast, and keep the promise about
            bytes, which rests on images that fill whole vectors of the processor.
        seeds: one per image.
        parameterization: what is optimised; `Fourier` by the settings, without it.
        start: "noise", "zeros" (plain grey), or images `(image, plane, size, size)`.
        device: where the network is.
        before_step: called with the number of each step; what it raises ends the ascent.

    Raises:
        ValueError: the size is too small for the network, or the objective does not fit the target.
        NotFinite: values or gradients stopped being finite.
        NoGradient: the network cuts the gradient off.
    """
    settings = settings or Settings()
    pictures = parameterization or Fourier(
        size,
        decay=settings.decay,
        wave=settings.wave,
        deviation=settings.deviation,
        axes=settings.axes,
        device=device,
    )
    if settings.frame:
        pictures = Framed(pictures, settings.frame)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    numbers = _start(pictures, start, generators, len(settings.axes), device).requires_grad_()
    matrices = settings.transformation.matrices(generators, settings.steps * settings.views)
    matrices = matrices.to(device)
    step_by = stepper(settings, numbers)
    gathered = torch.zeros(len(seeds), size, size, device=device) if settings.opacity else None
    curve, lengths, snapshots = [], [], []
    for step in range(settings.steps):
        if before_step:
            before_step(step)
        values, gradient = torch.zeros(len(seeds), device=device), torch.zeros(())
        for turn in range(settings.views):
            images = pictures(numbers)
            shaken = view(images, matrices[step * settings.views + turn], settings.transformation)
            shaken = settings.transformation.disturbed(shaken, generators)
            with Redirected() if step < settings.redirect else nullcontext():
                seen = Seen(images, _seen(network, shaken))
            if step == 0 and turn == 0:
                objective.check(seen)
            value = objective(seen)
            if not value.requires_grad:
                raise NoGradient("No gradient comes back from what is to be raised to the image.")
            own, *of_image = torch.autograd.grad(
                value.sum(), (numbers, images) if gathered is not None else numbers
            )
            if gathered is not None:
                gathered += of_image[0].abs().sum(1)
            values, gradient = values + value.detach(), own if turn == 0 else gradient + own
        if settings.views > 1:
            gradient = gradient / settings.views
        long = length(gradient)
        step_by(gradient, long, settings.rate(step))
        pictures.confine(numbers)
        curve.append(values / settings.views)
        lengths.append(long.flatten())
        if settings.keeps(step):
            with torch.no_grad():
                clean = pictures(numbers)
                value = objective(Seen(clean, _seen(network, clean)))
                snapshots.append((clean, value, torch.full_like(value, step + 1).long()))
    images, value, taken = _best(snapshots)
    _require_finite(torch.stack([*curve, value]), torch.stack([*lengths, lengths[-1]]))
    dead = (lengths[0] == 0) & (lengths[-1] == 0)
    return Ascent(images, torch.stack(curve, dim=1), value, taken, dead, _opacity(gathered))


def _start(
    pictures: Parameterization,
    start: Tensor | str,
    generators: Sequence[torch.Generator],
    planes: int,
    device: torch.device | str,
) -> Tensor:
    """The numbers before the first step."""
    if isinstance(start, Tensor):
        wanted = (len(generators), planes, pictures.side, pictures.side)
        if tuple(start.shape) != wanted:
            raise ValueError(f"start: images of {tuple(start.shape)}, where {wanted} are made.")
        return pictures.of(start.to(device))
    if start == "zeros":
        return pictures.zeros(len(generators))
    if start != "noise":
        raise ValueError(f'start={start!r}: give "noise", "zeros" or images.')
    return pictures.start(generators)


def _best(snapshots: Sequence[tuple[Tensor, Tensor, Tensor]]) -> list[Tensor]:
    """Images, value and step, image by image from the snapshot of the highest value."""
    values = torch.stack([value for _, value, _ in snapshots])
    best = torch.where(values.isfinite(), values, -torch.inf).argmax(0)
    image = torch.arange(len(best), device=best.device)
    return [torch.stack(field)[best, image] for field in zip(*snapshots, strict=True)]


def _opacity(gathered: Tensor | None) -> Tensor | None:
    """Gathered gradients over their own 99th percentile, image by image."""
    if gathered is None:
        return None
    high = gathered.flatten(1).quantile(0.99, dim=1).clamp(min=torch.finfo(torch.float32).tiny)
    return (gathered / high[:, None, None]).clamp(max=1)


def _seen(network: Network, images: Tensor) -> Mapping[str, Tensor]:
    """The target's values; a network's complaint about small maps becomes one about the size."""
    size = f"{images.shape[-1]} x {images.shape[-1]} px"
    try:
        values = network(images)
    except (RuntimeError, ModelError) as error:
        if not any(words in str(error).lower() for words in ("too small", "kernel size can't")):
            raise
        raise ValueError(
            f"Images of {size} are too small for the network: give a larger size. ({error})"
        ) from error
    by_layer = {ONLY: values} if isinstance(values, Tensor) else values
    for activations in by_layer.values():
        if activations.dim() != 4:
            raise ValueError(
                f"The network returned values of shape {tuple(activations.shape)}: they must be "
                "(image, channel, row, column)."
            )
        if not activations.shape[2] * activations.shape[3]:
            raise ValueError(f"Images of {size} leave the target no position: give a larger size.")
    return by_layer


def _require_finite(curve: Tensor, lengths: Tensor) -> None:
    """Refuse numbers that are none, `(step, image)`, the clean picture's as a last step.

    Asked once, since it waits for the device.
    """
    wrong = {"activations": ~curve.isfinite(), "gradients": ~lengths.isfinite()}
    found = [
        (*broken[0].tolist(), what) for what, at in wrong.items() if len(broken := at.nonzero())
    ]
    if not found:
        return
    step, image, what = min(found)
    steps = len(curve) - 1
    since = min(step + 1, steps)
    images = torch.stack(list(wrong.values())).any(0).any(0).nonzero().flatten().tolist()
    raise NotFinite(
        f"The {what} of image {image} are not finite from step {since} of {steps} on: "
        "the network's weights may be broken, or half precision too narrow for it.",
        images,
    )
