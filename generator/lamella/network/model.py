"""The network: from a spec to a module in eval mode, its preprocessing and its weights' digest.

Flow: config -> source, weights, trace -> **model** -> survey, attribution, analyses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lamella.config.config import Config
from lamella.config.digest import digest_of
from lamella.config.preprocessing import Preprocessing
from lamella.errors import ModelError, said
from lamella.loading.source import from_file
from lamella.loading.timm_models import RANDOM, from_timm
from lamella.loading.torchvision_models import from_torchvision, mend_torchvision
from lamella.loading.weights import load_weights, refuse_not_finite, weights_digest
from lamella.network.class_names import class_names
from lamella.network.description import Network
from lamella.network.folding import Fold, folds_of
from lamella.network.outputs import pick_output
from lamella.network.trace import Examination, Traced, examined

DRAWS = (
    "It draws random numbers in every pass (dropout by function, say, which eval() does not switch "
    "off): its activations differ from pass to pass, and so do the numbers and pictures here."
)


@dataclass(frozen=True)
class Model:
    """A network ready to be looked into.

    Attributes:
        module: in eval mode, parameters frozen, on `device`.
        preprocessing: from sRGB in [0, 1] to its input.
        traced: its layers and where their values arise.
        facts: what pages need to know of it.
        memory_format: of its kernels; in the usual one, of what it is given too.
        example: an image as its input, whose path through it is the one that is followed; None for
            that of zeros.
    """

    module: nn.Module
    preprocessing: Preprocessing
    traced: Mapping[str, Traced]
    facts: Network
    device: torch.device
    memory_format: torch.memory_format = torch.channels_last
    example: Tensor | None = None

    @cached_property
    def _constants(self) -> tuple[Tensor, Tensor]:
        # The survey asks first, in inference mode; the ascent, next, needs gradients.
        with torch.inference_mode(False):
            scale = torch.tensor(self.preprocessing.std)
            factor = self.preprocessing.scale / scale
            offset = -torch.tensor(self.preprocessing.mean) / scale
            shape = (1, self.preprocessing.planes, 1, 1)
            return factor.reshape(shape).to(self.device), offset.reshape(shape).to(self.device)

    @cached_property
    def folds(self) -> Mapping[int, Fold]:
        """The normalizations that its convolutions can carry."""
        with torch.inference_mode(False):
            blank = torch.zeros(1, self.preprocessing.planes, *self.facts.size, device=self.device)
            return folds_of(self.module, blank)

    def shown(self, pixels: NDArray[np.uint8]) -> Tensor:
        """sRGB bytes, (image, row, column, 3), as (image, 3, row, column) in [0, 1]."""
        # A copy: decoded images are shared, and not to be written into.
        images: Tensor = torch.tensor(pixels).to(self.device).permute(0, 3, 1, 2)
        return images.float().div_(255)

    def normalise(self, images: Tensor) -> Tensor:
        """sRGB in [0, 1], (image, 3, row, column), as the network's input.

        Of a square as large as the longer side of a rectangle that the network takes, the middle.
        """
        factor, offset = self._constants
        rows, columns = self.preprocessing.shape
        if rows != columns and images.shape[2] == images.shape[3] == max(rows, columns):
            top, left = ((images.shape[2] - extent) // 2 for extent in (rows, columns))
            images = images[:, :, top : top + rows, left : left + columns]
        if self.preprocessing.channels == "BGR":
            images = images.flip(1)
        elif self.preprocessing.channels == "L":  # photographs are grey already, see decoding
            images = images.mean(1, keepdim=True)
        found = images * factor + offset
        # Decoded images come channels last, which a network that asked for the usual format is not
        # to be given; to others convolutions bring what they like best.
        return found if self.memory_format == torch.channels_last else found.contiguous()


def device_of(name: str) -> torch.device:
    """The device that a config or the command line names.

    Raises:
        ModelError: torch has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.ones(1, device=name).item()
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            f"torch cannot compute on {name!r}: {said(error)}.",
            "Choose another with --device or [analysis] device; cpu always works.",
        ) from error
    return torch.device(name)


def load(config: Config, device: torch.device) -> Model:
    """Build the network that a config describes, load its weights, find its layers.

    Raises:
        ModelError: it cannot be built, its weights do not fit, or it is in training mode.
    """
    mend_torchvision()
    section = config.model
    module, stated = _loaded(config)
    module, notes = _eager(module)
    notes = [*stated.get("notes", ()), *notes]
    if section.weights == RANDOM and stated:
        notes.append("Its weights are random: it is not trained.")
    elif section.weights and "weights" not in stated:
        notes += load_weights(module, config.path(section.weights), section.key)
    refuse_not_finite(module)
    module.requires_grad_(False)
    digest = weights_digest(module)
    notes += _widened(module)
    module.to(device)
    preprocessing = section.preprocessing or Preprocessing(**stated.get("preprocessing", {}))
    size = preprocessing.shape
    blank = torch.zeros((1, preprocessing.planes, *size), device=device)
    notes += pick_output(module, section.output, blank)
    before = _random_state(device)
    seen, memory_format = _examined(module, size, preprocessing.planes)
    if not torch.equal(before, _random_state(device)):
        notes.append(DRAWS)
    if memory_format != torch.channels_last:
        notes.append("It takes maps apart by their places in memory, so they lie as torch's do.")
    classes = class_names(config, seen.outputs) if section.classes else stated.get("classes", ())
    facts = Network(
        name=section.name,
        source=section.source,
        digest=digest,
        architecture="",
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        size=size,
        preprocessing=preprocessing.model_dump(mode="json"),
        layers=(),
        classes=tuple(classes),
        notes=tuple(notes),
    )
    return with_layers(Model(module, preprocessing, {}, facts, device, memory_format), seen)


def _loaded(config: Config) -> tuple[nn.Module, dict[str, Any]]:
    """The module that a config names; what its library states of it, and whether it has weights."""
    source, weights = config.model.source, config.model.weights
    library, _, name = source.partition(":")
    if library == "torchvision":
        return from_torchvision(name, weights)
    if library in ("timm", "hf-hub"):
        return from_timm(name if library == "timm" else source, weights)
    return from_file(source, config.path), {}


def with_layers(model: Model, seen: Examination, example: Tensor | None = None) -> Model:
    """A model with the layers that were found, on the path of an example."""
    sizes = {name: parameter.numel() for name, parameter in model.module.named_parameters()}
    facts = replace(
        model.facts,
        architecture=digest_of([found.layer.as_dict() for found in seen.traced]),
        layers=tuple(found.layer for found in seen.traced),
        left_out=seen.left_out,
        outside=sum(sizes[name] for name in seen.outside),
    )
    traced = {found.layer.name: found for found in seen.traced}
    return replace(model, traced=traced, facts=facts, example=example)


def _random_state(device: torch.device) -> Tensor:
    """Where torch's random numbers stand; an examination by itself draws none."""
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.get_rng_state()


def _eager(module: nn.Module) -> tuple[nn.Module, list[str]]:
    """A network without its compiled parts, which hide their operations; what there is to say."""
    if hasattr(torch.compiler, "set_stance"):  # since torch 2.6
        torch.compiler.set_stance("force_eager")
    compiled = [path for path, part in module.named_modules() if hasattr(part, "_orig_mod")]
    for path in reversed(compiled):  # from the inside
        plain = getattr(module.get_submodule(path), "_orig_mod")  # noqa: B009
        if not path:
            module = plain
        else:
            parent, _, name = path.rpartition(".")
            setattr(module.get_submodule(parent), name, plain)
    return module, ["Its compiled parts run as they were before."] if compiled else []


def _widened(module: nn.Module) -> list[str]:
    """Bring a network to single precision; what there is to say of it."""
    state = (each for each in module.state_dict().values() if isinstance(each, Tensor))
    floats = {each.dtype for each in state if each.is_floating_point()}
    other = sorted(str(dtype).removeprefix("torch.") for dtype in floats - {torch.float32})
    if not other:
        return []
    module.float()
    return [f"Its weights are {' and '.join(other)}; it is computed in float32."]


def _examined(
    module: nn.Module, size: tuple[int, int], channels: int = 3
) -> tuple[Examination, torch.memory_format]:
    """What a network is made of, and how its maps lie in memory.

    Channels last: on processors and GPUs alike convolutions take up to a third less time so. A
    network that takes maps apart by their places in memory (`view`) runs in torch's usual format.
    """
    _arrange(module, torch.channels_last)
    try:
        layout = torch.channels_last
        return examined(module, size, channels, memory_format=layout), layout
    except ModelError:
        _arrange(module, torch.contiguous_format)
        return examined(module, size, channels), torch.contiguous_format


def _arrange(module: nn.Module, memory_format: torch.memory_format) -> None:
    """Lay all kernels of two dimensions out in memory; others have no such format."""
    for parameter in module.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=memory_format)
