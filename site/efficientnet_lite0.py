"""EfficientNet-Lite0: the second network, with all that SqueezeNet lacks.

efficientnet_lite0.toml names this file and function. Batch norm, ReLU6, depthwise convolutions,
sums, and blocks that end in a signed value. Without torchvision, which does not have it.

It was trained with TensorFlow, which pads to as many positions as there are strides, by the size
of what it is given and with the odd zero at the far side. So does this, at every size.
"""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

# Blocks of a stage: how many, kernel, stride of the first, expansion, channels.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD, CLASSES = 32, 1280, 1000
EPSILON = 1e-3


class Convolution(nn.Conv2d):
    """A convolution with its padding, its batch norm, and its ReLU6 unless it is linear."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        # Without a stride both sides get the same, at any size.
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=EPSILON)
        self.activation = nn.Identity() if linear else nn.ReLU6()

    def forward(self, images: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride > 1:
            height, width = images.shape[2:]
            rows, columns = missing(height, kernel, stride), missing(width, kernel, stride)
            images = F.pad(images, (*columns, *rows))
        values: Tensor = self.activation(self.norm(super().forward(images)))
        return values


def missing(extent: int, kernel: int, stride: int) -> tuple[int, int]:
    """The zeros that TensorFlow's "same" padding sets before and behind an axis."""
    positions = -(-extent // stride)
    total = max(0, (positions - 1) * stride + kernel - extent)
    return total // 2, total - total // 2


class Block(nn.Module):
    """Widen, look at each channel by itself, narrow; where the shape stays, add what came in."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = Convolution(inputs, wide) if expansion > 1 else nn.Identity()
        self.depthwise = Convolution(wide, wide, kernel, stride, groups=wide)
        self.project = Convolution(wide, outputs, linear=True)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, images: Tensor) -> Tensor:
        values: Tensor = self.project(self.depthwise(self.expand(images)))
        return images + values if self.adds else values


class EfficientNetLite0(nn.Module):
    """Stem, 16 blocks, head, and a linear layer over the means of the head's channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, STEM, 3, stride=2)
        shapes = [
            (kernel, 1 if number else stride, expansion, channels)
            for repeats, kernel, stride, expansion, channels in STAGES
            for number in range(repeats)
        ]
        widths = pairwise((STEM, *(channels for *_, channels in shapes)))
        self.blocks = nn.Sequential(
            *(Block(*width, *shape[:3]) for width, shape in zip(widths, shapes, strict=True))
        )
        self.head = Convolution(STAGES[-1][-1], HEAD)
        self.classifier = nn.Linear(HEAD, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        values = self.head(self.blocks(self.stem(images)))
        logits: Tensor = self.classifier(F.adaptive_avg_pool2d(values, 1).flatten(1))
        return logits


def efficientnet_lite0() -> nn.Module:
    """49 convolutions, 21,008 channels, 1,000 classes; Tan and Le, arXiv:1905.11946, as "lite"."""
    return EfficientNetLite0().eval()
