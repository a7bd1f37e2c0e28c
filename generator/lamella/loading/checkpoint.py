"""The state dict in a weights file, wherever a training loop left it.

Flow: the file's content -> **checkpoint** -> weights. A checkpoint is read as one flat state dict:
its entries' names and its keys' prefixes (`state_dict`, `module.`, `net.`) are then the same thing,
the start of a key, and what fits the network under one start is its weights.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lamella.errors import ModelError, did_you_mean

# What training loops call the weights themselves, where other state dicts lie beside them.
USUAL = ("state_dict", "model_state_dict", "model")
COMPILED = "_orig_mod."  # torch.compile's part of a key
DEPTH = 4  # entries within entries


@dataclass(frozen=True, slots=True)
class Found:
    """A state dict in a file: the start of its keys, "" where it is the whole file; the rest."""

    start: str
    state: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def found_in(path: Path, saved: Mapping[str, Any], own: Mapping[str, Any], key: str) -> Found:
    """The state dict for a network, or the nearest to one where none fits.

    Args:
        saved: what the file holds.
        own: the network's own state dict.
        key: where the state dict lies, such as `state_dict_ema` or `model.module`; "" anywhere.
    Raises:
        ModelError: there is no such place, or several fit and none goes by a usual name.
    """
    flat = dict(_leaves(saved, own))
    within = f"{key.rstrip('.')}." if key else ""
    if within and not any(name.startswith(within) for name in flat):
        starts = sorted({name.partition(".")[0] for name in flat if "." in name})
        raise ModelError(
            f"[model] key is {key!r}, and nothing in {path} begins with it.",
            did_you_mean(key, starts, otherwise=f"It has {', '.join(starts[:8]) or 'no entries'}."),
        )
    starts = [start for start in _starts(flat, own) if start.startswith(within)]
    fitting = [start for start in starts if _fits(_under(flat, start), own)]
    if not fitting:
        near = max([within, *starts], key=lambda start: len(_under(flat, start).keys() & own))
        return Found(near, _under(flat, near))
    chosen = fitting if len(fitting) == 1 else _usual(fitting)
    if len(chosen) != 1:
        raise ModelError(
            f"{path} holds {len(fitting)} state dicts that fit: {_quoted(fitting)}.",
            f'Name one: [model] key = "{fitting[0].rstrip(".")}".',
        )
    (start,) = chosen
    return Found(start, _under(flat, start), _notes(path, flat, start, fitting) if start else ())


def _usual(fitting: Sequence[str]) -> list[str]:
    """Of several starts those that the first of the usual names has."""
    found = ([each for each in fitting if each.partition(".")[0] == name] for name in USUAL)
    return next(filter(None, found), [])


def _leaves(
    saved: Mapping[str, Any], own: Mapping[str, Any], at: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Keys and values of a state dict and of those within it, one long key each."""
    for key, value in saved.items():
        name = f"{at}{key}".replace(COMPILED, "")
        # An entry of the network's own may be a dict: what a module keeps beside its weights.
        if isinstance(value, Mapping) and name not in own and depth < DEPTH:
            yield from _leaves(value, own, f"{name}.", depth + 1)
        else:
            yield name, value


def _starts(flat: Mapping[str, Any], own: Mapping[str, Any]) -> list[str]:
    """The starts under which the network's first or last entry lies."""
    ends = [*own][:1] + [*own][-1:]
    found = [
        name.removesuffix(end)
        for end in ends
        for name in flat
        if name == end or name.endswith(f".{end}")
    ]
    return list(dict.fromkeys(found)) or [""]


def _under(flat: Mapping[str, Any], start: str) -> dict[str, Any]:
    return {name[len(start) :]: value for name, value in flat.items() if name.startswith(start)}


def _fits(state: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    return state.keys() == own.keys() and not any(
        flaw(state[name], value) for name, value in own.items() if isinstance(value, Tensor)
    )


def flaw(value: Any, own: Tensor) -> str:
    """Why a value cannot stand for a tensor of the network, to go on its name; "" where it can."""
    if not isinstance(value, Tensor):
        return f"is {type(value).__name__}, not {tuple(own.shape)}"
    if value.is_nested or value.layout != torch.strided:
        return "is sparse or nested"
    if value.is_quantized:
        return "is quantized"
    if value.is_meta:
        return "has no values, being on the device meta"
    if value.shape != own.shape:
        return f"is {tuple(value.shape)}, not {tuple(own.shape)}"
    kinds = [(each.is_floating_point(), each.is_complex()) for each in (value, own)]
    return "" if kinds[0] == kinds[1] else f"is {value.dtype}, not {own.dtype}"


def _notes(
    path: Path, flat: Mapping[str, Any], start: str, fitting: Sequence[str]
) -> tuple[str, ...]:
    """Which of a file's tensors are the weights, and which are not."""
    beside = sum(
        isinstance(value, Tensor) for name, value in flat.items() if not name.startswith(start)
    )
    rest = f"; {beside} other tensors in it are not read" if beside else ""
    also = [each for each in fitting if each != start]
    more = f" {_quoted(also)} would fit too: [model] key names it." if also else ""
    return (f"Its weights are those under {_quoted([start])} in {path.name}{rest}.{more}",)


def _quoted(starts: Sequence[str]) -> str:
    return ", ".join(f"'{start.rstrip('.')}'" for start in starts)
