"""What `build`, `analyse` and `render` do: run the pipeline, render in between, sum up.

Flow: pipeline -> **building** -> pages.
"""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lamella import __version__
from lamella.commands.layers import left_out_words
from lamella.commands.progress import Progress
from lamella.commands.terminal import say
from lamella.config.config import Config
from lamella.config.files import text_of
from lamella.config.selection import channel_numbers
from lamella.errors import ConfigError, Damaged, ModelError, said
from lamella.images.manifest import passed_over_words
from lamella.pipeline.plan import Step, open_atlas, panels_of, store_of
from lamella.site.pages import About, Rendered, render
from lamella.site.publish import Site
from lamella.store.checking import lost
from lamella.store.store import discard

if TYPE_CHECKING:
    from lamella.pipeline.pipeline import Selection

SHOWN = 6  # layers that could not be analysed, by name
RENDER_SHARE = 0.05  # of the time since the start that rendering in between may take


def about_of(config: Config) -> About:
    """What the pages say of the atlas itself."""
    credits = ""
    if config.credits:
        path = config.path(config.credits)
        try:
            credits = text_of(path)
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
    atlas, out = open_atlas(config), config.path(config.output.site)
    with progress.aside("pages"):
        return render(about_of(config), atlas, panels, out, tell=progress.say)


def rendered(config: Config) -> None:
    """`lamella render`.

    Raises:
        Damaged: a file of the store is damaged, or was lost.
    """
    progress = Progress()
    atlas = open_atlas(config)
    for error in lost(atlas.store, atlas.keys):
        raise error
    result = write_pages(config, progress)
    took = progress.seconds["pages"]
    say(
        f"{result.pages} pages, {result.written} files written, {result.deleted} deleted, "
        f"{result.bytes / 1e6:.0f} MB, {took:.1f} s"
    )
    say(f"Open {config.path(config.output.site) / 'index.html'}")


def analysed(
    config: Config,
    layers: tuple[str, ...],
    panels: tuple[str, ...],
    channels: str | None,
    *,
    rendering: bool,
) -> None:
    """`lamella analyse`, and with `rendering` `lamella build`.

    What is found to be damaged is told, deleted, and made again.
    """
    from lamella.pipeline.pipeline import Selection

    numbers = tuple(channel_numbers(channels)) if channels else ()
    if rendering:  # what would stop the first rendering is told before hours of work
        about_of(config)
        Site(config.path(config.output.site)).check()
    progress, store = Progress(), store_of(config)
    command = "lamella build" if rendering else "lamella analyse"
    found: set[Path] = set()
    with store.locked(command, progress.say):
        while True:
            try:
                return _analysed(config, Selection(layers, panels, numbers), progress, rendering)
            except Damaged as error:
                if error.path in found or not store.writable:
                    raise
                found.add(error.path)
                progress.say(f"{error.problem} It is made again.")
                discard(error.path)


def _analysed(config: Config, selection: "Selection", progress: Progress, rendering: bool) -> None:
    from lamella.pipeline.pipeline import Analysis

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
    for _ in analysis.run(selection, progress):
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
        say(f"{result.pages} pages, {result.bytes / 1e6:.0f} MB")
        say(f"Open {page}")
    for remark in analysis.model.remarks:
        progress.say(remark)
    if analysis.unable:
        raise _unable(analysis.unable)


def _unable(unable: Mapping[Step, ModelError]) -> ModelError:
    """What could not run for this network, and how to build without it."""
    panels = dict.fromkeys(step.panel for step in unable if not step.layer)
    layers = dict.fromkeys(step.layer for step in unable if step.layer)
    ways = [
        f"{name} = {json.dumps(['*', *(f'!{each}' for each in left)], ensure_ascii=False)}"
        for name, left in (("panels", panels), ("layers", layers))
        if left
    ]
    number = len({step.panel for step in unable})
    return ModelError(
        f"{'One analysis' if number == 1 else f'{number} analyses'} could not run for "
        f"{'this network' if panels else 'some layers'}; all else is there.\n  "
        + "\n  ".join(unable_words(unable)),
        f"Mend the network, or leave them out: [analysis] {', '.join(ways)}.",
    )


def unable_words(unable: Mapping[Step, ModelError]) -> list[str]:
    """Each analysis that could not run, with why and the layers for which it could not."""
    layers: dict[tuple[str, str], list[str]] = {}
    for step, error in unable.items():
        why = f"{error.problem} {error.remedy}".strip()
        layers.setdefault((step.panel, why), []).extend([step.layer] if step.layer else ())
    return [f"{panel}{_some(names)}: {why}" for (panel, why), names in layers.items()]


def _some(layers: Sequence[str]) -> str:
    """The names of layers in a few words; "" for none."""
    if not layers:
        return ""
    more = f" and {len(layers) - SHOWN} more" if len(layers) > SHOWN else ""
    return f", layer{'s' * (len(layers) > 1)} {', '.join(layers[:SHOWN])}{more}"
