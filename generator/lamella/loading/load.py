"""From a config to a network: a module in eval mode, its preprocessing and its weights' digest.

Flow: config, source, weights, trace -> **load** -> pipeline.
"""

from typing import Any

import torch
from torch import Tensor, nn

from lamella.config.config import Config
from lamella.config.planes import Planes
from lamella.config.preprocessing import Preprocessing
from lamella.errors import ModelError, said
from lamella.loading.class_names import class_names
from lamella.loading.own_preprocessing import own_preprocessing
from lamella.loading.plain import eager, widened
from lamella.loading.source import from_file
from lamella.loading.timm_models import RANDOM, from_timm
from lamella.loading.torchvision_models import from_torchvision, mend_torchvision
from lamella.loading.weights import load_weights, refuse_not_finite, weights_digest
from lamella.network.activations import ONE_BY_ONE, OneAlone, let_run_one_by_one, runs_one_by_one
from lamella.network.description import Network
from lamella.network.model import Model, with_layers
from lamella.network.outputs import no_scores, pick_output
from lamella.network.paths import DRAWS
from lamella.network.trace import Examination, examined


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
    module, notes = eager(module)
    notes = [*stated.get("notes", ()), *notes]
    if section.weights == RANDOM and stated:
        notes.append("Its weights are random: it is not trained.")
    elif section.weights and "weights" not in stated:
        notes += load_weights(module, config.path(section.weights), section.key)
    notes += refuse_not_finite(module)
    module.requires_grad_(False)
    digest = weights_digest(module)
    notes += widened(module)
    module.to(device)
    preprocessing = section.preprocessing or Preprocessing(**stated.get("preprocessing", {}))
    described = preprocessing.stated()
    planes, own = Planes.of(preprocessing), own_preprocessing(config, preprocessing)
    if own:
        preprocessing, planes = own.how, own.planes
        described |= {"digest": own.digest, "size": list(own.how.shape)}
    size = preprocessing.shape
    blank = torch.zeros((1, planes.number, *size), device=device)
    notes += pick_output(module, section.output, blank)

    def again() -> nn.Module:
        made, _ = eager(_loaded(config)[0])
        widened(made)
        pick_output(made.to(device), section.output, blank)
        if runs_one_by_one(module):
            let_run_one_by_one(made)
        return made

    before = _random_state(device)
    seen, memory_format = _examined(module, size, planes.number)
    if not torch.equal(before, _random_state(device)):
        notes.append(DRAWS)
    if runs_one_by_one(module):
        notes.append(ONE_BY_ONE)
    elif memory_format != torch.channels_last:
        notes.append("It takes maps apart by their places in memory, so they lie as torch's do.")
    classes = class_names(config, seen.outputs) if section.classes else stated.get("classes", ())
    if embedding := no_scores(section.output, seen.outputs, seen.embedding, len(classes)):
        notes.append(f"{embedding} There are no pages of classes.")
    facts = Network(
        name=section.name,
        source=section.source,
        digest=digest,
        architecture="",
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        size=size,
        preprocessing=described,
        layers=(),
        classes=tuple(classes),
        notes=tuple(notes),
        embedding=embedding,
    )
    model = Model(
        module,
        preprocessing,
        {},
        facts,
        device,
        memory_format,
        own=own,
        learned=planes if own else None,
        again=again,
    )
    return with_layers(model, seen)


def _loaded(config: Config) -> tuple[nn.Module, dict[str, Any]]:
    """The module that a config names; what its library states of it, and whether it has weights."""
    source, weights = config.model.source, config.model.weights
    library, _, name = source.partition(":")
    if library == "torchvision":
        return from_torchvision(name, weights)
    if library in ("timm", "hf-hub"):
        return from_timm(name if library == "timm" else source, weights)
    return from_file(source, config.path), {}


def _random_state(device: torch.device) -> Tensor:
    """Where torch's random numbers stand; an examination by itself draws none."""
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.get_rng_state()


def _examined(
    module: nn.Module, size: tuple[int, int], channels: int = 3
) -> tuple[Examination, torch.memory_format]:
    """What a network is made of, and how its maps lie in memory.

    Channels last: on processors and GPUs alike convolutions take up to a third less time so. A
    network that takes maps apart by their places in memory (`view`) runs in torch's usual format,
    one that does not run on two images at once on one after the other.
    """
    _arrange(module, torch.channels_last)
    try:
        layout = torch.channels_last
        return examined(module, size, channels, memory_format=layout), layout
    except ModelError:
        _arrange(module, torch.contiguous_format)
    try:
        return examined(module, size, channels), torch.contiguous_format
    except OneAlone:
        let_run_one_by_one(module)
        return examined(module, size, channels), torch.contiguous_format


def _arrange(module: nn.Module, memory_format: torch.memory_format) -> None:
    """Lay all kernels of two dimensions out in memory; others have no such format."""
    for parameter in module.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=memory_format)
