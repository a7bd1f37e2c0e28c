"""The command line in processes that are forked where all is imported, and that may be attacked.

The forks are those of a process of its own, which has computed nothing yet: pools of threads do not
outlive a fork.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from helpers.tiny import ENVIRONMENT


class Forks:
    """A process that forks for each command."""

    def __init__(self) -> None:
        paths = [ENVIRONMENT["PYTHONPATH"], str(Path(__file__).parents[1])]
        self._server = subprocess.Popen(
            [sys.executable, "-m", "helpers.forked"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(paths)},
        )

    def _ask(self, *question: Any) -> int:
        assert self._server.stdin and self._server.stdout
        print(json.dumps(question), file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())

    def start(self, *arguments: str, said: Path, attack: tuple[Any, ...] = ()) -> int:
        """Start a command; its number.

        Args:
            said: a file for what it prints.
            attack: the name of one of `ATTACKS`, and what that takes.
        """
        return self._ask("start", arguments, str(said), attack)

    def ended(self, number: int) -> int:
        """The exit code of a command, negative for a signal; waits for it."""
        return self._ask("wait", number)

    def run(self, *arguments: str, said: Path, attack: tuple[Any, ...] = ()) -> int:
        """The exit code of a command; waits for it."""
        return self.ended(self.start(*arguments, said=said, attack=attack))

    def close(self) -> None:
        self._server.communicate("")


def _at_replace(act: Callable[[int, Any], None]) -> None:
    """Call something with the number of each write, and its draft, right before it is renamed."""
    real, seen = os.replace, 0

    def replace(draft: Any, path: Any, **more: Any) -> None:
        nonlocal seen
        seen += 1
        act(seen, draft)
        real(draft, path, **more)
        act(-seen, draft)

    os.replace = replace


def kill(write: int, when: str) -> None:
    """Kill the process at its `write`-th write: "before" the file has its name, with "half" of it
    written, or "after"."""

    def act(number: int, draft: Any) -> None:
        if number == write and when == "half":
            os.truncate(draft, os.path.getsize(draft) // 2)
        if number == (-write if when == "after" else write):
            os.kill(os.getpid(), signal.SIGKILL)

    _at_replace(act)


def vanish(write: int, folder: str) -> None:
    """Delete a folder at the process' `write`-th write."""
    _at_replace(lambda number, draft: shutil.rmtree(folder) if number == write else None)


def starve(number: int) -> None:
    """Let the `number`-th thread of the process begin without memory; kill what hangs then."""
    real, seen = threading.Thread._bootstrap_inner, 0  # type: ignore[attr-defined]

    def begin(thread: threading.Thread) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise MemoryError
        real(thread)

    threading.Thread._bootstrap_inner = begin  # type: ignore[attr-defined]
    signal.alarm(50)


ATTACKS: dict[str, Callable[..., None]] = {"kill": kill, "vanish": vanish, "starve": starve}


class _Flat:
    """In place of UMAP, whose compilation would take most of the time: it leaves points alone."""

    def __init__(self, init: Any, **options: Any) -> None:
        self.init = init

    def fit_transform(self, points: Any) -> Any:
        return self.init


def _serve() -> None:
    import torch

    from lamella.cli import main

    torch.set_num_threads(1)
    for line in sys.stdin:
        kind, *rest = json.loads(line)
        if kind == "wait":
            print(os.waitstatus_to_exitcode(os.waitpid(rest[0], 0)[1]), flush=True)
        elif number := os.fork():
            print(number, flush=True)
        else:
            _command(main, *rest)


def _command(main: Any, arguments: list[str], said: str, attack: list[Any]) -> None:
    code = 70
    try:
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.modules["umap"] = SimpleNamespace(UMAP=_Flat)  # type: ignore[assignment]
        if attack:
            ATTACKS[attack[0]](*attack[1:])
        main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def flip(path: Path, bit: int) -> None:
    """Turn one bit of a file around, and leave its time as it was."""
    content, stat = bytearray(path.read_bytes()), path.stat()
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


if __name__ == "__main__":
    _serve()
