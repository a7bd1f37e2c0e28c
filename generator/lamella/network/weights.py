"""Weights: from a file into a module, and the digest that identifies them.

Flow: config -> **weights** -> model. A file with pickled objects is never executed: it holds
safetensors or a state dict.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lamella.errors import ModelError, said

SHOWN = 4  # keys of each kind that an error names


def weights_digest(module: nn.Module) -> str:
    """SHA-256 over names, types, shapes and bytes of parameters and buffers, sorted by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        if not isinstance(tensor, Tensor):  # what a module may keep beside its weights
            continue
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def load_weights(module: nn.Module, path: Path) -> None:
    """Load a weights file into a module; every key must fit.

    Raises:
        ModelError: the file does not exist, cannot be read, holds more than weights, or does not
            fit the module.
    """
    state = _read(path)
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict):
        raise ModelError(
            f"{path} holds a {type(state).__name__}, not a state dict.",
            "Save it with torch.save(model.state_dict(), path).",
        )
    own = module.state_dict()
    wrong = _misfits(own, state)
    if wrong:
        raise ModelError(
            f"{path} does not fit {type(module).__name__}: {'; '.join(wrong)}.", _cure(own, state)
        )
    module.load_state_dict(state)


def _read(path: Path) -> Any:
    """What a weights file holds."""
    if not path.is_file():
        raise ModelError(
            f"The weights file {path} does not exist.",
            "[model] weights is relative to the folder of atlas.toml.",
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        # torch's unpickler names what it refused to import or to run.
        refused = re.search(r"GLOBAL (\S+)", str(error))
        if refused:
            raise ModelError(
                f"{path} holds more than weights: {refused[1]}, which is not executed.",
                "Save the state dict alone: torch.save(model.state_dict(), path), or safetensors.",
            ) from error
        raise _unreadable(path, "it is no state dict") from error
    except (SafetensorError, OSError, RuntimeError, ValueError, EOFError) as error:
        raise _unreadable(path, said(error)) from error
    except Exception as error:  # damaged pickles raise almost anything
        raise _unreadable(path, type(error).__name__) from error


def _unreadable(path: Path, why: str) -> ModelError:
    return ModelError(
        f"The weights file {path} cannot be read: {why}.",
        "It may be damaged or half downloaded. It must be a .safetensors file, or a state dict "
        "saved by torch.save(model.state_dict(), path).",
    )


def _misfits(own: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    """How a state dict differs from the module's own, in words."""
    missing = [key for key in own if key not in state]
    unknown = [str(key) for key in state if key not in own]
    shapes = [
        f"{key} is {_shape(state[key])}, not {_shape(own[key])}"
        for key in own
        if key in state and isinstance(own[key], Tensor) and _shape(state[key]) != _shape(own[key])
    ]
    kinds = (("missing: ", missing), ("unknown to the network: ", unknown), ("", shapes))
    return [f"{what}{_some(keys)}" for what, keys in kinds if keys]


def _shape(value: object) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return ", ".join(keys[:SHOWN]) + more


def _cure(own: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """What to do about a state dict that does not fit."""
    first = str(next(iter(state), ""))
    prefix = first.partition(".")[0] + "."
    stripped = {str(key).removeprefix(prefix) for key in state}
    if stripped == set(own):
        return f"All its keys begin with {prefix!r}: save the state dict of the network inside."
    inner = [str(key) for key, value in state.items() if isinstance(value, dict)]
    if inner:
        return f"It is a checkpoint that holds more than weights: save its {inner[0]!r} alone."
    return "[model] weights must be of the very network that [model] source builds."
