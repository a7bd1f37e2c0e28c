"""How all commands behave: errors as two lines, Ctrl-C without a traceback, typos with a hint.

Flow: beside the command line, which `cli.py` spells out.
"""

import atexit
import signal
import sys
import threading
from typing import Any

import click

from lamella.errors import LamellaError, did_you_mean

_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
_ANALYSIS_ONLY = frozenset({"torch", "torchvision", "numba", "sklearn", "umap"})


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
            with _Starved() as starved:
                return super().invoke(context)
        except LamellaError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)
        except (KeyboardInterrupt, MemoryError, RuntimeError) as error:
            if starved.noticed or _ran_out(error):
                click.echo(
                    "Error: Memory ran out.\n  What was complete stays complete. Free some memory, "
                    "or set OMP_NUM_THREADS=1, then run the same command again.",
                    err=True,
                )
                sys.exit(1)
            if not isinstance(error, KeyboardInterrupt):
                raise
            click.echo(
                "\nStopped. What was finished is kept: the same command goes on from there.",
                err=True,
            )
            sys.exit(130)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _ANALYSIS_ONLY:
                raise
            click.echo(
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
