"""A network in its plain form: without compiled parts, in single precision.

Flow: source, torchvision_models, timm_models -> **plain** -> model.
"""

import torch
from torch import Tensor, nn


def eager(module: nn.Module) -> tuple[nn.Module, list[str]]:
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


def widened(module: nn.Module) -> list[str]:
    """Bring a network to single precision; what there is to say of it."""
    state = (each for each in module.state_dict().values() if isinstance(each, Tensor))
    floats = {each.dtype for each in state if each.is_floating_point()}
    other = sorted(str(dtype).removeprefix("torch.") for dtype in floats - {torch.float32})
    if not other:
        return []
    module.float()
    return [f"Its weights are {' and '.join(other)}; it is computed in float32."]
