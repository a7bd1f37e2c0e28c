"""The command line: parse, delegate, print.

Heavy imports stay inside the commands: `render`, `serve` and `--help` work without torch.
"""

from pathlib import Path
from typing import Any

import click

from lamella import __version__
from lamella.commands.group import Commands
from lamella.commands.options import CONFIG, DEVICE, LAYERS, folders, loaded, selection
from lamella.exports.commands import cite, figure, pack


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lamella")
def main() -> None:
    """Lay a trained vision network under glass: a static atlas of all its units.

    Start with `lamella init FOLDER`, then `lamella build FOLDER/atlas.toml`.
    """


@main.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--source", default="", help="The network: timm:NAME, torchvision:NAME, FILE.py:FUNCTION."
)
@click.option(
    "--channels",
    type=click.Choice(["RGB", "L"]),
    default="RGB",
    help="Of the small network; L: greys.",
)
def init(folder: Path, source: str, channels: str) -> None:
    """Write an atlas.toml into FOLDER that builds at once.

    FOLDER is a new one, say. With atlas.toml come a small network and a few drawn images, to be
    replaced by your own.
    """
    from lamella.commands.init import start

    start(folder, source, channels)


@main.command()
@CONFIG
@DEVICE
def doctor(config: Path, device: str | None) -> None:
    """Try every analysis on a few images, in about a minute.

    CONFIG is an atlas.toml. One unit of each layer is tried, and nothing is kept. The exit code is
    how many analyses failed.
    """
    from lamella.commands.doctor import diagnosed

    if failed := diagnosed(config, device):
        raise SystemExit(min(failed, 100))


@main.command()
@CONFIG
@selection
@folders
def build(
    config: Path, device: str | None, work: Path | None, site: Path | None, **selection: Any
) -> None:
    """Analyse and render what CONFIG asks for and lacks.

    CONFIG is an atlas.toml; options outrank what it says. The pages are rendered after the survey
    and again as layers finish, so the atlas can be read while it fills. Safe to stop at any moment:
    the next run goes on from there.
    """
    from lamella.commands.build import analysed

    analysed(loaded(config, work, site, device), **selection, rendering=True)


@main.command()
@CONFIG
@selection
@folders
def analyse(
    config: Path, device: str | None, work: Path | None, site: Path | None, **selection: Any
) -> None:
    """Compute what CONFIG asks for and lacks; write no pages.

    CONFIG is an atlas.toml; options outrank what it says. Safe to stop at any moment: the next run
    goes on from there.
    """
    from lamella.commands.build import analysed

    analysed(loaded(config, work, site, device), **selection, rendering=False)


@main.command()
@CONFIG
@folders
def render(config: Path, work: Path | None, site: Path | None) -> None:
    """Write the pages of what was analysed.

    CONFIG is an atlas.toml. Needs no torch, no GPU and no images.
    """
    from lamella.commands.build import rendered

    rendered(loaded(config, work, site, None))


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
    from lamella.commands.serve import serve_folder

    serve_folder(folder, port)


main.add_command(cite)
main.add_command(figure)
main.add_command(pack)


@main.command("layers")
@CONFIG
@DEVICE
@folders
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
    from lamella.commands.layers import layers_report

    layers_report(loaded(config, work, site, device), timed)


@main.command()
def settings() -> None:
    """Print every key of atlas.toml, as Markdown."""
    from lamella.commands.settings import document

    click.echo(document(), nl=False)


@main.command()
@CONFIG
@folders
def status(config: Path, work: Path | None, site: Path | None) -> None:
    """Show what is there, what is missing, and its size.

    CONFIG is an atlas.toml.
    """
    from lamella.commands.status import status_report

    status_report(loaded(config, work, site, None))


@main.command()
@CONFIG
@folders
@LAYERS
@click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    help="Write it as JSON too; - for JSON alone, to the screen.",
)
def report(
    config: Path,
    work: Path | None,
    site: Path | None,
    layers: tuple[str, ...],
    file: str | None,
) -> None:
    """Say how good the pictures are, layer by layer.

    CONFIG is an atlas.toml. Strength, selectivity, grey and dead pictures of what was analysed
    last, and the gates that they should pass. Needs no torch, no GPU and no images.
    """
    from lamella.commands.report import quality_report

    quality_report(loaded(config, work, site, None), layers, file)


@main.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@folders
@click.option("--repair", is_flag=True, help="Make again what is damaged.")
def check(path: Path, work: Path | None, site: Path | None, repair: bool) -> None:
    """Read every shard and page against its checksum.

    PATH is an atlas.toml; or a folder of pages, such as a published copy. Each fault is named, and
    the exit code is 1. With --repair what is damaged is deleted and built again.
    """
    from lamella.commands.check import check_atlas, check_pages

    if path.is_dir():
        check_pages(path)
    else:
        check_atlas(loaded(path, work, site, None), repair)


@main.command()
@CONFIG
@folders
@click.option("--yes", is_flag=True, help="Delete without asking.")
def prune(config: Path, work: Path | None, site: Path | None, yes: bool) -> None:
    """Delete results that CONFIG no longer asks for.

    CONFIG is an atlas.toml. Results of earlier settings, weights or images are listed, and
    deleted after asking.
    """
    from lamella.commands.status import prune_store

    prune_store(loaded(config, work, site, None), yes)


if __name__ == "__main__":
    main()
