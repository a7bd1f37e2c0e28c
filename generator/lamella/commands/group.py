"""How all commands behave: errors as two lines, Ctrl-C without a traceback, typos with a hint.

Flow: beside the command line, which `cli.py` spells out.
"""

import atexit
import signal
import sys
from typing import Any

import click

from lamella.commands.terminal import say
from lamella.errors import LamellaError, did_you_mean

_ANALYSIS_ONLY = frozenset({"torch", "torchvision", "numba", "sklearn", "umap"})


class Commands(click.Group):
    """A group that shows our own errors as two lines, and leaves by Ctrl-C without a traceback."""

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order in which they are used."""
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        # All is done once the interpreter leaves: Ctrl-C could only interrupt its tidying up.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
        try:
            return super().invoke(context)
        except LamellaError as error:
            say(f"Error: {error}", err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            say(
                "\nStopped. What was finished is kept: the same command goes on from there.",
                err=True,
            )
            sys.exit(130)
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
