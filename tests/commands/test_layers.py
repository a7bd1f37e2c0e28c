"""What `lamella layers` says of layers, and so do their pages."""

from html import unescape

from helpers.tiny import Tiny

NETWORK = """
import torch
from torch import nn

class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.start, self.last = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)
        self.value, self.gate = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)

    def forward(self, images):
        maps = self.start(images)
        maps = maps * torch.sigmoid(1.5 * maps)
        return self.last((self.value(maps) * self.gate(maps).sigmoid()).mean((2, 3)))

def network():
    return Gated().eval()
"""


def test_a_gated_product_and_a_function_of_its_own_are_told(tiny: Tiny) -> None:
    (tiny.folder / "network.py").write_text(NETWORK)
    tiny.change(model__classes="", analysis__panels=["statistics"])
    said = tiny.works("layers", "--no-time")
    assert "*: behind it its values are multiplied by others, which act as a gate." in said
    tiny.works("build")
    pages = {name: tiny.folder / f"public/tiny/{name}/index.html" for name in ("value", "start")}
    text = {name: unescape(page.read_text()) for name, page in pages.items()}
    assert "multiplied by <bdi>gate</bdi>, number by number" in text["value"]
    assert "multiplied by" not in text["start"]
    assert "convolution, a function of its own, a little negative" in text["start"]
