"""How all commands behave: errors as two lines, no traceback where one is stopped, hints on typos.

Flow: beside the command line, which `cli.py` spells out.
"""

import atexit
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from lamella.commands.terminal import say
from lamella.errors import LamellaError, did_you_mean

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_ANALYSIS_ONLY = frozenset({"torch", "torchvision", "numba", "sklearn", "umap"})


@contextmanager
def _heard() -> Iterator[None]:
    """SIGTERM and SIGHUP end a command as Ctrl-C does, unless they are ignored, as under nohup."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    before: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:
                    before[number] = signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def _ran_out(error: BaseException) -> bool:
    """Whether an error says that memory ran out, as Python or as torch says it."""
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in _MEMORY)


class _Starved:
    """Notices a thread that could not begin for lack of memory; a context manager.

    Python lets whoever starts such a thread wait for ever: that waiting is interrupted.
    """

    def __init__(self) -> None:
        self.noticed = False

    def __enter__(self) -> "_Starved":
        self._before = sys.unraisablehook
        sys.unraisablehook = self._look
        return self

    def __exit__(self, *error: object) -> None:
        sys.unraisablehook = self._before

    def _look(self, problem: Any) -> None:
        main = threading.main_thread()
        if not issubclass(problem.exc_type, MemoryError) or threading.current_thread() is main:
            self._before(problem)
        elif not self.noticed:
            self.noticed = True
            if hasattr(signal, "pthread_kill") and main.ident:
                signal.pthread_kill(main.ident, signal.SIGINT)
            else:  # not on this system: it may go on waiting, but says why
                self._before(problem)


class Commands(click.Group):
    """A group that shows our own errors as two lines, and leaves by Ctrl-C without a traceback."""

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order in which they are used."""
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        # All is done once the interpreter leaves: Ctrl-C could only interrupt its tidying up.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
        try:
            with _heard(), _Starved() as starved:
                return super().invoke(context)
        except LamellaError as error:
            say(f"Error: {error}", err=True)
            sys.exit(1)
        except (KeyboardInterrupt, MemoryError, RuntimeError) as error:
            if starved.noticed or _ran_out(error):
                say(
                    "Error: Memory ran out.\n  What was complete stays complete. Free some memory, "
                    "or set OMP_NUM_THREADS=1, then run the same command again.",
                    err=True,
                )
                sys.exit(1)
            if not isinstance(error, KeyboardInterrupt):
                raise
            number = signal.Signals(error.args[0] if error.args else signal.SIGINT)
            by = "" if number == signal.SIGINT else f" by {number.name}"
            say(
                f"\nStopped{by}. What was finished is kept: the same command goes on from there.",
                err=True,
            )
            sys.exit(128 + number)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _ANALYSIS_ONLY:
                raise
            say(
                f"Error: This command needs {error.name}, which is not installed.\n"
                '  Install it with: pip install "lamella[analyse]"',
                err=True,
            )
            sys.exit(1)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, args)
        except click.UsageError as error:
            near = did_you_mean(args[0], self.commands, otherwise="See lamella --help.")
            raise click.UsageError(f"{error.message} {near}", context) from None
