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
from lamella.errors import LamellaError

F = TypeVar("F", bound=Callable[..., Any])

CONFIG = click.argument("config", type=click.Path(dir_okay=False, path_type=Path))


def _folders(command: F) -> F:
    """The options that say where results lie."""
    for name, what in (
        ("--site", "Folder of the site, instead of [output] site."),
        ("--work", "Folder of the store, instead of [output] work."),
    ):
        option = click.option(name, type=click.Path(file_okay=False, path_type=Path), help=what)
        command = option(command)
    return command


def _selection(command: F) -> F:
    """The options that restrict a run."""
    for option in (
        click.option("--device", metavar="NAME", help="Where torch computes: auto, cpu, cuda, mps."),
        click.option("--channels", metavar="LIST", help="Only these channels, such as 3,7,16-31."),
        click.option(
            "--panel", "panels", multiple=True, metavar="GLOB", help="Only these panels; repeatable."
        ),
        click.option(
            "--layer", "layers", multiple=True, metavar="GLOB", help="Only these layers; repeatable."
        ),
    ):
        command = option(command)
    return command


def _load(config: Path, work: Path | None, site: Path | None, device: str | None) -> Config:
    """The config, with what the command line sets over it."""
    output = {
        name: str(folder.resolve()) for name, folder in (("work", work), ("site", site)) if folder
    }
    return load(config, output=output, analysis={"device": device} if device else {})


class _Commands(click.Group):
    """A group that shows our own errors as two lines, and leaves by Ctrl-C without a traceback."""

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
            from lamella.errors import did_you_mean

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
@CONFIG
@_selection
@_folders
def build(
    config: Path,
    layers: tuple[str, ...],
    panels: tuple[str, ...],
    channels: str | None,
    device: str | None,
    work: Path | None,
    site: Path | None,
) -> None:
    """Analyse, then render: everything that CONFIG asks for and that is missing.

    The pages are rendered after the survey and again as layers finish, so the atlas can be read
    while it fills. Safe to stop at any moment: the next run goes on from there.
    """
    from lamella.building import analysed

    loaded = _load(config, work, site, device)
    analysed(loaded, layers, panels, channels, rendering=True)


@main.command()
@CONFIG
@_selection
@_folders
def analyse(
    config: Path,
    layers: tuple[str, ...],
    panels: tuple[str, ...],
    channels: str | None,
    device: str | None,
    work: Path | None,
    site: Path | None,
) -> None:
    """Compute what CONFIG asks for and that is missing; write no pages.

    Safe to stop at any moment: the next run goes on from there.
    """
    from lamella.building import analysed

    loaded = _load(config, work, site, device)
    analysed(loaded, layers, panels, channels, rendering=False)


@main.command()
@CONFIG
@_folders
def render(config: Path, work: Path | None, site: Path | None) -> None:
    """Write the pages of what was analysed. Needs no torch, no GPU and no images."""
    from lamella.building import rendered

    rendered(_load(config, work, site, None))


@main.command("layers")
@CONFIG
@click.option("--device", metavar="NAME", help="Where torch computes: auto, cpu, cuda, mps.")
@click.option(
    "--time/--no-time", "timed", default=True, show_default=True, help="Measure how long it takes."
)
def list_layers(config: Path, device: str | None, timed: bool) -> None:
    """List the layers of CONFIG's network, and what computing them would take."""
    from lamella.reports import layers_report

    layers_report(_load(config, None, None, device), timed)


@main.command()
@CONFIG
@_folders
def status(config: Path, work: Path | None, site: Path | None) -> None:
    """Show what is there, what is missing, and how much disk it takes."""
    from lamella.reports import status_report

    status_report(_load(config, work, site, None))


@main.command()
@CONFIG
@_folders
@click.option("--yes", is_flag=True, help="Delete without asking.")
def prune(config: Path, work: Path | None, site: Path | None, yes: bool) -> None:
    """Delete results of earlier settings, weights or images that CONFIG no longer asks for."""
    from lamella.reports import prune_store

    prune_store(_load(config, work, site, None), yes)


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write a commented atlas.toml into FOLDER that builds at once."""
    from lamella.starting import start

    start(folder)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 for any."
)
def serve(folder: Path, port: int) -> None:
    """Show a rendered FOLDER in the browser, to this machine only."""
    from lamella.serving import serve_folder

    serve_folder(folder, port)


if __name__ == "__main__":
    main()
