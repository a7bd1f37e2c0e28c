"""All methods under one name: which a network has, and why it has the others not."""

import re
from html import unescape
from pathlib import Path

import torch
from torch import Tensor, nn

from helpers.attributed import images, model_of, rectified
from helpers.tiny import NETWORK, Tiny, write_images
from helpers.untouched import untouched
from lamella.attribution.compute import Options, attribute, defined
from lamella.attribution.methods import METHODS

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


ROOT = """

class Root(nn.Module):
    def forward(self, given):
        return (given - given.amin((1, 2, 3), keepdim=True)).sqrt()
"""


def test_a_slope_that_is_not_finite_is_told_and_all_else_is_there(tmp_path: Path) -> None:
    """The square root of zero has none; nothing of it is drawn."""
    write_images(tmp_path / "images", 3)
    (tmp_path / "network.py").write_text(NETWORK.replace("nn.ReLU()", "Root()", 1) + ROOT)
    panels = ["statistics", "attribution_maps", "unit_attribution"]
    message = Tiny(tmp_path).change(analysis__panels=panels).fails("build")
    assert "2 analyses could not run for this network" in message
    assert re.search(r"attribution_maps: Gradient for class \d is NaN or infinite", message)
    assert re.search(
        r"unit_attribution, layer 2: Guided backprop from 2:\d is NaN or infinite", message
    )
    top = tmp_path / "public" / "tiny"
    assert not list(top.glob("attribution-maps-*"))
    pages = "".join(page.read_text() for page in (top / "2").glob("*.html"))
    assert 'id="statistics"' in pages and "Guided backprop</" not in pages


def test_an_atlas_of_such_a_network_has_its_pages(tmp_path: Path) -> None:
    network = NETWORK.replace("import torch\n", "import torch\n\n", 1).replace(
        "return layers.eval()",
        "return Detached(*layers).eval()\n\n\n"
        "class Detached(nn.Sequential):\n"
        "    def forward(self, given):\n"
        "        return super().forward(given).detach()",
    )
    write_images(tmp_path / "images", 3)
    (tmp_path / "network.py").write_text(network)
    panels = ["predictions", "attribution_maps", "classes", "sanity_checks"]
    found = Tiny(tmp_path).change(
        analysis__panels=panels, panels__attribution_maps__patch=8, panels__sanity_checks__patch=8
    )
    found.works("build")
    page = unescape((tmp_path / "public" / "tiny" / "sanity-checks.html").read_text())
    assert "No gradient comes back" in page
    pages = list((tmp_path / "public" / "tiny").glob("attribution-maps-*.html"))
    assert pages and "No gradient comes back" in unescape(pages[0].read_text())
    assert list((tmp_path / "public" / "tiny").glob("class-*.html"))
