"""A function of the user's own.

Flow: **user_code** -> source, own_preprocessing, datasets. The code of `FILE.py:FUNCTION` is run,
and nothing else is.
"""

import contextlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from lamella.errors import LamellaError, did_you_mean, said


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for it, for errors.

    Attributes:
        key: of atlas.toml.
        what: the function gives.
        forms: what the key may be.
        error: how this fails.
    """

    key: str
    what: str
    forms: str
    error: type[LamellaError]


def returned(source: str, locate: Callable[[str], Path], asked: Asked) -> Any:
    """What the function returns; see `function_of`."""
    return _run(source, locate, asked, lambda function: function())


def function_of(source: str, locate: Callable[[str], Path], asked: Asked) -> Callable[..., Any]:
    """The function itself. Its neighbours can be imported, as when the file is run.

    Args:
        source: `FILE.py:FUNCTION`.
        locate: from a path of atlas.toml to one of this machine.
    Raises:
        LamellaError: `asked.error`: there is no such function, or its file fails.
    """
    found: Callable[..., Any] = _run(source, locate, asked, lambda function: function)
    return found


def _run(
    source: str, locate: Callable[[str], Path], asked: Asked, use: Callable[[Any], Any]
) -> Any:
    file, _, function = source.rpartition(":")
    path = locate(file)
    if path.suffix != ".py" or not function.isidentifier():
        raise asked.error(f"{asked.key} is {source!r}, which names no {asked.what}.", asked.forms)
    if not path.is_file():
        raise asked.error(
            f"{asked.key} names {path}, which does not exist.",
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
            return use(found)
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {said(error)}"
        raise asked.error(
            f"{asked.key}: {path} fails{place_of(error, path)}: {what}.",
            f"It must work in a Python of its own: from {path.stem} import {function}.",
        ) from error
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(path.parent))
    has = _functions(user)
    raise asked.error(
        f"{asked.key}: {path} has no function {function!r}.",
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
