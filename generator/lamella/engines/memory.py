"""How many pictures fit into memory at once, found by a probe of one and two.

Flow: **memory** -> feature_visualization, unit_attribution. The size is found once per layer and
then written down, since a picture's bytes are promised for equal batch sizes.
"""

import os
from collections.abc import Callable

import torch
from torch import Tensor

from lamella.network.model import Model

# More than that is no faster: measured on two cores; on a GPU it is an estimate.
MOST = {"cpu": 16, "cuda": 256}
SHARE = {"cpu": 0.5, "cuda": 0.8}  # of all memory, that all workers together may take
HEADROOM = 2.0  # on processors: gradients and copies, beside what the graph keeps
MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(w in str(error).lower() for w in MEMORY)


def limit_of(model: Model, workers: int, asked: float | None) -> int:
    """Bytes that one worker may take.

    Args:
        workers: how many share the memory: all of a processor's, one per GPU.
        asked: gigabytes that all of them may take; without it a share of what the machine has,
            not of what is free now: the batch size must not depend on the hour.
    """
    if asked is not None:
        return int(asked * 1e9 / workers)
    if model.device.type == "cuda":
        return int(SHARE["cuda"] * torch.cuda.get_device_properties(model.device).total_memory)
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on this system
        total = 4_000_000_000
    return int(SHARE["cpu"] * total / workers)


def bytes_of(network: Callable[[Tensor], Tensor], model: Model, size: int, images: int) -> int:
    """Memory that a forward and backward pass of so many pictures takes."""
    pictures = model.plain(0.5, size, size, images).requires_grad_()
    if model.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(model.device)
        before = torch.cuda.memory_allocated(model.device)
        torch.autograd.grad(network(pictures).float().sum(), pictures)
        return torch.cuda.max_memory_allocated(model.device) - before
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(pictures)
    for parameter in model.module.parameters():
        kept.pop(parameter.untyped_storage().data_ptr(), None)
    return int(HEADROOM * sum(kept.values()))


def fitting(measure: Callable[[int], int], limit: int, most: int) -> int:
    """The largest batch that fits, at most `most`; a multiple of 8 where it is more than 8.

    Args:
        measure: bytes for a number of images, taken to grow by the same amount with each.
    """
    one, two = measure(1), measure(2)
    each = max(1, two - one)
    fit = max(1, min(most, 1 + (limit - one) // each))
    return fit // 8 * 8 if fit > 8 else fit
