"""How a gradient becomes a step.

Flow: settings -> **update_rules** -> ascend.

- adam: Adam on the gradient brought to unit size, image by image, so that its epsilon means a share
  of the gradient: frequencies that the unit does not care about stay quiet, where Adam alone would
  turn their tiny gradients into full steps, and the picture into noise.
- nadam: Adam with Nesterov's momentum, as MACO uses it.
- plain: `I <- I + eta * gradient`, the rule of the lectures.
- normalised: `I <- I + eta * gradient / sqrt(mean(gradient^2))`, image by image, the lectures'
  gradient-norm trick: a step has the same length however faint the gradient.

Source: Kingma and Ba 2015, arXiv:1412.6980; Dozat 2016, "Incorporating Nesterov Momentum into
Adam"; Chollet, Deep Learning with Python 2017, section 5.4, for the trick.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lamella.optvis.settings import Settings


def length(gradient: Tensor) -> Tensor:
    """Root mean square per image, `(image, 1, ...)`: squared in float64, or 1e-25 would be none."""
    axes = tuple(range(1, gradient.dim()))
    norm: Tensor = torch.linalg.vector_norm(gradient, dim=axes, keepdim=True, dtype=torch.float64)
    return (norm / math.sqrt(gradient[0].numel())).float()


def stepper(settings: Settings, numbers: Tensor) -> Callable[[Tensor, Tensor, float], None]:
    """A function that moves the numbers, in place, given their gradient, its length and a rate."""
    if settings.rule == "adam":
        return _adam(settings, numbers)
    if settings.rule == "nadam":
        return _nadam(numbers)
    normalised = settings.rule == "normalised"

    @torch.no_grad()
    def step(gradient: Tensor, length: Tensor, rate: float) -> None:
        numbers.add_(_unit(gradient, length) if normalised else gradient, alpha=rate)

    return step


def _unit(gradient: Tensor, length: Tensor) -> Tensor:
    """In place: the gradient at unit size; none stays none."""
    return gradient.div_(length.clamp(min=torch.finfo(torch.float32).tiny))


def _adam(settings: Settings, numbers: Tensor) -> Callable[[Tensor, Tensor, float], None]:
    adam = torch.optim.Adam(
        [numbers],
        betas=(settings.momentum, 0.999),
        eps=settings.damping + 1e-8,
        maximize=True,
        fused=True,
    )

    def step(gradient: Tensor, length: Tensor, rate: float) -> None:
        numbers.grad = _unit(gradient, length)
        adam.param_groups[0]["lr"] = rate
        adam.step()

    return step


def _nadam(numbers: Tensor) -> Callable[[Tensor, Tensor, float], None]:
    nadam = torch.optim.NAdam([numbers], maximize=True)

    def step(gradient: Tensor, length: Tensor, rate: float) -> None:
        numbers.grad = _unit(gradient, length)
        nadam.param_groups[0]["lr"] = rate
        nadam.step()

    return step
