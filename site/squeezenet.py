"""SqueezeNet 1.1 for the demonstration atlas: how you bring a network of your own.

atlas.toml names this file and function, and the weights: `source = "squeezenet.py:squeezenet1_1"`,
`weights = "data/squeezenet1_1.safetensors"`. The function takes no argument and returns the
architecture in evaluation mode; Lamella loads the weights into it, strictly, by name.

This network wants channels in the order BGR, from 0 to 255, minus (103.939, 116.779, 123.68):
see [model.preprocessing] in atlas.toml.
"""

from torch import nn
from torchvision.models import squeezenet1_1 as architecture


def squeezenet1_1() -> nn.Module:
    """26 convolutions, 3,944 channels, 1,000 classes; Iandola et al., arXiv:1602.07360."""
    network: nn.Module = architecture()
    return network.eval()
