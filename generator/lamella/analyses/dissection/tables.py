"""The numbers of the dissection as figures: by kind, along depth, by layer, by concept.

Flow: stored -> **tables** -> view, articles, concept_page. Imports no torch.
"""

from collections.abc import Sequence

from lamella.analyses.dissection.stored import OVERVIEW, DissectionRecord, LayerDetectors
from lamella.figures import Cell, Lines, Series, Table, links
from lamella.figures.published import unit_page
from lamella.network.units import Unit
from lamella.store.facts import Atlas

Ranked = Sequence[tuple[Unit, float]]


def overview_link(atlas: Atlas) -> Cell:
    """To the page on the whole network."""
    return Cell("Network dissection", links.article_page(atlas.network.name, OVERVIEW))


def concept_link(atlas: Atlas, record: DissectionRecord, concept: int) -> str:
    """The address of a concept's page."""
    return links.article_page(atlas.network.name, record.slugs[concept])


def numbers(record: DissectionRecord, layers: Sequence[LayerDetectors]) -> Table:
    """Detectors of the whole network by kind, trained and random."""
    units = sum(len(each.trained) for each in layers)
    random = any(each.random is not None for each in layers)

    def row(name: str, kind: str | None) -> tuple[str, ...]:
        ours = sum(each.counts(record, kind)[0] for each in layers)
        shared = len({c for each in layers for c in each.trained.tolist() if _is(record, c, kind)})
        cells = [name, f"{ours:,}", f"{ours / units:.1%}", str(shared)]
        if random:
            theirs = sum(each.counts(record, kind, random=True)[0] for each in layers)
            cells += [f"{theirs:,}", f"{theirs / units:.1%}"]
        return tuple(cells)

    head = ("Kind", "Detectors", "of all units", "Different concepts")
    rows = (row("any", None), *(row(kind, kind) for kind in record.kinds))
    more = ("With random weights", "of all units") if random else ()
    return Table("", rows, head=(*head, *more))


def _is(record: DissectionRecord, concept: int, kind: str | None) -> bool:
    return concept >= 0 and kind in (None, record.concepts[concept].kind)


def chart(record: DissectionRecord, layers: Sequence[LayerDetectors]) -> Lines:
    """The share of each layer's units that are detectors, by kind, along depth."""

    def shares(kind: str | None, *, random: bool = False) -> tuple[float, ...]:
        return tuple(
            100 * each.counts(record, kind, random=random)[0] / len(each.trained) for each in layers
        )

    series = [Series("any", shares(None))] if len(record.kinds) > 1 else []
    series += [Series(kind, shares(kind)) for kind in record.kinds]
    if any(each.random is not None for each in layers):
        series.append(Series("any, random weights", shares(None, random=True)))
    every = shares(None)
    best = max(range(len(layers)), key=lambda at: every[at])
    return Lines(
        title="Detectors along depth",
        x=(),
        series=tuple(series),
        alt=f"The share of each layer’s units that detect a concept, by kind of concept; most, "
        f"{every[best]:.0f} %, in {layers[best].layer.name}.",
        x_label="layer",
        y_label="% of the layer’s units",
        names=tuple(each.layer.name for each in layers),
    )


def by_layer(atlas: Atlas, record: DissectionRecord, layers: Sequence[LayerDetectors]) -> Table:
    """Detectors of each layer by kind; the random network's in brackets."""
    random = any(each.random is not None for each in layers)

    def cell(each: LayerDetectors, kind: str | None) -> str:
        ours, _ = each.counts(record, kind)
        theirs, _ = each.counts(record, kind, random=True)
        return f"{ours} ({theirs})" if random else str(ours)

    rows: tuple[tuple[str | Cell, ...], ...] = tuple(
        (
            Cell(each.layer.name, links.layer_page(atlas.network.name, each.layer.name)),
            f"{len(each.trained):,}",
            cell(each, None),
            *(cell(each, kind) for kind in record.kinds),
            str(each.counts(record, None)[1]),
        )
        for each in layers
    )
    head = ("Layer", "Units", "Detectors", *record.kinds, "Different concepts")
    note = "In brackets: the same layer with random weights." if random else ""
    return Table("", rows, head=head, note=note)


def all_concepts(atlas: Atlas, record: DissectionRecord, layers: Sequence[LayerDetectors]) -> Table:
    """Every concept that took part, with its detectors."""
    rows: list[tuple[int, tuple[str | Cell, ...]]] = []
    baseline = bool(record.plain["baseline"])
    for at, concept in enumerate(record.concepts):
        if record.allowed[at]:
            units = ranked(layers, at)
            theirs = sum(int((f.random == at).sum()) for f in layers if f.random is not None)
            best = f"{units[0][0]}" if units else ""
            rows.append(
                (
                    len(units),
                    (
                        Cell(concept.name, concept_link(atlas, record, at)),
                        concept.kind,
                        str(len(units)),
                        *([str(theirs)] if baseline else []),
                        Cell(best, unit_page(atlas, units[0][0]) if units else ""),
                        f"{units[0][1]:.3f}" if units else "",
                        " / ".join(str(images) for images in record.images[at]),
                    ),
                )
            )
    rows.sort(key=lambda row: -row[0])
    left = [str(c) for at, c in enumerate(record.concepts) if not record.allowed[at]]
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


def ranked(layers: Sequence[LayerDetectors], concept: int) -> Ranked:
    """All detectors of a concept, highest IoU first."""
    every = [pair for each in layers for pair in each.detectors(concept)]
    return sorted(every, key=lambda pair: -pair[1])
