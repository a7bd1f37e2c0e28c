"""What `build`, `analyse` and `render` do: run the pipeline, render in between, sum up.

Flow: pipeline -> **building** -> pages.
"""

import time
from collections.abc import Mapping

import click

from lamella import __version__
from lamella.commands.layers import left_out_words
from lamella.commands.progress import Progress
from lamella.config.config import Config
from lamella.config.selection import channel_numbers
from lamella.errors import ConfigError, ModelError, said
from lamella.images.manifest import passed_over_words
from lamella.pipeline.plan import open_atlas, panels_of
from lamella.site.pages import About, Rendered, render
from lamella.site.publish import Site

RENDER_SHARE = 0.05  # of the time since the start that rendering in between may take


def about_of(config: Config) -> About:
    """What the pages say of the atlas itself."""
    credits = ""
    if config.credits:
        path = config.path(config.credits)
        try:
            credits = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{config.file}: 'credits': cannot read {path}: {said(error)}.",
                "It is a text file in UTF-8, relative to the folder of atlas.toml.",
            ) from error
    return About(
        title=config.title,
        description=config.description,
        authors=config.authors,
        licence=config.licence,
        credits=credits,
        date=config.date,
        release=config.version,
        site_url=config.site_url,
        publish=config.images.publish,
        version=__version__,
    )


def write_pages(config: Config, progress: Progress) -> Rendered:
    """Render everything that is known so far."""
    panels = [panel for panel, _ in panels_of(config)]
    with progress.aside("pages"):
        return render(about_of(config), open_atlas(config), panels, config.path(config.output.site))


def rendered(config: Config) -> None:
    """`lamella render`."""
    progress = Progress()
    result = write_pages(config, progress)
    took = progress.seconds["pages"]
    click.echo(
        f"{result.pages} pages, {result.written} files written, {result.deleted} deleted, "
        f"{result.bytes / 1e6:.0f} MB, {took:.1f} s"
    )
    click.echo(f"Open {config.path(config.output.site) / 'index.html'}")


def analysed(
    config: Config,
    layers: tuple[str, ...],
    panels: tuple[str, ...],
    channels: str | None,
    *,
    rendering: bool,
) -> None:
    """`lamella analyse`, and with `rendering` `lamella build`."""
    from lamella.pipeline.pipeline import Analysis, Selection

    numbers = tuple(channel_numbers(channels)) if channels else ()
    if rendering:  # what would stop the first rendering is told before hours of work
        about_of(config)
        Site(config.path(config.output.site))
    progress = Progress()
    began = time.monotonic()
    analysis = Analysis.of(config)
    network = analysis.atlas.network
    progress.say(
        f"{network.name}: {len(network.layers)} layers, {network.units} units, "
        f"{len(analysis.images)} images, on {analysis.model.device}"
    )
    manifest = analysis.images.manifest
    if words := passed_over_words(manifest.passed_over):
        progress.say(f"The image folder holds {len(manifest.photographs)} images{words}.")
    for note in network.notes:
        progress.say(note)
    if network.left_out:
        progress.say(left_out_words(network))
    page = config.path(config.output.site) / "index.html"
    told = False
    for _ in analysis.run(Selection(layers, panels, numbers), progress):
        spent = progress.seconds.get("pages", 0.0)
        # Once as soon as there is something to see, then while it costs little beside the work.
        affordable = spent <= RENDER_SHARE * (time.monotonic() - began)
        if rendering and (not told or affordable):
            write_pages(config, progress)
            if not told:
                progress.say(f"The atlas can be opened and fills as it is read: {page}")
                told = True
    if rendering:
        result = write_pages(config, progress)
    progress.say("")
    total = time.monotonic() - began
    stages = ", ".join(
        f"{name.replace('_', ' ')} {seconds:.0f} s" for name, seconds in progress.seconds.items()
    )
    skipped = open_atlas(config).manifest.skipped
    seen = len(analysis.images) - len(skipped)
    progress.say(f"{network.units} units, {seen} images in {total:.0f} s: {stages}")
    if skipped:
        some = f"{len(skipped)} broken images were" if len(skipped) > 1 else "1 broken image was"
        progress.say(f"{some} skipped; the about page lists them.")
    if rendering:
        click.echo(f"{result.pages} pages, {result.bytes / 1e6:.0f} MB")
        click.echo(f"Open {page}")
    if analysis.unable:
        raise ModelError(*_unable(analysis.unable))


def _unable(analyses: Mapping[str, ModelError]) -> tuple[str, str]:
    """What could not run for this network, and how to build without it."""
    told = [f"{name}: {error.problem} {error.remedy}".strip() for name, error in analyses.items()]
    number = "One analysis" if len(told) == 1 else f"{len(told)} analyses"
    left = ", ".join(f'"!{name}"' for name in analyses)
    return (
        f"{number} could not run for this network; all else is there.\n  " + "\n  ".join(told),
        f'Mend the network, or leave them out: [analysis] panels = ["*", {left}].',
    )
