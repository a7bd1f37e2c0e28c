"""Networks of timm, by name or from the Hugging Face Hub.

Flow: **timm_models** -> model.
"""

from contextlib import suppress
from importlib import import_module
from typing import Any

from torch import nn

from lamella.errors import ModelError, did_you_mean, said

RANDOM = "random"  # in place of weights


def from_timm(name: str, weights: str) -> tuple[nn.Module, dict[str, Any]]:
    """A model of timm, and what its configuration states: preprocessing, classes, notes.

    Args:
        name: as timm.create_model takes it: `vit_base_patch16_224`, `hf-hub:ORG/NAME`.
        weights: "" for those that the name stands for, "random" for none, or a file, which is left
            to the caller.
    Raises:
        ModelError: timm is not installed, there is no such model, or its weights cannot be
            downloaded.
    """
    try:
        import timm
    except ModuleNotFoundError as error:
        raise ModelError(
            "[model] source needs timm, which is not installed.",
            'Install it with: pip install "lamella[timm]"',
        ) from error
    if weights and weights != RANDOM and "." not in weights:
        raise ModelError(
            f"[model] weights is {weights!r}: of timm, a name's weights are part of the name.",
            f'Write source = "timm:{name.partition(".")[0]}.{weights}", or name a file.',
        )
    if not name.startswith("hf-hub:") and not timm.is_model(name):
        known = timm.list_models()
        raise ModelError(
            f"timm has no model {name!r}.",
            did_you_mean(name, known, otherwise=f"It has {len(known)}; timm.list_models() lists."),
        )
    try:
        module = timm.create_model(name, pretrained=not weights)
    except Exception as error:  # of timm, of the hub, of the connection
        raise ModelError(
            f"The weights of {name} could not be downloaded: {said(error)}.",
            'Give a file, [model] weights = "FILE.safetensors", or "random" to try without.',
        ) from error
    stated: Any = module.pretrained_cfg
    preprocessing, notes = _preprocessing(stated)
    return module.eval(), {
        "preprocessing": preprocessing,
        "classes": _classes(module, stated),
        "notes": notes,
    }


def _preprocessing(stated: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What timm.data.create_transform does in evaluation; what there is to say of it."""
    planes, height, width = stated["input_size"]
    scaled = [int(extent / stated.get("crop_pct", 0.875)) for extent in (height, width)]
    mode = stated.get("crop_mode", "center")
    exact = mode == "squash" or height != width
    notes = []
    if mode == "border" or (exact and mode != "squash"):
        exact = False
        notes.append(
            f"timm frames its photographs ({mode}, {height} x {width}); here the shorter side is "
            "resized and the middle cut out."
        )
    found: dict[str, Any] = {
        "resize": tuple(scaled) if exact else min(scaled),
        "size": height if height == width else (height, width),
        "interpolation": stated.get("interpolation", "bicubic"),
        "channels": "L" if planes == 1 else "RGB",
        "mean": tuple(stated["mean"]),
        "std": tuple(stated["std"]),
    }
    return found, notes


def _classes(module: nn.Module, stated: dict[str, Any]) -> tuple[str, ...]:
    """The names of the classes, where timm knows them."""
    if names := stated.get("label_names"):
        return tuple(names)
    with suppress(Exception):  # for some sets only, and by internals of timm
        data: Any = import_module("timm.data")
        if subset := data.infer_imagenet_subset(module):
            known = data.ImageNetInfo(subset)
            return tuple(known.index_to_description(at) for at in range(known.num_classes()))
    return ()
