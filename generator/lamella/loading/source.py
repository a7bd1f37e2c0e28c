"""A network that a function of the user's own makes.

Flow: **source** -> model. The code of `FILE.py:FUNCTION` is run, and nothing else is.
"""

import contextlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from lamella.errors import ModelError, did_you_mean, said


def from_file(source: str, locate: Callable[[str], Path]) -> nn.Module:
    """The module that the user's own function returns.

    Args:
        source: `FILE.py:FUNCTION`.
        locate: from a path of atlas.toml to one of this machine.
    Raises:
        ModelError: there is no such function, it fails, or it returns something else than a
            module in eval mode.
    """
    function = source.rpartition(":")[2]
    module = own_function(
        source,
        locate,
        "[model] source",
        "Write torchvision:NAME, timm:NAME or FILE.py:FUNCTION.",
        what="network",
        run=True,
    )
    if isinstance(module, torch.jit.ScriptModule):
        raise ModelError(
            f"[model] source: {source} returned a scripted module, which hides its operations.",
            "Return the nn.Module that was scripted or traced, with its weights loaded.",
        )
    if not isinstance(module, nn.Module):
        raise ModelError(
            f"[model] source: {source} returned {type(module).__name__}, not a torch.nn.Module.",
            f"End {function} with `return model.eval()`.",
        )
    packed = [name or "the network" for name, part in module.named_modules() if _quantized(part)]
    if packed:
        raise ModelError(
            f"[model] source: {source} returned a quantized network ({packed[0]}), whose weights "
            "are packed and let no gradient through.",
            "Return it as it was before it was quantized.",
        )
    training = [name or "the network" for name, part in module.named_modules() if part.training]
    if training:
        raise ModelError(
            f"[model] source: {source} returned a network in training mode ({training[0]}).",
            "Dropout and batch norm would give other values at every pass: return model.eval().",
        )
    return module


def _quantized(part: nn.Module) -> bool:
    """Whether a module is one of those that torch's quantization puts in place of others."""
    return ".quantized." in f"{type(part).__module__}."


def own_function(
    source: str,
    locate: Callable[[str], Path],
    where: str,
    rule: str,
    *,
    what: str = "function",
    run: bool = False,
) -> Any:
    """A function of the user's own. Its file's neighbours can be imported, as when that is run.

    Args:
        source: `FILE.py:FUNCTION`.
        locate: from a path of atlas.toml to one of this machine.
        where: the setting, for errors.
        rule: what may stand there.
        what: it is to be.
        run: give what it returns in place of the function.
    Raises:
        ModelError: there is no such function, or it fails.
    """
    file, _, function = source.rpartition(":")
    path = locate(file)
    if path.suffix != ".py" or not function.isidentifier():
        raise ModelError(f"{where} is {source!r}, which names no {what}.", rule)
    if not path.is_file():
        raise ModelError(
            f"{where} names {path}, which does not exist.",
            "It is relative to the folder of atlas.toml.",
        )
    name = f"lamella_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # a .py file has both
    user = sys.modules[name] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(user)
        found = getattr(user, function, None)
        if callable(found):
            return found() if run else found
    except (Exception, SystemExit) as error:
        raise ModelError(
            f"{where}: {path} fails{place_of(error, path)}: {type(error).__name__}: {said(error)}.",
            f"It must work in a Python of its own: from {path.stem} import {function}.",
        ) from error
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(path.parent))
    has = _functions(user)
    raise ModelError(
        f"{where}: {path} has no function {function!r}.",
        did_you_mean(function, has, otherwise=f"It has {', '.join(has) or 'none'}."),
    )


def _functions(user: ModuleType) -> list[str]:
    """The names of the functions that a file defines itself."""
    return [
        name
        for name, value in vars(user).items()
        if callable(value) and getattr(value, "__module__", "") == user.__name__
    ]


def place_of(error: BaseException, path: Path) -> str:
    """The line of the user's file that an error came from, in words."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    return f" in line {lines[-1]}" if lines else ""
