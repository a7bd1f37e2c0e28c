"""What `lamella settings` prints: every key of atlas.toml, as Markdown.

Flow: descriptions of the fields of config and panels -> **settings**. Needs no torch. What it
prints is kept as `site/docs/settings.md`; a test compares the two.
"""

import json
import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lamella.analyses import known_panels
from lamella.analyses.panel import Panel
from lamella.config.config import Config

HEAD = """\
# Settings

Every key of atlas.toml. Paths are relative to that file; an unknown key or a bad value is an error
that names the key and the remedy. This page is what `lamella settings` prints.
"""
PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false"}
BOUNDS = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}"}


def document(panels: Sequence[Panel] | None = None) -> str:
    """All settings: those of atlas.toml itself, then each panel's, as tables of Markdown."""
    parts = [HEAD]
    sections = list(_sections(Config))
    parts += [_table(f"[{name}]" if name else "Top of the file", rows) for name, rows in sections]
    for panel in known_panels() if panels is None else panels:
        words = f"{panel.title}. {panel.about}" if panel.about else f"{panel.title}."
        fields = list(panel.settings.model_fields.items())
        parts.append(_table(f"[panels.{panel.name}]", fields, " ".join(words.split())))
    return "\n".join(parts)


def _sections(
    model: type[BaseModel], name: str = ""
) -> Iterator[tuple[str, list[tuple[str, FieldInfo]]]]:
    """The tables of atlas.toml, each with its own keys; those inside of it follow."""
    inner = {key: _model(field.annotation) for key, field in model.model_fields.items()}
    if model is Config:
        del inner["panels"]  # tables of their own
    yield name, [(key, model.model_fields[key]) for key, kind in inner.items() if kind is None]
    for key, section in inner.items():
        if section is not None:
            yield from _sections(section, f"{name}.{key}" if name else key)


def _model(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, if it holds one."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _table(title: str, fields: Sequence[tuple[str, FieldInfo]], words: str = "") -> str:
    lines = [f"## {title}", "", *([words, ""] if words else [])]
    if not fields:
        return "\n".join([*lines, "No settings.", ""])
    lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, field in fields:
        cells = (f"`{field.alias or key}`", _value(field), _default(field), field.description or "")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _default(field: FieldInfo) -> str:
    """The default as atlas.toml would write it; "" where there is none to write."""
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    plain = list(default) if isinstance(default, tuple) else default
    return "" if plain in (None, "") else f"`{json.dumps(plain)}`"


def _value(field: FieldInfo) -> str:
    """What a key may be set to, in words."""
    bounds = [
        words.format(f"{getattr(each, name):g}")
        for each in _constraints(field)
        for name, words in BOUNDS.items()
        if hasattr(each, name)
    ]
    return ", ".join([_kind(field.annotation), *dict.fromkeys(bounds)])


def _constraints(field: FieldInfo) -> Iterator[Any]:
    """The bounds of a field, wherever its annotation states them."""
    yield from field.metadata
    for kind in (field.annotation, *get_args(field.annotation)):
        if get_origin(kind) is Annotated:
            for each in get_args(kind)[1:]:
                yield from each.metadata if isinstance(each, FieldInfo) else (each,)


def _kind(annotation: Any) -> str:
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inside[0])
    if origin is Literal:
        return " or ".join(f"`{json.dumps(each)}`" for each in inside)
    if origin in (Union, types.UnionType):
        kinds = dict.fromkeys(_kind(each) for each in inside if each is not type(None))
        return " or ".join(kinds)
    if origin in (tuple, list):
        number = f"{len(inside)} " if Ellipsis not in inside and len(inside) > 1 else ""
        return f"list of {number}{_kind(inside[0])}s"
    return PLAIN.get(annotation, str(getattr(annotation, "__name__", annotation)))
