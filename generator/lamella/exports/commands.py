"""The commands that carry something away: cite, figure, pack. `cli.py` lists them.

Flow: command line -> **commands** -> opened, figure, plate, pack.
"""

from pathlib import Path

import click

from lamella.commands.options import CONFIG, folders, loaded
from lamella.commands.terminal import say
from lamella.errors import ConfigError

PATH = click.argument("path", type=click.Path(exists=True, path_type=Path))
KINDS = ("pdf", "svg", "png")


@click.command()
@PATH
@click.argument("unit", required=False, metavar="UNIT")
def cite(path: Path, unit: str | None) -> None:
    """Print how to cite a unit, or the atlas.

    PATH is an atlas.toml, or the folder of a rendered site. UNIT is LAYER:CHANNEL; without it, it
    is the whole atlas. Prints a sentence, the identifier, a BibTeX entry, and for a unit LaTeX that
    includes what `lamella figure` draws.
    """
    from lamella.exports.latex import snippet
    from lamella.exports.opened import opened

    atlas = opened(path)
    found = atlas[unit] if unit else None
    cited = found.citation if found else atlas.citation
    parts = [cited.text, cited.identifier, cited.bibtex]
    parts += [snippet(found, path)] if found else []
    say("\n\n".join(parts))


@click.command()
@CONFIG
@click.argument("units", nargs=-1, required=True, metavar="UNITS")
@folders
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="figure.pdf",
    show_default=True,
    metavar="FILE",
    help="What to write: .pdf, .svg or .png.",
)
@click.option(
    "--width",
    type=click.FloatRange(20, 1000),
    default=174.0,
    show_default=True,
    metavar="MM",
    help="Its width in millimetres.",
)
@click.option(
    "--dpi",
    type=click.IntRange(72, 1200),
    default=300,
    show_default=True,
    metavar="NUMBER",
    help="Pixels per inch of what is no vector.",
)
@click.option(
    "--examples",
    type=click.IntRange(0, 12),
    default=6,
    show_default=True,
    metavar="NUMBER",
    help="Dataset examples of each unit.",
)
def figure(
    config: Path,
    units: tuple[str, ...],
    work: Path | None,
    site: Path | None,
    out: Path,
    width: float,
    dpi: int,
    examples: int,
) -> None:
    """Draw units for a paper, as PDF, SVG or PNG.

    CONFIG is an atlas.toml. Each of UNITS is LAYER:CHANNEL and gets a row: feature visualization,
    dataset examples, strongest weights, identifier and numbers. Needs lamella[figure], no torch.
    """
    from lamella.commands.build import about_of
    from lamella.exports.figure import rows_of, source_line
    from lamella.exports.plate import drawn
    from lamella.network.units import unit_named
    from lamella.pipeline.plan import open_atlas, panels_of
    from lamella.site.drawing import published
    from lamella.store.writing import write_atomically

    kind = out.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise ConfigError(
            f"--out {out}: a figure is .pdf, .svg or .png.", f"Say --out {out.stem}.pdf, for one."
        )
    chosen = loaded(config, work, site, None)
    atlas = published(open_atlas(chosen), [panel for panel, _ in panels_of(chosen)])
    named = [unit_named(text, atlas.channels, str(config)) for text in units]
    source = source_line(about_of(chosen), atlas)
    content, lacking = drawn(rows_of(atlas, named, examples), source, kind, width, dpi)
    write_atomically(out, content)
    for line in lacking:
        say(line, err=True)
    say(f"{out}: {len(content) / 1e3:.0f} kB")


@click.command()
@PATH
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="atlas.zip",
    show_default=True,
    metavar="FILE",
    help="What to write.",
)
def pack(path: Path, out: Path) -> None:
    """Pack a rendered site into one zip.

    PATH is an atlas.toml, or the folder of a rendered site. For reading offline and for archives:
    the same site gives the same bytes, and SHA256SUMS inside tells whether a copy is whole.
    """
    from lamella.exports.opened import site_of
    from lamella.exports.pack import packed

    number = packed(site_of(path), out)
    say(f"{out}: {number} files, {out.stat().st_size / 1e6:.1f} MB")
