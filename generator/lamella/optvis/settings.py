"""How a picture is made: steps, rates, what it must withstand, and its size.

Flow: **settings** -> update_rules, ascend.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from lamella.config.planes import COLOURS, Matrix
from lamella.optvis.transform import Crops, Transformation

Rule = Literal["adam", "nadam", "plain", "normalised"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a picture is made. The defaults were tuned by number and by eye at 64 steps.

    Attributes:
        steps: of ascent; 64 is a preview, 512 usual.
        rule: how a gradient becomes a step, see update_rules.py.
        learning_rate: first step of a coefficient of the spectrum, in an ascent of 64; a longer one
            takes smaller steps. It falls to a tenth as a half cosine. Constant, and of the steps
            themselves, for all rules but "adam".
        decay, wave, deviation: see `Fourier`.
        momentum: Adam's first beta; low, since 64 steps leave no time for a long memory.
        damping: Adam's epsilon, as a share of the image's mean gradient; 0 is plain Adam.
        transformation: what the picture must withstand.
        views: how many transformations of a picture each step takes the mean gradient of.
        redirect: for how many first steps ReLUs that let nothing through are passed by; see
            redirect.py.
        snapshots: how many of the last states compete by the objective on the clean picture.
        opacity: whether to gather where in the picture its gradients fell.
        axes: of the colours of pictures, see `Planes`.
        frame: height and width of what the network sees of the middle of a picture, which is plain
            grey around it; None for all.
    """

    steps: int = 64
    rule: Rule = "adam"
    learning_rate: float = 0.17
    decay: float = 1.2
    wave: float | None = None
    deviation: float = 0.01
    momentum: float = 0.5
    damping: float = 0.7
    transformation: Transformation | Crops = field(default_factory=Transformation)
    views: int = 1
    redirect: int = 0
    snapshots: int = 3
    opacity: bool = False
    axes: Matrix = COLOURS
    frame: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.steps < 1 or self.snapshots < 1 or self.views < 1:
            raise ValueError("steps, snapshots and views: give at least 1 of each.")

    def seen(self, side: int, size: tuple[int, int]) -> "Settings":
        """The settings for pictures of that side, where the network takes images of that height and
        width: of a square as large as the longer one it sees the middle, and the rest stays grey.
        """
        return replace(self, frame=size) if side == max(size) > min(size) else self

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
        if self.rule != "adam":
            return self.learning_rate
        longer = math.pow(64 / self.steps, 0.75)  # with the same steps, 512 of them would posterise
        return self.learning_rate * longer * (0.55 + 0.45 * math.cos(math.pi * step / self.steps))

    def keeps(self, step: int) -> bool:
        """Whether the state after this step is one of the snapshots, a 16th of the steps apart."""
        apart = max(1, self.steps // 16)
        left = self.steps - 1 - step
        return left % apart == 0 and left // apart < self.snapshots


# Fel et al. 2023 see pictures of 512 px and more through crops of a half down to a twentieth, with
# phases at rate 1. Ours are hardly larger than what a deep unit sees: such crops show it nothing,
# and the picture stays mush. These are the largest steps and smallest crops that did not.
MACO = Settings(
    steps=256,
    rule="nadam",
    learning_rate=0.2,
    transformation=Crops(first=1.0, last=0.6),
    views=2,
    opacity=True,
)


def fitted_size(
    receptive_field: int | None, *, native: int, smallest: int = 64, largest: int = 96
) -> int:
    """Side of a picture, in pixels: one and a half receptive fields, rounded up to 16.

    Never under `smallest`, which shows a texture, and never over `largest` or the size `native`
    that the network was made for. A field that is not known counts as a large one.
    """
    wanted = largest if receptive_field is None else 16 * math.ceil(1.5 * receptive_field / 16)
    return min(max(wanted, smallest), largest, native)
