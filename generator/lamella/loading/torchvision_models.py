"""Networks of torchvision, and its import beside a torch of another build.

Flow: **torchvision_models** -> model.
"""

import sys
from typing import Any

import torch
from torch import nn

from lamella.errors import ModelError, did_you_mean, said
from lamella.loading.timm_models import RANDOM

_kept_alive: list[Any] = []


def mend_torchvision() -> None:
    """Let torchvision be imported beside a torch of another build.

    Its compiled operators are absent then, and its import fails at the registration of two of
    them. Declaring those is enough for models and transforms. It must not be done where they are
    present: torch ends the process when an operator is declared twice.
    """
    try:
        import torchvision  # noqa: F401
    except ImportError:
        return
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for name in ("nms", "qnms"):
            if not hasattr(torch.ops.torchvision, name):
                library.define(  # type: ignore[no-untyped-call]
                    f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
                )
        _kept_alive.append(library)


def from_torchvision(name: str, weights: str) -> tuple[nn.Module, dict[str, Any]]:
    """A torchvision model; where its own weights are asked for, with what they state.

    Args:
        weights: the name of one of its weights, "" for the default, "random" for none, or a file,
            which is left to the caller.
    Raises:
        ModelError: there is no such model, or no such weights, or they cannot be downloaded.
    """
    try:
        from torchvision import models
    except ModuleNotFoundError as error:
        raise ModelError(
            "[model] source needs torchvision, which is not installed.",
            'Install it with: pip install "lamella[analyse]"',
        ) from error

    known = models.list_models(module=models)
    if name not in known:
        raise ModelError(
            f"torchvision has no classifier {name!r}.",
            did_you_mean(name, known, otherwise=f"It has {', '.join(known)}."),
        )
    if "." in weights or weights == RANDOM:  # a file, loaded by the caller
        return models.get_model(name, weights=None, **_quiet(name)).eval(), {"notes": ()}
    own = models.get_model_weights(name).__members__
    wanted = weights or "DEFAULT"
    if wanted not in own:
        raise ModelError(
            f"torchvision has no weights {wanted!r} for {name}.",
            did_you_mean(wanted, own, otherwise=f"Known: {', '.join(own)}; or give a file."),
        )
    try:
        module = models.get_model(name, weights=own[wanted]).eval()
    except (OSError, RuntimeError) as error:
        raise ModelError(
            f"The weights of {name} could not be downloaded: {said(error)}.",
            f'Give a file instead: [model] weights = "{name}.safetensors".',
        ) from error
    transforms = own[wanted].transforms()
    preprocessing = {
        "resize": transforms.resize_size[0],
        "size": transforms.crop_size[0],
        "interpolation": transforms.interpolation.value,
        "antialias": bool(transforms.antialias),
        "mean": tuple(transforms.mean),
        "std": tuple(transforms.std),
    }
    return module, {
        "preprocessing": preprocessing,
        "classes": own[wanted].meta.get("categories", ()),
        "weights": wanted,
    }


def _quiet(name: str) -> dict[str, Any]:
    """Keeps the two models with auxiliary heads from warning about their initial weights."""
    return {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
