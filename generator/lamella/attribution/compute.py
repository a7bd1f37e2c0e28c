"""The maps of any attribution method by its name, and which methods a network has.

Flow: methods, gradients, cam and so on -> **compute** -> attribution_maps, sanity_checks. Maps
cover the whole image evenly and are as the method gives them, never rescaled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from lamella.attribution import cam, gradcam, gradients, rollout
from lamella.attribution.integrated import integrated
from lamella.attribution.methods import BY_NAME, METHODS
from lamella.attribution.occlusion import occlusion
from lamella.attribution.scores import require_finite
from lamella.network.model import Model


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the methods.

    Attributes:
        patch, stride: of the mask that occlusion moves over the image, in pixels.
        steps: of integrated gradients.
        layer: whose maps Grad-CAM weighs; "" for the last convolutional activations.
    """

    patch: int = 48
    stride: int = 16
    steps: int = 24
    layer: str = ""


Attribute = Callable[[Model, Tensor, Tensor, Options], Tensor]


def _rolled(model: Model, shown: Tensor, classes: Tensor, options: Options) -> Tensor:
    """Attention asks about no class: the same map for each."""
    maps = rollout.rollout(model, shown)
    return maps[:, None].expand(-1, classes.shape[1], -1, -1)


def _lost(model: Model, shown: Tensor, classes: Tensor, options: Options) -> Tensor:
    """The probability that each mask takes away."""
    found = occlusion(model, shown, classes, options.patch, options.stride)
    return found.before[:, :, None, None] - found.under


_ATTRIBUTE: dict[str, Attribute] = {
    "saliency": lambda model, shown, classes, _: gradients.saliency(model, shown, classes),
    "guided": lambda model, shown, classes, _: gradients.guided(model, shown, classes),
    "integrated": lambda model, shown, classes, options: integrated(
        model, shown, classes, options.steps
    ),
    "occlusion": _lost,
    "cam": lambda model, shown, classes, _: cam.cam(model, shown, classes),
    "gradcam": lambda model, shown, classes, options: gradcam.gradcam(
        model, shown, classes, options.layer
    ),
    "gradcam_inside": lambda model, shown, classes, options: gradcam.gradcam(
        model, shown, classes, options.layer, inside=True
    ),
    "rollout": _rolled,
}


def attribute(name: str, model: Model, shown: Tensor, classes: Tensor, options: Options) -> Tensor:
    """Maps of one method, (image, k, row, column), float32.

    Args:
        name: of the method, one of those that `defined` gives.
        shown: sRGB in [0, 1], (image, 3, row, column).
        classes: to be explained, (image, k), int64.
    Raises:
        ModelError: there is no such class, the method is not defined for this network, or what it
            yields is not finite.
    """
    found = _ATTRIBUTE[name](model, shown, classes, options)
    words = f"{BY_NAME[name].title} for class"
    return require_finite(found, lambda image: f"{words} {int(classes[image, 0])}")


def defined(model: Model) -> tuple[tuple[str, ...], dict[str, str]]:
    """The names of the methods that a network has, and for the others why it has them not."""
    reasons = {
        **dict.fromkeys(("saliency", "guided", "integrated"), gradients.why_not(model)),
        "cam": cam.why_not(model),
        **dict.fromkeys(("gradcam", "gradcam_inside"), gradcam.why_not(model)),
        "rollout": rollout.why_not(model),
    }
    missing = {name: reason for name, reason in reasons.items() if reason}
    return tuple(method.name for method in METHODS if method.name not in missing), missing
