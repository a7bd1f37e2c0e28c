"""The numbers of the dissection as figures: by kind, along depth, by layer, by concept.

Flow: report -> **tables** -> articles, the panel's views. Imports no torch.
"""

from collections.abc import Sequence

from lamella.analyses.dissection.stored import OVERVIEW, Found, Report
from lamella.figures import Cell, Lines, Series, Table, links
from lamella.figures.published import unit_page
from lamella.network.units import Unit
from lamella.store.facts import Atlas

Ranked = Sequence[tuple[Unit, float]]


def overview_link(atlas: Atlas) -> Cell:
    """To the page on the whole network."""
    return Cell("Network dissection", links.article_page(atlas.network.name, OVERVIEW))


def concept_link(atlas: Atlas, report: Report, concept: int) -> str:
    """The address of a concept's page."""
    return links.article_page(atlas.network.name, report.slugs[concept])


def numbers(report: Report, found: Sequence[Found]) -> Table:
    """Detectors of the whole network by kind, trained and random."""
    units = sum(len(each.trained) for each in found)
    random = any(each.random is not None for each in found)

    def row(name: str, kind: str | None) -> tuple[str, ...]:
        ours = sum(each.counts(report, kind)[0] for each in found)
        shared = len({c for each in found for c in each.trained.tolist() if _is(report, c, kind)})
        cells = [name, f"{ours:,}", f"{ours / units:.1%}", str(shared)]
        if random:
            theirs = sum(each.counts(report, kind, random=True)[0] for each in found)
            cells += [f"{theirs:,}", f"{theirs / units:.1%}"]
        return tuple(cells)

    head = ("Kind", "Detectors", "of all units", "Different concepts")
    rows = (row("any", None), *(row(kind, kind) for kind in report.kinds))
    more = ("With random weights", "of all units") if random else ()
    return Table("", rows, head=(*head, *more))


def _is(report: Report, concept: int, kind: str | None) -> bool:
    return concept >= 0 and kind in (None, report.concepts[concept].kind)


def chart(report: Report, found: Sequence[Found]) -> Lines:
    """The share of each layer's units that are detectors, by kind, along depth."""

    def shares(kind: str | None, *, random: bool = False) -> tuple[float, ...]:
        return tuple(
            100 * each.counts(report, kind, random=random)[0] / len(each.trained) for each in found
        )

    series = [Series("any", shares(None))] if len(report.kinds) > 1 else []
    series += [Series(kind, shares(kind)) for kind in report.kinds]
    if any(each.random is not None for each in found):
        series.append(Series("any, random weights", shares(None, random=True)))
    every = shares(None)
    best = max(range(len(found)), key=lambda at: every[at])
    return Lines(
        title="Detectors along depth",
        x=(),
        series=tuple(series),
        alt=f"The share of each layer’s units that detect a concept, by kind of concept; most, "
        f"{every[best]:.0f} %, in {found[best].layer.name}.",
        x_label="layer",
        y_label="% of the layer’s units",
        names=tuple(each.layer.name for each in found),
    )


def by_layer(atlas: Atlas, report: Report, found: Sequence[Found]) -> Table:
    """Detectors of each layer by kind; the random network's in brackets."""
    random = any(each.random is not None for each in found)

    def cell(each: Found, kind: str | None) -> str:
        ours, _ = each.counts(report, kind)
        theirs, _ = each.counts(report, kind, random=True)
        return f"{ours} ({theirs})" if random else str(ours)

    rows: tuple[tuple[str | Cell, ...], ...] = tuple(
        (
            Cell(each.layer.name, links.layer_page(atlas.network.name, each.layer.name)),
            f"{len(each.trained):,}",
            cell(each, None),
            *(cell(each, kind) for kind in report.kinds),
            str(each.counts(report, None)[1]),
        )
        for each in found
    )
    head = ("Layer", "Units", "Detectors", *report.kinds, "Different concepts")
    note = "In brackets: the same layer with random weights." if random else ""
    return Table("", rows, head=head, note=note)


def all_concepts(atlas: Atlas, report: Report, found: Sequence[Found]) -> Table:
    """Every concept that took part, with its detectors."""
    rows: list[tuple[int, tuple[str | Cell, ...]]] = []
    baseline = bool(report.plain["baseline"])
    for at, concept in enumerate(report.concepts):
        if report.allowed[at]:
            units = ranked(found, at)
            theirs = sum(int((f.random == at).sum()) for f in found if f.random is not None)
            best = f"{units[0][0]}" if units else ""
            rows.append(
                (
                    len(units),
                    (
                        Cell(concept.name, concept_link(atlas, report, at)),
                        concept.kind,
                        str(len(units)),
                        *([str(theirs)] if baseline else []),
                        Cell(best, unit_page(atlas, units[0][0]) if units else ""),
                        f"{units[0][1]:.3f}" if units else "",
                        " / ".join(str(images) for images in report.images[at]),
                    ),
                )
            )
    rows.sort(key=lambda row: -row[0])
    left = [str(c) for at, c in enumerate(report.concepts) if not report.allowed[at]]
    note = f"Too few images show: {', '.join(left)}." if left else ""
    head = (
        "Concept",
        "Kind",
        "Detectors",
        *(["Random weights"] if baseline else []),
        "Best unit",
        "IoU",
        "Images, choosing / measuring",
    )
    return Table("", tuple(row for _, row in rows), head=head, note=note)


def ranked(found: Sequence[Found], concept: int) -> Ranked:
    """All detectors of a concept, highest IoU first."""
    every = [pair for each in found for pair in each.detectors(concept)]
    return sorted(every, key=lambda pair: -pair[1])
