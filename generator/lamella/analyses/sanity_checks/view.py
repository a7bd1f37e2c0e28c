"""Sanity checks of attribution maps. The section of the about page, and the article behind it.

Flow: report -> verdicts, charts -> **view** -> site. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lamella.analyses.sanity_checks import charts, text
from lamella.analyses.sanity_checks.report import Report
from lamella.analyses.sanity_checks.stored import (
    PANEL,
    PHOTOGRAPH,
    absent,
    map_name,
    miss_name,
    sanity_page,
)
from lamella.analyses.sanity_checks.text import number, percent
from lamella.analyses.sanity_checks.verdicts import sentences, verdict_table
from lamella.attribution.methods import BY_NAME
from lamella.figures import Figure, Gallery, Legend, Table, Tile, short
from lamella.figures.article import MEASURES, Article, Part
from lamella.figures.links import SANITY_CHECKS
from lamella.figures.published import network_picture
from lamella.store.facts import Atlas


def figures(atlas: Atlas) -> tuple[Figure, ...]:
    """What the about page shows: verdicts, charts, hits; () leaves the section out."""
    report = Report.of(atlas)
    if report is None:
        why = absent(atlas)
        return (Gallery("", (), note=why),) if why else ()
    return _existing(
        verdict_table(report, sanity_page(atlas)),
        charts.randomization_chart(report),
        charts.curve(report, 0),
        charts.curve(report, 1),
        charts.pointing(report),
    )


def articles(atlas: Atlas) -> tuple[Article, ...]:
    """The page of the tests; () where nothing was tested."""
    report = Report.of(atlas)
    return () if report is None else (_article(report, atlas.pages_of("attribution_maps")),)


def _article(report: Report, pages: Mapping[int, str]) -> Article:
    """The whole page.

    Args:
        pages: of attribution maps, by the number of the image.
    """
    parts = (
        Part("At a glance", (text.GLANCE,), (verdict_table(report),)),
        _randomization(report),
        Part("What that says of each map", verdicts) if (verdicts := sentences(report)) else None,
        _looked_at(report),
        _curves(report),
        _pointing(report, pages),
        _undefined(report),
    )
    shown = tuple(part for part in parts if part)
    line = "Which attribution maps depend on the weights, and point at the object."
    return Article(SANITY_CHECKS, text.TITLE, text.LEAD, shown, group=MEASURES, line=line)


def _randomization(report: Report) -> Part | None:
    drawn = _existing(
        charts.randomization_chart(report),
        charts.correlations(report, signed=False),
        charts.correlations(report, signed=True),
    )
    if not drawn:
        return None
    return Part("Does a map depend on what the network learned?", text.randomization(report), drawn)


def _looked_at(report: Report) -> Part | None:
    """The maps of one image, method by method, stage by stage."""
    atlas = report.atlas
    photograph = network_picture(atlas, PANEL, PHOTOGRAPH, 0, "The photograph")
    if photograph is None:
        return None
    rows: list[Figure] = [Legend()]
    for at, method in enumerate(report.methods):
        tiles = [Tile(photograph, "the photograph")]
        for name, entry in [(charts.TRAINED, 0), *report.stages]:
            random = "trained" if entry == 0 else f"random from {name} to the output"
            alt = f"{method.title} of the photograph, network {random}"
            picture = network_picture(atlas, PANEL, map_name(method.name), entry, alt)
            if picture is None:
                continue
            numbers = report.numbers
            kept = float(numbers["absolute"][entry, 0, at])
            full = short(float(numbers["full"][entry, at]))
            empty = bool(numbers["flat"][entry, 0, at])
            left = "" if not entry else ", empty" if empty else f", keeps {number(kept)}"
            detail = f"full {full}{left}"
            tiles.append(Tile(picture, name, detail))
        rows.append(Gallery(method.title, tuple(tiles), size="stages"))
    first = report.plan.images[0]
    answer = report.answer(int(report.numbers["explained"][0, 0]))
    paragraphs = text.looked_at(answer, report.photograph(first).label)
    return Part("The maps while the network forgets", paragraphs, tuple(rows))


def _curves(report: Report) -> Part | None:
    drawn = _existing(charts.curve(report, 0), charts.curve(report, 1), charts.areas(report))
    return Part("Does a map mark what counts?", text.CURVES, drawn) if drawn else None


def _pointing(report: Report, pages: Mapping[int, str]) -> Part:
    title = "Does a map point at the thing?"
    if not report.plan.masked:
        return Part(title, text.no_masks(report.plan))
    hits, labels = charts.pointing(report), charts.by_label(report)
    drawn = _existing(hits, labels, charts.misses(report, pages))
    galleries = tuple(_missed(report, pages))
    return Part(title, text.pointing(report), (*drawn, *galleries))


def _missed(report: Report, pages: Mapping[int, str]) -> Iterator[Gallery]:
    """For each method the images that it missed, with the place where it points."""
    for method in report.methods:
        tiles = []
        for image, entry in report.pointed:
            photograph = report.photograph(image)
            what = photograph.label or photograph.name
            alt = f"{photograph.name}: where {method.title} points, beside the thing"
            picture = network_picture(report.atlas, PANEL, miss_name(method.name), entry, alt)
            if picture is not None:
                answer = report.answer(int(report.numbers["answer"][entry]))
                sure = percent(float(report.numbers["probability"][entry]))
                tiles.append(Tile(picture, answer, f"{sure}; {what}", pages.get(image, "")))
        if tiles:
            title = f"{method.title} missed {len(tiles)} of {len(report.pointed)}"
            yield Gallery(title, tuple(tiles), size="stages")


def _undefined(report: Report) -> Part | None:
    """The methods that this network has not."""
    if not report.plan.missing:
        return None
    rows = tuple((BY_NAME[name].title, why) for name, why in report.plan.missing.items())
    return Part("Not defined for this network", (), (Table("", rows),))


def _existing(*figures: Figure | None) -> tuple[Figure, ...]:
    """Those that there are."""
    return tuple(figure for figure in figures if figure is not None)
