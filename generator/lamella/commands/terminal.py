"""The one door to the terminal: what names of files, layers or labels hold never steers it.

Flow: what commands have to say -> **terminal**.
"""

import click

from lamella.config.visible import visible


def plain(text: str) -> str:
    """Text that a terminal shows and does not obey; lines and tabs stay."""
    return visible(text).replace("\r", "\\u000d")


def say(text: str = "", *, err: bool = False) -> None:
    """Print a line, on standard error if it is about what goes wrong."""
    click.echo(plain(text), err=err)
