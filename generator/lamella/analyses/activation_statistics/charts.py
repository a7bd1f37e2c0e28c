"""Lines along the depth of a network, and all its numbers in a table.

Flow: stored -> **charts** -> view.
"""

import math
from collections.abc import Callable, Sequence

from lamella.analyses.activation_statistics.stored import LayerStatistics
from lamella.figures import Cell, Lines, Series, Table, links
from lamella.figures.format import number
from lamella.store.facts import Atlas

Layers = tuple[LayerStatistics, ...]


def _chart(
    layers: Layers,
    title: str,
    y_label: str,
    series: Sequence[tuple[str, Callable[[LayerStatistics], float]]],
    *,
    log: bool = False,
    note: str = "",
) -> Lines | None:
    """Some numbers along depth; None where no layer has any of them."""
    drawn = [(name, tuple(value(one) for one in layers)) for name, value in series]
    drawn = [(name, values) for name, values in drawn if any(map(math.isfinite, values))]
    if not drawn:
        return None
    alt = f"{title}, along the depth of the network. " + "; ".join(
        f"{name or y_label}: {_ends(values)}" for name, values in drawn
    )
    lines = tuple(Series(name, values) for name, values in drawn)
    names = tuple(one.name for one in layers)
    return Lines(title, (), lines, f"{alt}.", "layer", y_label, names, note=note, log_y=log)


def _ends(values: Sequence[float]) -> str:
    """What a line does, for those who cannot see it."""
    known = [value for value in values if math.isfinite(value)]
    if len(known) == 1:
        return f"{known[0]:.3g}"
    most, least = max(known), min(known)
    return f"from {known[0]:.3g} to {known[-1]:.3g}, between {least:.3g} and {most:.3g}"


def zeros(layers: Layers) -> Lines | None:
    gap = any(one.signed for one in layers)
    note = "Layers whose values may be negative are gaps." if gap else ""
    series = (("", lambda one: one.zeros),)
    return _chart(layers, "Share of exact zeros", "share of the activations", series, note=note)


def sizes(layers: Layers) -> Lines | None:
    series = (
        ("largest of all", lambda one: one.maximum),
        ("99.9th percentile of the median unit", lambda one: one.p999),
        ("mean of those that are not zero", lambda one: one.nonzero),
        ("root mean square", lambda one: one.rms),
    )
    return _chart(layers, "Size of the activations", "activation", series, log=True)


def answers(layers: Layers) -> Lines | None:
    series = (
        ("units that any photograph excites", lambda one: one.alive),
        ("photographs that excite a unit, on average", lambda one: one.active),
    )
    return _chart(layers, "Shares", "share", series)


def counts(layers: Layers) -> Lines | None:
    series = (
        ("of the layer", lambda one: float(one.units)),
        ("that one photograph excites, on average", lambda one: one.answering),
    )
    return _chart(layers, "Units", "units", series, log=True)


def dimension(layers: Layers) -> Lines | None:
    if not any(math.isfinite(one.dimension) for one in layers):
        return None
    series = (
        ("units", lambda one: float(one.units)),
        ("components for 90 % of the variance", lambda one: one.components),
        ("participation ratio", lambda one: one.dimension),
    )
    return _chart(layers, "Effective dimension", "dimensions", series, log=True)


def table(atlas: Atlas, layers: Layers) -> Table:
    rows = tuple(
        (
            Cell(one.name, links.layer_page(atlas.network.name, one.name)),
            f"{one.units:,}",
            percent(one.zeros),
            number(one.rms),
            number(one.maximum),
            number(one.answering),
            number(one.dimension),
            number(one.components),
        )
        for one in layers
    )
    head = (
        *("layer", "units", "exact zeros", "root mean square", "largest"),
        *("excited by one photograph", "participation ratio", "components for 90 %"),
    )
    gone = (
        "-: not known, or nothing that the layer could have."
        if any("-" in row[1:] for row in rows)
        else ""
    )
    return Table("", rows, head, note=gone)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %" if math.isfinite(share) else "-"
