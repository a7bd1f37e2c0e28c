"""Arguments and options that several commands take.

Flow: **options** -> cli.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from lamella.config.config import Config, load

F = TypeVar("F", bound=Callable[..., Any])

CONFIG = click.argument("config", type=click.Path(dir_okay=False, path_type=Path))


def folders(command: F) -> F:
    """The options that say where results lie."""
    for name, what in (
        ("--site", "Folder of the site, instead of [output] site."),
        ("--work", "Folder of the store, instead of [output] work."),
    ):
        folder = click.Path(file_okay=False, path_type=Path)
        command = click.option(name, type=folder, metavar="FOLDER", help=what)(command)
    return command


DEVICE = click.option(
    "--device", metavar="NAME", help="Where torch computes: auto, cpu, cuda, cuda:1, mps."
)


LAYERS = click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="GLOB",
    help="Only these layers; repeatable. A leading ! excludes.",
)


def selection(command: F) -> F:
    """The options that restrict a run."""
    command = DEVICE(command)
    for names, metavar, what in (
        (["--channels"], "LIST", "Only these channels, such as 3,7,16-31."),
        (["--panel", "panels"], "GLOB", "Only these panels; repeatable. A leading ! excludes."),
    ):
        several = metavar == "GLOB"
        command = click.option(*names, multiple=several, metavar=metavar, help=what)(command)
    return LAYERS(command)


def loaded(config: Path, work: Path | None, site: Path | None, device: str | None) -> Config:
    """The config, with what the command line sets over it."""
    output = {
        name: str(folder.resolve()) for name, folder in (("work", work), ("site", site)) if folder
    }
    return load(config, output=output, analysis={"device": device} if device else {})
