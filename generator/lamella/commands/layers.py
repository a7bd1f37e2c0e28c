"""What `lamella layers` tells: the layers, what is missing of each, and how long that would take.

Flow: pipeline -> **layers**.
"""

import math
from collections.abc import Sequence

from lamella.commands.tables import plain_table, show
from lamella.commands.terminal import say
from lamella.config.config import Config
from lamella.network.description import Network
from lamella.network.units import Layer

COLUMNS = ("layer", "kind", "units", "output", "sees")


def field_words(layer: Layer) -> str:
    """A receptive field and its stride as the table shows them: `15 / 4 px`."""
    if layer.field is None:
        return "all"
    return f"{layer.field.size} / {layer.field.rows.stride} px" + (" +" if layer.gated else "")


def layer_row(layer: Layer) -> list[str]:
    """A layer in a table: under the columns COLUMNS, whose marks `legend` explains."""
    output = f"{layer.height} x {layer.width}" + ("" if layer.placed else " ?")
    kind = layer.kind + (" *" if layer.multiplied else "")
    return [layer.name, kind, str(layer.channels), output, field_words(layer)]


def legend(layers: Sequence[Layer]) -> None:
    """Print what the columns and marks of rows of layers mean."""
    say("Sees: receptive field and stride, in pixels of the input.")
    if any(layer.gated for layer in layers):
        say("+: and the whole image, through a gate or a normalization.")
    if any(layer.multiplied for layer in layers):
        say("*: behind it its values are multiplied by others, which act as a gate.")
    if any(not layer.placed for layer in layers):
        say("?: where these positions lie on the image cannot be told.")


def duration(seconds: float) -> str:
    """Seconds in a reader's words; "?" where they are not known."""
    if math.isnan(seconds):
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def left_out_words(network: Network, named: int = 3) -> str:
    """What took part in a pass and is not in the atlas, in one sentence."""
    reasons: dict[str, list[str]] = {}
    for name, why in network.left_out:
        reasons.setdefault(why, []).append(name)
    shown = "; ".join(f"{_some(names, named)}: {why}" for why, names in reasons.items())
    share = f" They hold {network.outside / network.parameters:.0%}".replace("%", " %")
    numbers = f"{share} of the network's parameters." if network.outside else ""
    return f"Not in this atlas, though they took part: {shown}.{numbers}" + (
        " `lamella layers` lists all." if len(network.left_out) > named else ""
    )


def _some(names: Sequence[str], most: int) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def layers_report(config: Config, timed: bool) -> None:
    """Print the layers, what would be computed of each, and roughly how long that takes here."""
    from lamella.pipeline.pipeline import Analysis

    analysis = Analysis.of(config)
    visualization = next((p for p in analysis.panels if p[0].name == "feature_visualization"), None)
    table = plain_table(*COLUMNS, "missing", *(["pictures"] if timed and visualization else []))
    job = analysis.job(*visualization) if visualization else None
    total = 0.0
    for layer in analysis.atlas.network.layers:
        row = layer_row(layer)
        per_unit = [panel for panel, _ in analysis.panels if panel.per == "unit"]
        missing = {panel.name: len(analysis.missing(panel, layer)) for panel in per_unit}
        row.append(str(max(missing.values(), default=0)))
        if timed and visualization and job:
            left = missing["feature_visualization"]
            seconds = left and left * visualization[0].seconds_per_unit(job, layer)
            total += 0.0 if math.isnan(seconds) else seconds
            row.append(duration(seconds))
        table.add_row(*row)
    show(table)
    network = analysis.atlas.network
    names = ", ".join(panel.name for panel, _ in analysis.panels)
    say(f"\n{len(network.layers)} layers, {network.units} units, {len(analysis.images)} images")
    for note in network.notes:
        say(note)
    if network.left_out:
        say(left_out_words(network, len(network.left_out)))
    legend(network.layers)
    say(f"Panels: {names}.")
    if timed and visualization:
        say(
            f"Pictures: feature visualization of what is missing takes about {duration(total)} "
            f"on {analysis.model.device}, measured now; the rest takes minutes."
        )
