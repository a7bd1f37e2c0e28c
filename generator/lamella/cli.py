"""The command line: parse, delegate, print.

Heavy imports stay inside the commands: `render`, `serve` and `--help` work without torch.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from lamella import __version__
from lamella.config import Config, load
from lamella.errors import LamellaError, did_you_mean

F = TypeVar("F", bound=Callable[..., Any])

CONFIG = click.argument("config", type=click.Path(dir_okay=False, path_type=Path))


def _folders(command: F) -> F:
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


def _selection(command: F) -> F:
    """The options that restrict a run."""
    command = DEVICE(command)
    for names, metavar, what in (
        (["--channels"], "LIST", "Only these channels, such as 3,7,16-31."),
        (["--panel", "panels"], "GLOB", "Only these panels; repeatable. A leading ! excludes."),
        (["--layer", "layers"], "GLOB", "Only these layers; repeatable. A leading ! excludes."),
    ):
        several = metavar == "GLOB"
        command = click.option(*names, multiple=several, metavar=metavar, help=what)(command)
    return command


def _load(config: Path, work: Path | None, site: Path | None, device: str | None) -> Config:
    """The config, with what the command line sets over it."""
    output = {
        name: str(folder.resolve()) for name, folder in (("work", work), ("site", site)) if folder
    }
    return load(config, output=output, analysis={"device": device} if device else {})


class _Commands(click.Group):
    """A group that shows our own errors as two lines, and leaves by Ctrl-C without a traceback."""

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order in which they are used."""
        return list(self.commands)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except LamellaError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(1)
        except KeyboardInterrupt:
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


_ANALYSIS_ONLY = frozenset({"torch", "torchvision", "numba", "sklearn", "umap"})


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lamella")
def main() -> None:
    """Lay a trained vision network under glass: a static atlas of all its units.

    Start with `lamella init FOLDER`, then `lamella build FOLDER/atlas.toml`.
    """


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write an atlas.toml into FOLDER that builds at once.

    FOLDER is a new one, say. With atlas.toml come a small network and a few drawn images, to be
    replaced by your own.
    """
    from lamella.starting import start

    start(folder)


@main.command()
@CONFIG
@_selection
@_folders
def build(
    config: Path, device: str | None, work: Path | None, site: Path | None, **selection: Any
) -> None:
    """Analyse and render what CONFIG asks for and lacks.

    CONFIG is an atlas.toml; options outrank what it says. The pages are rendered after the survey
    and again as layers finish, so the atlas can be read while it fills. Safe to stop at any moment:
    the next run goes on from there.
    """
    from lamella.building import analysed

    analysed(_load(config, work, site, device), **selection, rendering=True)


@main.command()
@CONFIG
@_selection
@_folders
def analyse(
    config: Path, device: str | None, work: Path | None, site: Path | None, **selection: Any
) -> None:
    """Compute what CONFIG asks for and lacks; write no pages.

    CONFIG is an atlas.toml; options outrank what it says. Safe to stop at any moment: the next run
    goes on from there.
    """
    from lamella.building import analysed

    analysed(_load(config, work, site, device), **selection, rendering=False)


@main.command()
@CONFIG
@_folders
def render(config: Path, work: Path | None, site: Path | None) -> None:
    """Write the pages of what was analysed.

    CONFIG is an atlas.toml. Needs no torch, no GPU and no images.
    """
    from lamella.building import rendered

    rendered(_load(config, work, site, None))


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    metavar="NUMBER",
    help="Where to listen; 0 for any that is free.",
)
def serve(folder: Path, port: int) -> None:
    """Show a rendered FOLDER in the browser.

    FOLDER is the site, such as public. To this machine only; Ctrl-C ends it.
    """
    from lamella.serving import serve_folder

    serve_folder(folder, port)


@main.command("layers")
@CONFIG
@DEVICE
@_folders
@click.option(
    "--time/--no-time", "timed", default=True, show_default=True, help="Measure how long it takes."
)
def list_layers(
    config: Path, device: str | None, work: Path | None, site: Path | None, timed: bool
) -> None:
    """List CONFIG's layers, and how long they would take.

    CONFIG is an atlas.toml. Of each layer: kind, units, output size, receptive field, what is
    missing of it.
    """
    from lamella.reports import layers_report

    layers_report(_load(config, work, site, device), timed)


@main.command()
@CONFIG
@_folders
def status(config: Path, work: Path | None, site: Path | None) -> None:
    """Show what is there, what is missing, and its size.

    CONFIG is an atlas.toml.
    """
    from lamella.reports import status_report

    status_report(_load(config, work, site, None))


@main.command()
@CONFIG
@_folders
@click.option("--yes", is_flag=True, help="Delete without asking.")
def prune(config: Path, work: Path | None, site: Path | None, yes: bool) -> None:
    """Delete results that CONFIG no longer asks for.

    CONFIG is an atlas.toml. Results of earlier settings, weights or images are listed, and
    deleted after asking.
    """
    from lamella.reports import prune_store

    prune_store(_load(config, work, site, None), yes)


if __name__ == "__main__":
    main()
