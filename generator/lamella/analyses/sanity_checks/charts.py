"""Charts and tables of the three tests.

Flow: report -> **charts** -> view.
"""

from __future__ import annotations

from collections.abc import Mapping

from lamella.analyses.sanity_checks.report import Report, Share
from lamella.analyses.sanity_checks.stored import BASELINES, SHARES
from lamella.analyses.sanity_checks.text import counted, number, percent
from lamella.figures import Cell, Lines, Series, Table

WAYS = ("Deletion", "Insertion")
TRAINED = "as trained"


def randomization_chart(report: Report) -> Lines | None:
    """What each method's map keeps of its order, stage by stage."""
    if not report.stages:
        return None
    kept = report.kept()
    series = tuple(
        Series(method.title, (1.0, *map(float, kept[:, at])))
        for at, method in enumerate(report.methods)
    )
    ends = "; ".join(
        f"{method.title} ends at {number(float(kept[-1, at]))}"
        for at, method in enumerate(report.methods)
    )
    note = (
        "From left to right one more block is random, from the output down; the names are those "
        "of the lowest that is. 1: the same order as the trained network's map; 0: none of it."
    )
    return Lines(
        "What is left of a map while the network forgets",
        (),
        series,
        f"Rank correlation with the trained network's map, by how far down weights are random: "
        f"{ends}.",
        "random from here to the output",
        "rank correlation",
        (TRAINED, *(name for name, _ in report.stages)),
        note=note,
    )


def correlations(report: Report, signed: bool) -> Table | None:
    """All rank correlations, with the controls."""
    methods = [
        (at, method) for at, method in enumerate(report.methods) if method.signed or not signed
    ]
    if not report.stages or not methods:
        return None
    kept, flat = report.kept(signed), report.flat()
    controls = [] if signed else [report.control(name) for name in ("other_class", "other_image")]
    images = len(report.plan.images)
    empty = False
    rows = []
    for at, method in methods:
        cells = []
        for stage in range(len(kept)):
            mark = "*" if 0 < flat[stage, at] < images else ""
            empty |= bool(mark)
            cells.append(number(float(kept[stage, at])) + mark)
        rows.append((method.title, *cells, *(number(float(each[at])) for each in controls)))
    head = [name for name, _ in report.stages]
    head += [] if signed else ["another class", "another image"]
    note = f"Means over {images} images."
    if not signed:
        note += (
            " The last two columns are controls of the trained network: the map of the same image "
            "for the answer to another one, and the maps of the other images."
        )
    if empty:
        note += " *: for some images the map is empty then; they are left out of the mean."
    if bool((flat == images).any()):
        note += " –: empty for all."
    title = "With their signs" if signed else "Absolute values"
    return Table(title, tuple(rows), ("Map", *head), note)


def curve(report: Report, way: int) -> Lines | None:
    """Deletion (0) or insertion (1): mean probabilities."""
    if report.curves is None:
        return None
    means = report.curves[:, way].mean(0)
    names = (*BASELINES, *(method.title for method in report.methods))
    order = [*range(len(BASELINES), len(names)), report.best_baseline]  # of the baselines the best
    series = tuple(Series(names[at], tuple(map(float, means[at]))) for at in order)
    what = "gone" if way == 0 else "there"
    starts = f"from {number(float(means[0, 0]))} to {number(float(means[0, -1]))}"
    note = (
        "The sooner it falls, the better."
        if way == 0
        else "The sooner it rises, the better. At the left the whole image is blurred."
    )
    return Lines(
        WAYS[way],
        SHARES,
        series,
        f"{WAYS[way]}: mean probability of the first answer by the share of pixels that are {what},"
        f" {starts}. The areas are in the table.",
        f"share of the pixels that are {what}",
        "mean probability",
        note=note,
    )


def areas(report: Report) -> Table | None:
    """The area under each curve."""
    if report.areas is None:
        return None
    means = report.areas.mean(0)
    names = (*(method.title for method in report.methods), *BASELINES)
    order = [*range(len(BASELINES), len(names)), *range(len(BASELINES))]
    rows = tuple(
        (
            name if at >= len(BASELINES) else f"({name})",
            number(float(means[0, at])),
            number(float(means[1, at])),
            number(float(means[1, at] - means[0, at])),
        )
        for name, at in zip(names, order, strict=True)
    )
    return Table(
        "Area under the curves",
        rows,
        ("Order", "deletion", "insertion", "difference"),
        f"Means over {len(report.areas)} images. In brackets: orders that know nothing of the "
        "network.",
    )


def pointing(report: Report) -> Table | None:
    """Hits of each method, of the centre and by chance."""
    if not report.pointed:
        return None
    rows: list[tuple[str, ...]] = []
    for at, method in enumerate(report.methods):
        hits = report.hits(at)
        low, high = hits.interval
        rows.append(
            (method.title, counted(hits), percent(hits.share), f"{percent(low)} to {percent(high)}")
        )
    images = len(report.pointed)
    for name, baseline in (("(the image's centre)", "centre"), ("(a random place)", "chance")):
        share = report.baseline(baseline)
        rows.append((name, counted(Share(share * images, images)), percent(share), ""))
    return Table("Maxima on the thing", tuple(rows), ("Map", "hits", "share", "95 % interval"))


def by_label(report: Report) -> Table | None:
    """Hits by the photographs' labels."""
    groups = report.by_label()
    if len(groups) < 2:
        return None
    rows = tuple(
        (
            label or "no label",
            f"{len(entries)}",
            *(percent(report.hits(at, entries).share) for at in range(len(report.methods))),
            percent(report.baseline("centre", entries)),
        )
        for label, entries in groups.items()
    )
    head = ("Photographs", "number", *(method.title for method in report.methods), "(centre)")
    return Table("By what the photographs are of", rows, head)


def misses(report: Report, links: Mapping[int, str]) -> Table | None:
    """The images that some method missed, and which did."""
    if not report.pointed:
        return None
    names = range(len(report.methods))
    rows: dict[str, tuple[str | Cell, ...]] = {}
    for image, entry in report.pointed:
        missed = [bool(report.numbers["hit"][entry, at] < 0.5) for at in names]
        if any(missed):
            name = report.photograph(image).name
            answer = report.answer(int(report.numbers["answer"][entry]))
            sure = percent(float(report.numbers["probability"][entry]))
            marks = ("missed" if each else "" for each in missed)
            rows[name] = (Cell(name, links.get(image, "")), f"{answer}, {sure}", *marks)
    if not rows:
        return None
    head = ("Photograph", "explained", *(method.title for method in report.methods))
    linked = any(isinstance(row[0], Cell) and row[0].link for row in rows.values())
    note = "A name leads to what the network looked at in the photograph." if linked else ""
    return Table("Which were missed", tuple(rows[name] for name in sorted(rows)), head, note)
