"""A tiny atlas of a case: its folder, its pictures, its network by name."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from helpers.tiny import Tiny

SIDE = 32
PANELS = ["statistics", "weights", "dataset_examples", "feature_visualization"]


def drawn(number: int) -> Image.Image:
    """A coloured disc on a grating, another one for each number."""
    random = np.random.default_rng(number)
    down, right = np.mgrid[0:36, 0:44]
    wave = np.sin(right / random.uniform(1.5, 6) + down / random.uniform(1.5, 6))
    picture = 128 + 80 * wave[..., None] * random.uniform(-1, 1, 3)
    picture[np.hypot(down - 18, right - random.uniform(12, 30)) < 9] = random.uniform(0, 255, 3)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def case(folder: Path, network: str, images: int = 4, **changes: Any) -> Tiny:
    """An atlas of one of the networks; `changes` as `Tiny.change` takes them."""
    for at in range(images):
        path = folder / "images" / ("cup", "tin")[at % 2] / f"{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn(at).save(path)
    (folder / "network.py").write_text(
        f"from cases.networks import made\n\n\ndef network():\n    return made({network!r})\n",
        encoding="utf-8",
    )
    tiny = Tiny(folder)
    tiny.tree["model"]["preprocessing"] = {"resize": SIDE, "size": SIDE}
    return tiny.change(
        **{"analysis__panels": PANELS, "panels__feature_visualization": {"steps": 4, "size": 32}}
        | changes
    )
