"""A network's weights: from a file into a module, drawn at random, and what identifies them.

Flow: config, checkpoint -> **weights** -> model; the random ones -> dissection, sanity_checks. A
file with pickled objects is never executed: it holds safetensors, a state dict, or a checkpoint of
tensors and numbers.
"""

import hashlib
import math
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lamella.errors import ModelError, said
from lamella.loading.checkpoint import flaw, found_in

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


def untrained(made: nn.Module, seed: int) -> nn.Module:
    """Give a network, a copy of the user's, random weights; the same for the same seed.

    It tells what is found by chance and by architecture alone. Every module is reset as its own
    `reset_parameters` says (normalizations to 1 and 0, and to running statistics of 0 and 1), then
    every kernel and matrix of more than one axis is drawn from a normal distribution of variance
    2 / inputs, and the biases beside them are set to 0 (He et al. 2015, arXiv:1502.01852):
    PyTorch's own reset shrinks activations layer by layer until only the biases are left, which no
    position differs in.
    """
    device = next((parameter.device for parameter in made.parameters()), torch.device("cpu"))
    made = made.cpu()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for part in made.modules():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                with suppress(TypeError):  # one of the user's own, which wants arguments
                    reset()
            own = dict(part.named_parameters(recurse=False))
            drawn = [parameter for parameter in own.values() if parameter.dim() > 1]
            for parameter in drawn:
                inputs = max(1, parameter[0].numel())
                parameter.normal_(0, math.sqrt(2 / inputs))
            if drawn and (bias := own.get("bias")) is not None:
                bias.zero_()
    return made.requires_grad_(False).eval().to(device)


def refuse_not_finite(module: nn.Module) -> list[str]:
    """Refuse weights that are NaN or infinite: every number of the atlas would rest on them.

    Returns:
        What there is to say of buffers that are NaN, a running variance say: layers that run before
        can still be looked at. Infinite ones may be meant, as masks of attention are.
    Raises:
        ModelError: there are such weights; they are named.
    """
    wrong = [_number(name, value.isfinite()) for name, value in module.named_parameters()]
    if any(wrong):
        raise ModelError(
            f"The network's weights are NaN or infinite: {_some([*filter(None, wrong)])}.",
            "Training may have diverged, or the file is damaged: take weights of before.",
        )
    kept = [_number(name, ~value.isnan()) for name, value in module.named_buffers()]
    return [f"What it keeps beside its weights is NaN: {one}." for one in kept if one]


def _number(name: str, fine: Tensor) -> str:
    """How many values of a tensor are not fine; "" where all are."""
    lost = int((~fine).sum())
    return f"{name} ({lost} of {fine.numel()} values)" if lost else ""


def load_weights(module: nn.Module, path: Path, key: str = "") -> tuple[str, ...]:
    """Load a weights file into a module; every key must fit.

    Args:
        key: where in the file the state dict lies; "" finds it.
    Returns:
        What there is to say of it: where the weights lay, and what was not read.
    Raises:
        ModelError: the file does not exist, cannot be read, holds more than weights, or does not
            fit the module.
    """
    saved = _read(path)
    if not isinstance(saved, dict):
        raise ModelError(
            f"{path} holds a {type(saved).__name__}, not a state dict.",
            "Save it with torch.save(model.state_dict(), path).",
        )
    inner = module.module if isinstance(module, nn.DataParallel) else module
    own = inner.state_dict()
    found = found_in(path, saved, own, key)
    wrong = _misfits(own, found.state)
    if wrong:
        what = f"What lies under '{found.start.rstrip('.')}' in {path}" if found.start else path
        raise ModelError(
            f"{what} does not fit {type(inner).__name__}: {'; '.join(wrong)}.",
            "[model] weights must be of the very network that [model] source builds.",
        )
    inner.load_state_dict(found.state)
    return found.notes


def _read(path: Path) -> Any:
    """What a weights file holds."""
    if not path.is_file():
        why = "is no file" if path.exists() else "does not exist"
        raise ModelError(
            f"The weights file {path} {why}.",
            "[model] weights is relative to the folder of atlas.toml.",
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        _refuse_bomb(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own words, on files that are refused below
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


def _refuse_bomb(path: Path) -> None:
    """Refuse an archive that says it holds more than its own bytes: torch compresses nothing."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > (packed := path.stat().st_size):
        raise ValueError(
            f"its {packed:,} bytes unpack to {unpacked:,}, which torch.save never makes"
        )


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
    flaws = [
        f"{key} {why}"
        for key, value in own.items()
        if key in state and isinstance(value, Tensor) and (why := flaw(state[key], value))
    ]
    kinds = (("missing: ", missing), ("unknown to the network: ", unknown), ("", flaws))
    return [f"{what}{_some(keys)}" for what, keys in kinds if keys]


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return ", ".join(keys[:SHOWN]) + more
