"""One ruler for the pictures of any engine: how strong and how much the unit's own they are.

Nothing of it comes from a built store: what is usual is measured over photographs here and now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from lamella.analyses.feature_visualization.measures import SMALLEST_SPREAD
from lamella.images.decoding import SUFFIXES, BrokenImage, decode
from lamella.network.activations import visit
from lamella.network.model import Model
from lamella.network.units import Layer

BATCH = 16


@dataclass(frozen=True, slots=True)
class Usual:
    """A layer's channels over the photographs, `(channel,)`.

    Attributes:
        maximum: largest activation on any of them.
        mean, deviation: of each photograph's spatial mean.
    """

    maximum: Tensor
    mean: Tensor
    deviation: Tensor

    def as_survey(self) -> dict[str, object]:
        """What Lamella's own survey would say of the layer."""
        return {"maximum": self.maximum, "mean": self.mean, "mean_deviation": self.deviation}


@dataclass(frozen=True, slots=True)
class Read:
    """What a picture of a unit excites.

    Attributes:
        peak: largest activation of the unit, behind the layer's activation function.
        strength: the peak over the photographs' maximum; NaN where no photograph excites it.
        rank: of the unit in its layer, by the spatial mean in standard deviations from its mean
            over the photographs; 1 is first.
        side: at how many pixels the picture was measured.
    """

    peak: float
    strength: float
    rank: int
    side: int


def photographs(folder: Path, model: Model, most: int | None) -> Tensor:
    """The photographs of a folder as the network sees them, sRGB bytes, evenly picked."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    found = []
    for path in files[:: max(1, len(files) // most) if most else 1][:most]:
        try:
            decoded = decode(path, model.preprocessing)
        except BrokenImage:
            continue
        found.append(torch.from_numpy(decoded.copy()).permute(2, 0, 1))
    return torch.stack(found)


@torch.inference_mode()
def usual(model: Model, layers: Sequence[Layer], images: Tensor) -> dict[str, Usual]:
    """What the layers' channels do on photographs."""
    peaks: dict[str, list[Tensor]] = {layer.name: [] for layer in layers}
    means: dict[str, list[Tensor]] = {layer.name: [] for layer in layers}

    def visitor(name: str):
        def see(values: Tensor) -> None:
            peaks[name].append(values.float().amax((2, 3)).cpu())
            means[name].append(values.float().mean((2, 3)).cpu())

        return see

    visitors = {model.traced[name].observed: visitor(name) for name in peaks}
    for batch in images.split(BATCH):
        visit(model.module, model.normalise(batch.to(model.device).float() / 255), visitors)
    return {
        name: Usual(
            torch.cat(peaks[name]).amax(0),
            torch.cat(means[name]).mean(0),
            torch.cat(means[name]).std(0, correction=0),
        )
        for name in peaks
    }


def read(
    model: Model, layer: Layer, channel: int, image: Tensor, known: Usual, sides: Sequence[int]
) -> Read:
    """Measure a picture, `(3, row, column)`, resized to each of these sides; the strongest counts.

    Two engines make pictures of different sizes, and a picture is made for one magnification. So
    both are tried at the same sides, and each is given the one that suits it best.
    """
    return max((_at(model, layer, channel, image, known, side) for side in sides), key=_peak)


def _peak(found: Read) -> float:
    return found.peak


@torch.inference_mode()
def _at(model: Model, layer: Layer, channel: int, image: Tensor, known: Usual, side: int) -> Read:
    picture = image[None].to(model.device).float()
    if side != picture.shape[-1]:
        picture = F.interpolate(picture, (side, side), mode="bilinear", antialias=True)
    values: list[Tensor] = []
    inputs = model.normalise(picture.clamp(0, 1))
    visit(model.module, inputs, {model.traced[layer.name].observed: values.append})
    shown = values[0][0].float().cpu().flatten(1)
    # As on Lamella's pages: a channel that hardly varies would outrank all others at once.
    spread = known.deviation.clamp(min=SMALLEST_SPREAD * float(known.deviation.mean()))
    scores = (shown.mean(1) - known.mean) / spread
    peak, maximum = float(shown[channel].amax()), float(known.maximum[channel])
    return Read(
        peak=peak,
        strength=peak / maximum if maximum > 0 else float("nan"),
        rank=int((scores > scores[channel]).sum()) + 1,
        side=side,
    )
