"""The command line in forked processes: all is imported, and they may be killed anywhere."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from lamella.cli import main


class _Flat:
    """In place of UMAP, whose compilation would take most of the time: it leaves points alone."""

    def __init__(self, init: Any, **options: Any) -> None:
        self.init = init

    def fit_transform(self, points: Any) -> Any:
        return self.init


def forked(*arguments: str, said: Path, first: Callable[[], None] = lambda: None) -> int:
    """Start a command in a fork of this process; its number.

    Args:
        said: a file for what it prints.
        first: is called in the fork before the command.
    """
    torch.set_num_threads(1)  # a pool of threads does not outlive a fork
    import lamella.commands.build
    import lamella.pipeline.pipeline  # noqa: F401

    if number := os.fork():
        return number
    code = 70
    try:
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout, sys.stderr = (os.fdopen(at, "w", buffering=1, closefd=False) for at in (1, 2))
        sys.modules["umap"] = SimpleNamespace(UMAP=_Flat)  # type: ignore[assignment]
        first()
        main(list(arguments))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def ended(number: int) -> int:
    """The exit code of a fork, negative for a signal; waits for it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def killed_at(write: int, when: str) -> Callable[[], None]:
    """To be called first: the process is killed at its `write`-th write.

    Args:
        when: "before" the file has its name, with "half" of it written, or "after".
    """

    def arm() -> None:
        real, seen = os.replace, 0

        def replace(draft: Any, path: Any, **more: Any) -> None:
            nonlocal seen
            seen += 1
            if seen == write and when == "half":
                os.truncate(draft, os.path.getsize(draft) // 2)
            if seen == write and when != "after":
                os.kill(os.getpid(), signal.SIGKILL)
            real(draft, path, **more)
            if seen == write:
                os.kill(os.getpid(), signal.SIGKILL)

        os.replace = replace

    return arm


def flip(path: Path, bit: int) -> None:
    """Turn one bit of a file around, and leave its time as it was."""
    content, stat = bytearray(path.read_bytes()), path.stat()
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
