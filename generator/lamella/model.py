"""The network: from a spec to a module in eval mode, its preprocessing and its weights' digest.

Flow: config -> **model** + images -> units. A file with pickled objects is never executed: weights
are safetensors or state dicts. The code of `FILE.py:FUNCTION` is the user's own and is run.
"""

import hashlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lamella.config import Config, Preprocessing
from lamella.errors import ModelError, did_you_mean
from lamella.facts import Network
from lamella.trace import Traced, trace

_kept_alive: list[Any] = []


def mend_torchvision() -> None:
    """Let torchvision be imported beside a torch of another build.

    Its compiled operators are absent then, and the import fails at the registration of two of
    them. Declaring those is enough for models and transforms.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept_alive.append(library)


@dataclass(frozen=True)
class Model:
    """A network ready to be looked into.

    Attributes:
        module: in eval mode, parameters frozen, on `device`.
        preprocessing: from sRGB in [0, 1] to its input.
        traced: its layers and where their values arise.
        facts: what pages need to know of it.
    """

    module: nn.Module
    preprocessing: Preprocessing
    traced: Mapping[str, Traced]
    facts: Network
    device: torch.device

    @cached_property
    def _constants(self) -> tuple[Tensor, Tensor]:
        scale, shift = torch.tensor(self.preprocessing.std), torch.tensor(self.preprocessing.mean)
        factor = self.preprocessing.scale / scale
        offset = -shift / scale
        shape = (1, 3, 1, 1)
        return factor.reshape(shape).to(self.device), offset.reshape(shape).to(self.device)

    def normalise(self, images: Tensor) -> Tensor:
        """sRGB in [0, 1], (image, 3, row, column), as the network's input."""
        factor, offset = self._constants
        if self.preprocessing.channels == "BGR":
            images = images.flip(1)
        return images * factor + offset


def device_of(name: str) -> torch.device:
    """The device that a config or the command line names.

    Raises:
        ModelError: torch has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            f"torch cannot compute on {name!r}: {str(error).splitlines()[0]}",
            "Choose another with --device; cpu always works.",
        ) from error
    return torch.device(name)


def load(config: Config, device: torch.device) -> Model:
    """Build the network that a config describes, load its weights, find its layers.

    Raises:
        ModelError: it cannot be built, its weights do not fit, or it is in training mode.
    """
    mend_torchvision()
    section = config.model
    stated: dict[str, Any] = {}
    if section.source.startswith("torchvision:"):
        module, stated = _from_torchvision(section.source.partition(":")[2], section.weights)
    else:
        module = _from_file(config)
    if section.weights and not stated:
        _load_weights(module, config.path(section.weights))
    module.requires_grad_(False)
    module.to(device)
    preprocessing = section.preprocessing or stated.get("preprocessing") or Preprocessing()
    classes = _classes(config) if section.classes else stated.get("classes", ())
    size = (preprocessing.size, preprocessing.size)
    traced = trace(module, size)
    facts = Network(
        name=section.name,
        source=section.source,
        digest=weights_digest(module),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        size=size,
        preprocessing=preprocessing.model_dump(mode="json"),
        layers=tuple(found.layer for found in traced),
        classes=tuple(classes),
    )
    return Model(module, preprocessing, {t.layer.name: t for t in traced}, facts, device)


def weights_digest(module: nn.Module) -> str:
    """SHA-256 over names, shapes and bytes of parameters and buffers, sorted by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _from_torchvision(name: str, weights: str) -> tuple[nn.Module, dict[str, Any]]:
    """A torchvision model; where its own weights are asked for, with what they state."""
    from torchvision import models

    known = [name for name in models.list_models() if "." not in name and "/" not in name]
    if name not in known:
        raise ModelError(
            f"torchvision has no model {name!r}.",
            did_you_mean(name, known, otherwise="See torchvision.models.list_models()."),
        )
    if weights and "." in weights:  # a file, loaded by the caller
        return models.get_model(name, weights=None, **_quiet(name)).eval(), {}
    enum = models.get_model_weights(name)
    wanted = weights or "DEFAULT"
    if wanted not in enum.__members__ and wanted != "DEFAULT":
        raise ModelError(
            f"torchvision has no weights {wanted!r} for {name}.",
            did_you_mean(wanted, enum.__members__, otherwise=f"Known: {', '.join(enum.__members__)}."),
        )
    chosen = enum[wanted]
    try:
        module = models.get_model(name, weights=chosen).eval()
    except OSError as error:
        raise ModelError(
            f"The weights of {name} could not be downloaded: {error}",
            "Give a file: [model] weights = \"resnet18.safetensors\".",
        ) from error
    transforms = chosen.transforms()
    preprocessing = Preprocessing(
        resize=transforms.resize_size[0],
        size=transforms.crop_size[0],
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
    )
    return module, {"preprocessing": preprocessing, "classes": chosen.meta.get("categories", ())}


def _quiet(name: str) -> dict[str, Any]:
    """Keeps the two models with auxiliary heads from warning about their initial weights."""
    return {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}


def _from_file(config: Config) -> nn.Module:
    """The module that the user's own function returns."""
    source = config.model.source
    file, _, function = source.rpartition(":")
    path = config.path(file)
    if not file or not function.isidentifier():
        raise ModelError(
            f"[model] source is {source!r}, which names no network.",
            "Write torchvision:NAME or FILE.py:FUNCTION.",
        )
    if not path.is_file():
        raise ModelError(f"[model] source names {path}, which does not exist.")
    spec = importlib.util.spec_from_file_location(f"lamella_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ModelError(f"{path} is not a Python file.")
    user = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(user)
    except Exception as error:
        raise ModelError(f"{path} fails: {type(error).__name__}: {error}") from error
    build = getattr(user, function, None)
    if not callable(build):
        near = did_you_mean(function, [name for name in vars(user) if not name.startswith("_")])
        raise ModelError(f"{path} has no function {function!r}.", near)
    try:
        module = build()
    except Exception as error:
        raise ModelError(f"{source} fails: {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise ModelError(f"{source} returned {type(module).__name__}, not a torch.nn.Module.")
    training = [name or "the network" for name, part in module.named_modules() if part.training]
    if training:
        raise ModelError(
            f"{source} returned a network in training mode ({training[0]}).",
            "Dropout and batch norm would give other values at every pass: return model.eval().",
        )
    return module


def _load_weights(module: nn.Module, path: Path) -> None:
    """Load a weights file into a module; every key must fit."""
    if not path.is_file():
        raise ModelError(
            f"The weights file {path} does not exist.",
            "[model] weights is relative to the folder of atlas.toml.",
        )
    try:
        if path.suffix == ".safetensors":
            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, ValueError, EOFError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    except Exception as error:  # torch's unpickler refuses with its own kinds of error
        raise ModelError(
            f"{path} holds more than weights: {str(error).splitlines()[0]}",
            "Save the state dict alone: torch.save(model.state_dict(), path), or safetensors.",
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict):
        raise ModelError(f"{path} holds a {type(state).__name__}, not a state dict.")
    own = module.state_dict()
    wrong = [f"{key} is missing" for key in own if key not in state]
    wrong += [f"{key} is unknown to the network" for key in state if key not in own]
    wrong += [
        f"{key} is {tuple(state[key].shape)}, the network's is {tuple(own[key].shape)}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    if wrong:
        more = f" and {len(wrong) - 6} more" if len(wrong) > 6 else ""
        raise ModelError(
            f"{path} does not fit {module.__class__.__name__}: {'; '.join(wrong[:6])}{more}."
        )
    module.load_state_dict(state)


def _classes(config: Config) -> tuple[str, ...]:
    """The names of the network's outputs, one a line."""
    path = config.path(config.model.classes)
    try:
        return tuple(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"[model] classes: cannot read {path}{os.linesep}  {error}") from error
