"""All methods under one name: which a network has, and why it has the others not."""

import torch
from torch import Tensor, nn

from lamella.attributing.named import METHODS
from lamella.attributing.run import Options, attribute, defined
from test_gradients import images, model_of, rectified
from untouched import untouched

NAMES = {method.name for method in METHODS}


class Detached(nn.Module):
    """A network that cuts its gradients off at the end, as some do for speed."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = rectified()

    def forward(self, given: Tensor) -> Tensor:
        found: Tensor = self.inner(given)
        return found.detach()


def test_each_method_is_there_or_says_why_not() -> None:
    network = rectified()
    model, shown = model_of(network), images(2)
    classes = torch.tensor([[0, 3], [4, 1]])
    had, missing = defined(model)
    assert {*had} | missing.keys() == NAMES and not {*had} & missing.keys()
    assert {"saliency", "guided", "integrated", "occlusion", "gradcam"} <= {*had}
    assert "rollout" in missing and all(missing.values())
    for name in had:
        with untouched(network, shown):
            maps = attribute(name, model, shown, classes, Options(patch=5, stride=3, steps=4))
        assert maps.shape[:2] == (2, 2) and maps.dtype == torch.float32
        assert torch.isfinite(maps).all()


def test_without_gradients_there_are_masks_and_reasons() -> None:
    had, missing = defined(model_of(Detached()))
    assert "occlusion" in had
    for name in ("saliency", "guided", "integrated", "gradcam", "gradcam_inside"):
        assert "gradient" in missing[name] or "depend" in missing[name], missing[name]
